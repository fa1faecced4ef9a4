"""`stowage check` where a listing takes several runs: what it prints, how it exits, and what signals do."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli.check import add_arguments
from tests.clouds import environment_of
from tests.serving import ROOT, command
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import late, refuse

SECONDS = 30


@pytest.fixture
def environment(request: pytest.FixtureRequest, cloud: Cloud, tmp_path: Path) -> dict[str, str]:
    """An empty database, and 1,100 objects of somebody else's at Cloudinary: four calls, with the one for images."""
    cloud.fill([f"theirs/{number:05}" for number in range(1100)], kind="authenticated")
    own = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key", "TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    environment = {**own, **environment_of("cloudinary", request)}
    assert command("migrate", settings=environment).returncode == 0
    return environment


class Running:
    """A check in a process of its own."""

    def __init__(self, environment: dict[str, str], *options: str) -> None:
        arguments = [sys.executable, "-m", "app", "check", "--json", *options]
        environment = {"PATH": os.environ["PATH"], **environment}
        self.process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


def places(environment: dict[str, str]) -> list[Path]:
    """The files that keep places."""
    return list(Path(environment["TMPDIR"]).glob("*.check"))


def wait_for_calls(cloud: Cloud, count: int) -> None:
    """Until Cloudinary has been asked so often."""
    deadline = time.monotonic() + SECONDS
    while len(cloud.named("admin")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_bound_that_is_met_is_no_end(environment: dict[str, str], cloud: Cloud) -> None:
    """75, and the command that goes on; after it the temporary file is gone."""
    first = command("check", "--admin-calls", "2", settings=environment)
    told = re.search(r"Go on later: stowage check (--resume) (\S+)\n", first.stdout)
    assert told, first
    second = command("check", *told.groups(), settings=environment)

    assert (first.returncode, first.stderr) == (75, "")
    assert first.stdout.startswith("not compared: cloudinary: The 2 calls that this run may make are used up.\n")
    assert "0 rows, 0 objects" in first.stdout
    assert (second.returncode, second.stdout) == (0, "0 rows, 1100 objects, 1100 of them not ours, 0 removed\n")
    assert (cloud.admin_calls, places(environment)) == (4, [])


def test_one_command_again_and_again_comes_to_an_end(environment: dict[str, str], cloud: Cloud, tmp_path: Path) -> None:
    """`--resume` with a file that isn't there begins it; programs read `complete` and `resume`."""
    place = tmp_path / "place"
    answers = []
    for _ in range(4):
        done = command("check", "--json", "--admin-calls", "1", "--resume", str(place), settings=environment)
        said = json.loads(done.stdout)
        answers.append((done.returncode, said["complete"], said["resume"], said["objects"]))

    assert answers == [(75, False, str(place), 0)] * 3 + [(0, True, None, 1100)]
    assert (cloud.admin_calls, place.exists()) == (4, False)


@pytest.mark.parametrize("status", [420, 429])
def test_a_spent_allowance_is_no_end(environment: dict[str, str], cloud: Cloud, status: int) -> None:
    """Also when it was spent before the first page."""
    cloud.faults.always("admin", refuse(status))
    done = command("check", "--json", "--repair", settings=environment)
    said = json.loads(done.stdout)

    assert (done.returncode, said["complete"], said["removed"]) == (75, False, 0)
    assert said["errors"] == ["cloudinary: Cloudinary's limit of calls is reached for now."]
    assert Path(said["resume"]).exists()


def test_wrong_credentials_are_an_end(environment: dict[str, str], cloud: Cloud) -> None:
    """1: trying again later doesn't help."""
    cloud.faults.always("admin", refuse(401))
    done = command("check", "--json", settings=environment)
    said = json.loads(done.stdout)

    assert (done.returncode, said["complete"], said["resume"]) == (1, False, None)
    assert places(environment) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_after_the_page(environment: dict[str, str], cloud: Cloud, number: int) -> None:
    """75, one whole JSON object, and what was listed is not asked for again."""
    cloud.faults.always("admin", late(0.3))
    running = Running(environment)
    wait_for_calls(cloud, 2)
    running.process.send_signal(number)
    code, out, err = running.end()
    cloud.faults.clear()
    said = json.loads(out)
    calls = len(cloud.named("admin"))
    done = command("check", "--resume", said["resume"], settings=environment)

    assert (code, said["complete"], said["findings"], err) == (75, False, [], "")
    assert calls in {2, 3}
    assert (done.returncode, len(cloud.named("admin"))) == (0, 4)


def test_a_second_signal_ends_it_at_once(environment: dict[str, str], cloud: Cloud) -> None:
    """Also while a call hangs."""
    cloud.faults.always("admin", late(SECONDS))
    running = Running(environment)
    wait_for_calls(cloud, 1)
    for _ in range(2):
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
    code, _, _ = running.end()

    assert code == -signal.SIGTERM


def test_a_killed_run_is_gone_on_with(environment: dict[str, str], cloud: Cloud, tmp_path: Path) -> None:
    """SIGKILL: the pages that it had are kept."""
    place = str(tmp_path / "place")
    cloud.faults.always("admin", late(0.3))
    running = Running(environment, "--resume", place)
    wait_for_calls(cloud, 3)
    running.process.kill()
    running.end()
    cloud.faults.clear()
    done = command("check", "--resume", place, settings=environment)

    assert done.returncode == 0, done
    assert len(cloud.named("admin")) == 3 + 2


def test_other_stores_need_no_bound(tmp_path: Path) -> None:
    """The options change nothing there."""
    environment = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key"}
    assert command("migrate", settings=environment).returncode == 0
    place = tmp_path / "place"
    done = command("check", "--admin-calls", "0", "--resume", str(place), settings=environment)

    assert (done.returncode, done.stdout) == (0, "0 rows, 0 objects, 0 of them not ours, 0 removed\n")
    assert not place.exists()


@pytest.mark.parametrize("option", ["--limit", "--admin-calls"])
@pytest.mark.parametrize("value", ["-1", "many", ""])
def test_a_number_that_makes_no_sense_is_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--limit=-1` would hide every orphan."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([f"{option}={value}"])

    assert "a number, 0 or more" in capsys.readouterr().err


def test_a_quarantine_in_the_store_is_refused(tmp_path: Path) -> None:
    """What lies there would be found again."""
    environment = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key"}
    done = command("check", "--quarantine", str(tmp_path / "data/files/lost"), settings=environment)

    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)
    assert "--quarantine" in done.stderr

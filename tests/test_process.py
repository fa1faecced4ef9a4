"""From root to an ordinary user: what is given away, what is refused, and in which words."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SERVICE = 10001
ORDINARY = os.geteuid() or 65534  # whoever runs the tests, but never root
CHILD = """
import contextlib, json, os, sys
from pathlib import Path
from app.process import step_down

start_as, folder, run_as, railway = json.loads(sys.argv[1])
with contextlib.suppress(PermissionError):
    os.setgroups([0, 27]), os.setgid(start_as), os.setuid(start_as)
try:
    step_down(Path(folder) if folder else None, run_as=run_as, railway=railway)
except ValueError as refused:
    print(json.dumps({"refused": str(refused)}))
else:
    file = Path(folder or "/nowhere") / "written"
    written = [file.write_text("x"), oct(file.stat().st_mode & 0o777)][1] if folder else None
    ids = [os.getresuid(), os.getresgid(), os.getgroups()]
    print(json.dumps({"ids": ids, "home": os.environ["HOME"], "written": written}))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="stowage-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def root() -> int:
    """The number of root, for tests that need to be root."""
    assert os.geteuid() == 0, "this test starts as root: run it as root, or leave `-m slow` to the build server"
    return 0


def stepped(start_as: int, folder: Path | None, run_as: str | None = None, *, railway: bool = False) -> dict[str, Any]:
    """What became of a process that started as a user and stepped down."""
    order = json.dumps([start_as, folder and str(folder), run_as, railway])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, order],
        cwd=ROOT,
        env={"HOME": "/root", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def owned_by_the_test(folder: Path) -> Path:
    """A new folder of the ordinary user."""
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, ORDINARY, ORDINARY)
    return folder


def test_an_ordinary_user_stays_who_he_is(place: Path) -> None:
    """Without root there is nothing to step down from; the files are for this user alone."""
    became = stepped(ORDINARY, owned_by_the_test(place / "data"), str(SERVICE))

    assert became["ids"][0] == [ORDINARY] * 3
    assert became["written"] == "0o600"


def test_without_run_as_the_umask_stays(place: Path) -> None:
    """On a developer's machine nothing changes."""
    mask = os.umask(0)
    os.umask(mask)

    assert stepped(ORDINARY, owned_by_the_test(place / "data"))["written"] == oct(0o666 & ~mask)


def test_a_missing_folder_is_made(place: Path) -> None:
    """With its parents."""
    folder = owned_by_the_test(place / "mount") / "data" / "stowage"

    assert stepped(ORDINARY, folder)["written"] is not None


def test_where_nothing_is_kept_no_folder_is_looked_at(place: Path) -> None:
    """With Postgres and a bucket the data folder need not exist."""
    assert "ids" in stepped(ORDINARY, None, str(SERVICE))
    assert list(place.iterdir()) == []


def test_trap_a_volume_that_cannot_be_written_is_refused_with_what_to_set_on_railway(place: Path) -> None:
    """Railway mounts volumes as root's: the sentence names the variable."""
    folder = owned_by_the_test(place / "data")
    folder.chmod(0o555)

    refused = stepped(ORDINARY, folder, railway=True)["refused"]

    assert refused.startswith(f"Volume not writable: user {ORDINARY} can't write to {folder}")
    assert "RAILWAY_RUN_UID=0" in refused
    assert "\n" not in refused


def test_elsewhere_the_refusal_says_how_to_give_the_folder(place: Path) -> None:
    """Render and Docker have no RAILWAY_RUN_UID."""
    folder = owned_by_the_test(place / "data")
    folder.chmod(0o555)

    refused = stepped(ORDINARY, folder)["refused"]

    assert "RAILWAY" not in refused
    assert f"chown -R {ORDINARY}:" in refused
    assert refused.endswith(str(folder))


def test_a_folder_that_cannot_be_made_is_refused_the_same_way(place: Path) -> None:
    """The mount point is missing and its parent is somebody else's."""
    parent = owned_by_the_test(place / "mount")
    parent.chmod(0o555)

    assert "Volume not writable" in stepped(ORDINARY, parent / "data")["refused"]


@pytest.mark.parametrize("run_as", ["stowage", "10001:", "-1", "1:2:3", "10001 ", "\u0661"])
def test_run_as_is_a_number(run_as: str) -> None:
    """Names need a file of users that images don't have."""
    assert stepped(ORDINARY, None, run_as)["refused"].startswith("RUN_AS: set the number of a user, such as 10001")


@pytest.mark.slow
@pytest.mark.parametrize(("run_as", "uid", "gid"), [("10001", 10001, 10001), ("10001:20002", 10001, 20002)])
def test_root_becomes_the_user_for_good(root: int, place: Path, run_as: str, uid: int, gid: int) -> None:
    """Real, effective and saved numbers, no further groups, no home of root's: there is no way back."""
    became = stepped(root, place / "data", run_as)

    assert became["ids"] == [[uid] * 3, [gid] * 3, []]
    assert became["home"] == "/"
    assert became["written"] == "0o600"
    assert ((place / "data").stat().st_uid, (place / "data").stat().st_gid) == (uid, gid)


@pytest.mark.slow
@pytest.mark.parametrize("run_as", [None, "0"])
def test_root_stays_root_where_nobody_asks_for_another(root: int, place: Path, run_as: str | None) -> None:
    """`make run` as root, or an operator who says so."""
    became = stepped(root, place / "data", run_as)

    assert (became["ids"][0], became["home"]) == ([0, 0, 0], "/root")


@pytest.mark.slow
def test_trap_a_volume_of_root_is_given_away_with_what_is_in_it(root: int, place: Path) -> None:
    """What an earlier version wrote as root belongs to the service afterwards, the deepest folder too."""
    deep = place / "files" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "c.png").touch()
    (place / "stowage.db").touch()

    stepped(root, place, str(SERVICE))

    assert {p.stat().st_uid for p in [place, *place.rglob("*")]} == {SERVICE}


@pytest.mark.slow
def test_trap_lost_and_found_stays_the_file_systems(root: int, place: Path) -> None:
    """A volume's own folder is left alone."""
    (place / "lost+found").mkdir(mode=0o700)

    stepped(root, place, str(SERVICE))

    assert (place / "lost+found").stat().st_uid == 0


@pytest.mark.slow
def test_a_symlink_leads_root_nowhere(root: int, place: Path) -> None:
    """What a link points to keeps its owner, on top and below."""
    outside, data = place / "outside", place / "data"
    outside.mkdir()
    (outside / "file").touch()
    (data / "files").mkdir(parents=True)
    (data / "out").symlink_to(outside)
    (data / "files" / "out").symlink_to(outside)

    stepped(root, data, str(SERVICE))

    assert [p.stat().st_uid for p in (outside, outside / "file")] == [0, 0]
    assert (data / "files" / "out").lstat().st_uid == SERVICE


@pytest.mark.slow
def test_a_start_does_not_walk_through_what_is_already_given(root: int, place: Path) -> None:
    """A million files cost nothing: below an entry that has the right owner nothing is looked at."""
    deep = place / "files" / "deep"
    deep.mkdir(parents=True)
    os.chown(place / "files", SERVICE, SERVICE)

    stepped(root, place, str(SERVICE))

    assert deep.stat().st_uid == 0


@pytest.mark.slow
def test_root_without_capabilities_is_refused_in_one_line(root: int, place: Path) -> None:
    """A container with `--cap-drop ALL` can't change its user, and must not go on as root."""
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    order = json.dumps([root, str(place), str(SERVICE), False])

    done = subprocess.run(
        [*dropped, sys.executable, "-c", CHILD, order],
        cwd=ROOT,
        env={"HOME": "/root", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert f"start it with --user {SERVICE}" in json.loads(done.stdout)["refused"]

"""The fuzzing itself: samples pass, a seed repeats a run, and what is planted is found."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.mutator import Mutator
from tests.fuzz.target import BY_BYTES, LONGEST, Target, check, load, meant, stretched
from tests.fuzz.watch import Outcome, Watch

SEED = 7


def watched(execute: Callable[[bytes], None], kept: Path, *, runs: int = 300, seconds: float = 2) -> Outcome:
    """What a run of a made-up target comes to."""
    target = Target(execute, lambda: [b"a sample", b"another"], (b"\0",))
    watch = Watch(target, Outcome("made-up", "own", SEED), seconds=seconds, kept=kept)
    for data in Mutator(SEED, target.seeds(), target.tokens).inputs(runs):
        watch.run(data)
    return watch.finish()


NEEDS_EXIFTOOL = {"metadata": [pytest.mark.slow]}


@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS_EXIFTOOL.get(name, [])) for name in BY_BYTES])
def test_every_sample_keeps_the_promises(name: str, tmp_path: Path) -> None:
    """And so do some hundred spoiled ones."""
    target = load(name)
    watch = Watch(target, Outcome(name, "own", SEED), seconds=20, kept=tmp_path)
    for data in Mutator(SEED, target.seeds(), target.tokens).inputs(600):
        watch.run(data)

    outcome = watch.finish()
    assert outcome.findings == {}
    assert outcome.executions == 600


def test_a_seed_repeats_a_run() -> None:
    """Byte by byte; another seed makes other inputs."""
    samples = [b"one", b"two" * 9]
    runs = [list(Mutator(seed, samples, (b"x",)).inputs(200)) for seed in (1, 1, 2)]

    assert runs[0] == runs[1] != runs[2]
    assert runs[0][:2] == samples
    assert len(set(runs[0])) > 150


def test_a_stretched_input_stands_for_a_long_one() -> None:
    """A piece of it many times, up to a length; what is too short for that is itself."""
    assert meant(stretched(b"abcd", 1, 2, 3)) == b"abcbcbcd"
    assert LONGEST - 1000 < len(meant(stretched(b"a" * 99, 9, 64, 10**6))) < LONGEST + 1000
    assert meant(b"\xf5*x") == b"\xf5*x"


@pytest.mark.parametrize("failure", [ValueError("a defect"), RecursionError(), MemoryError(), AssertionError()])
def test_whatever_is_raised_is_a_finding(failure: Exception, tmp_path: Path) -> None:
    """Once, with the input that raised it."""

    def execute(data: bytes) -> None:
        if b"\0" in data:
            raise failure

    outcome = watched(execute, tmp_path)

    assert [what.partition(":")[0] for what in outcome.findings] == [type(failure).__name__]
    assert b"\0" in meant(Path(*outcome.findings.values()).read_bytes())
    assert outcome.executions == 300


def test_a_broken_promise_is_a_finding(tmp_path: Path) -> None:
    """It is told in its words."""
    outcome = watched(lambda data: check(len(data) < 9, "nothing grows"), tmp_path)

    assert list(outcome.findings) == ["Broken: nothing grows"]


def test_an_execution_without_end_is_a_finding(tmp_path: Path) -> None:
    """Though the code catches every exception; a reader that only waits is none, for the clock is the processor's."""

    def execute(data: bytes) -> None:
        if data == b"a sample":
            while True:
                try:
                    sum(n for n in itertools.count())
                except Exception:  # noqa: BLE001 - as a reader might
                    continue
        time.sleep(0.06)

    outcome = watched(execute, tmp_path, runs=4, seconds=0.05)

    assert [what.rpartition(":")[0] for what in outcome.findings] == ["TooLong: test_fuzz.py"]
    assert outcome.longest_ms > 20


def test_memory_that_grows_is_a_finding(tmp_path: Path) -> None:
    """More than a bound after the first few hundred executions."""
    held: list[bytes] = []

    outcome = watched(lambda _: held.append(b"x" * 2**20), tmp_path, runs=700)

    assert [what.partition(" by ")[0] for what in outcome.findings] == ["memory grew"]


@pytest.mark.parametrize("packages", ["", "planted"])
def test_a_run_says_which_engine_ran(packages: str, tmp_path: Path) -> None:
    """Coverage-guided where atheris is; here in a process that has none, or one that is none."""
    report = tmp_path / "report"
    if packages:
        (tmp_path / "atheris.py").write_text("raise SystemExit('this one was taken')")
    command = [sys.executable, "-m", "tests.fuzz.child", "names", "50", str(SEED), str(report)]
    environment = {"FUZZ_PACKAGES": str(tmp_path) if packages else "", "PATH": "/usr/bin:/bin"}

    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    if packages:
        assert "this one was taken" in done.stderr
    else:
        outcome = json.loads(report.read_text())
        assert (outcome["engine"], outcome["executions"], outcome["findings"]) == ("own mutator", 50, {})

"""A process of its own for each guard: it is switched off, then the tests run that must notice."""

import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.guards.guard import Guard
from tests.planting import VARIABLE, plant, written

SECONDS = 120  # of one trial, at most; most take one
OURS = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError")  # defects of an edit prove nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """The test that failed, if one did as it should; what was said; whether the guard survived."""

    killer: str | None
    said: str

    @property
    def killed(self) -> bool:
        """Whether a test noticed."""
        return self.killer is not None


class Watch:
    """A plugin that remembers the first test that failed in its own lines, not in a fixture or an import."""

    def __init__(self) -> None:
        self.failure: tuple[str, str, str] | None = None

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        """What went wrong."""
        if call.when == "call" and call.excinfo is not None and self.failure is None:
            self.failure = (item.nodeid, call.excinfo.typename, str(call.excinfo.value).partition("\n")[0])


def start(guard: Guard, folder: Path) -> int:
    """Fork a process that leaves its result in the folder; its number."""
    folder.mkdir()
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    try:
        _try(guard, folder)
    finally:
        os._exit(0)


def outcome(process: int, folder: Path) -> Outcome:
    """Of a process that has ended; what it started ends with it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    result = folder / "result"
    if not result.exists():
        output = (folder / "output").read_text(errors="replace").strip().splitlines()
        return Outcome(None, f"no result: {output[-1] if output else f'more than {SECONDS} s'}")
    code, failure = json.loads(result.read_text())
    if failure is None:
        return Outcome(None, f"no test failed (exit code {code})")
    test, kind, said = failure
    return Outcome(None if kind in OURS else test, f"{kind}: {said}")


def _try(guard: Guard, folder: Path) -> None:
    os.setpgid(0, 0)
    signal.alarm(SECONDS)
    output = os.open(folder / "output", os.O_CREAT | os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ[VARIABLE] = written(guard.edits)
    plant(guard.edits)
    watch = Watch()
    chosen = ["-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = pytest.main([*chosen, f"--basetemp={folder / 'tmp'}", *guard.tests], plugins=[watch])
    (folder / "result").write_text(json.dumps([int(code), watch.failure]))

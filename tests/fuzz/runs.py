"""Each target in a process of its own, which may hang or die without the others."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import interface
from tests.fuzz.child import PACKAGES
from tests.fuzz.watch import Outcome

PATIENCE, FOR_EACH = 240, 0.05  # seconds: to begin with, and for each execution
SHOWN = 3000  # characters of what a process said that died


class NotFinished(Exception):
    """A run that hung or died: the harness, or a reader in C."""


def run_one(name: str, runs: int, seed: int) -> Outcome:
    """One target to its end."""
    if name == "api":
        return interface.run(max(1, runs // 10), seed)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        command = [sys.executable, "-m", "tests.fuzz.child", name, str(runs), str(seed), str(report)]
        said = _finished(name, command, PATIENCE + FOR_EACH * runs)
        if not report.exists():
            raise NotFinished(f"{name}: it ended without a report, seed {seed}\n{said[-SHOWN:]}")
        outcome = Outcome(**json.loads(report.read_text()))
    if outcome.executions < runs and not outcome.findings:
        raise NotFinished(f"{name}: {outcome.executions} executions of {runs}, seed {seed}")
    return outcome


def _finished(name: str, command: list[str], patience: float) -> str:
    environment = {**os.environ, PACKAGES: _packages(), "PYTHONHASHSEED": "0"}  # the same seed, the same run
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=patience, check=False, env=environment
        )
    except subprocess.TimeoutExpired:
        raise NotFinished(f"{name}: no end after {patience:.0f} s") from None
    return done.stdout + done.stderr


def _packages() -> str:
    """Where the fuzzing environment keeps what only it has."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(interface.environment() / "lib" / version / "site-packages")

"""The table at the end of the run: it counts, and it fails the run when a store keeps fewer promises than another."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT

CONFTEST = """
import pytest
from tests.storage.promises import Promises

def pytest_configure(config):
    config.pluginmanager.register(Promises())

@pytest.fixture(params=[("s3", "swift"), ("local", "disk")], ids="-".join)
def backend(request):
    return request.param
"""
KEPT = "def test_a_promise(backend):\n    pass\n"
SKIPPED = """
import pytest

def test_another(backend):
    if backend[0] == "s3":
        pytest.skip("on purpose: the run around this one must fail for it")
"""


@pytest.mark.parametrize(("tests", "code", "shown"), [(KEPT, 0, "1 of 1"), (KEPT + SKIPPED, 1, "1 of 2  FEWER")])
def test_a_skipped_promise_is_a_broken_one(tmp_path: Path, tests: str, code: int, shown: str) -> None:
    """A run whose tests all pass or skip fails, and the row says why."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_contract.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    row = next(line for line in done.stdout.splitlines() if line.startswith("s3 "))

    assert (done.returncode, shown in row) == (code, True), done.stdout

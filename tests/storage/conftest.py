"""Stores to try: each that keeps the contract, one on a disk, one on an S3 server that fails on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.backend import Backend
from app.storage.local import LocalBackend
from app.storage.s3 import S3Backend
from tests.standins import s3_faults
from tests.standins.s3_faults import Faults
from tests.storage.backends import FACTORIES, SLOW
from tests.storage.faulty import fresh, s3_on

ROWS = [pytest.param(row, id="-".join(row), marks=[pytest.mark.slow] if row[1] in SLOW else []) for row in FACTORIES]


@pytest.fixture(params=ROWS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every store in turn, empty."""
    return FACTORIES[request.param](request)


@pytest.fixture
def local(tmp_path: Path) -> LocalBackend:
    """The store on a disk, empty, in a folder of its own with nothing beside it."""
    return LocalBackend(tmp_path / "disk" / "files")


@pytest.fixture(scope="module")
def running() -> Iterator[Faults]:
    """The S3 server that fails on demand."""
    with s3_faults.running() as faults:
        yield faults


@pytest.fixture
def faults(running: Faults) -> Faults:
    """The same, healthy and empty."""
    return fresh(running)


@pytest.fixture
def proxied(running: Faults, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """The same as the machine's proxy, on the way to any server that is asked without TLS."""
    for name in ("http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", running.server.url)
    return fresh(running)


@pytest.fixture
def s3(faults: Faults) -> S3Backend:
    """The store on it."""
    return s3_on(faults)

"""Stores to try: each that keeps the contract, and one on a disk."""

from pathlib import Path

import pytest

from app.storage.backend import Backend
from app.storage.local import LocalBackend
from tests.storage.backends import FACTORIES, SLOW

ROWS = [pytest.param(row, id="-".join(row), marks=[pytest.mark.slow] if row[1] in SLOW else []) for row in FACTORIES]


@pytest.fixture(params=ROWS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every store in turn, empty."""
    return FACTORIES[request.param](request)


@pytest.fixture
def local(tmp_path: Path) -> LocalBackend:
    """The store on a disk, empty, in a folder of its own with nothing beside it."""
    return LocalBackend(tmp_path / "disk" / "files")

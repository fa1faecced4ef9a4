"""Whether the service can do its work."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.assets.ready import CACHED, Readiness
from app.db.database import Database
from app.db.revisions import is_current
from app.errors import StorageUnavailable
from app.storage.memory import MemoryBackend
from tests.assets.waist import Waist

pytestmark = pytest.mark.anyio


class Pinged(MemoryBackend):
    """Counts its pings, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.pings = 0
        self.well = True
        self.gate = threading.Event()
        self.gate.set()

    def ping(self) -> None:
        """Well, or not, or not now."""
        self.pings += 1
        self.gate.wait(10)
        if not self.well:
            raise StorageUnavailable("The disk is full.")


@pytest.fixture
def backend() -> Pinged:
    """Well."""
    return Pinged()


@pytest.fixture
def ready(make_waist: Callable[..., Waist], backend: Pinged, database_url: str) -> Readiness:
    """On each kind of database."""
    waist = make_waist(database_url, stores=[("pinged", backend)])
    return Readiness(waist.database, waist.stores)


async def test_all_is_well(ready: Readiness) -> None:
    """Three answers, by their names."""
    checks = await ready.checks()

    assert {name: check.ok for name, check in checks.items()} == {"database": True, "storage": True, "migrations": True}


async def test_a_store_that_is_not_well_says_why(ready: Readiness, backend: Pinged) -> None:
    """In its own words; the others are still asked."""
    backend.well = False
    checks = await ready.checks()

    assert (checks["storage"].ok, checks["storage"].reason) == (False, "The disk is full.")
    assert checks["database"].ok
    assert checks["migrations"].ok


async def test_the_store_is_asked_once_in_a_while(
    ready: Readiness, backend: Pinged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often we are: its answer is good for some seconds, whether it is a good one or not."""
    for _ in range(5):
        await ready.checks()
    first, backend.well = backend.pings, False
    later = time.monotonic() + CACHED + 1
    monkeypatch.setattr("app.assets.ready.monotonic", lambda: later)
    again = [(await ready.checks())["storage"].ok for _ in range(5)]

    assert (first, backend.pings) == (1, 2)
    assert again == [False] * 5


async def test_a_store_that_hangs_is_not_waited_for(ready: Readiness, backend: Pinged) -> None:
    """A second, and the answer is no."""
    backend.gate.clear()
    began = time.monotonic()
    checks = await ready.checks()
    took = time.monotonic() - began
    backend.gate.set()

    assert not checks["storage"].ok
    assert 0.9 < took < 3


async def test_a_database_without_tables_is_not_ready(make_waist: Callable[..., Waist], tmp_path: Path) -> None:
    """It is there, and older than this version."""
    waist = make_waist(f"sqlite:///{tmp_path / 'empty.db'}")
    checks = await Readiness(waist.database, waist.stores).checks()

    assert checks["database"].ok
    assert not checks["migrations"].ok
    assert "migrate" in (checks["migrations"].reason or "")


async def test_a_newer_database_is_ready(ready: Readiness, database_url: str) -> None:
    """The next version may migrate while this one still runs."""
    database = Database(database_url)
    here = await database.run(lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
    change = "UPDATE alembic_version SET version_num = '{}'"
    await database.run(lambda c: c.exec_driver_sql(change.format("newer")))
    checks = await ready.checks()
    await database.run(lambda c: c.exec_driver_sql(change.format(here)))
    is_back = await database.run(is_current)
    database.close()

    assert checks["migrations"].ok
    assert is_back


async def test_an_unreachable_database_is_not_ready(make_waist: Callable[..., Waist]) -> None:
    """Both of its answers are no, in sentences that say nothing of its address."""
    waist = make_waist("postgresql://user:hunter2@127.0.0.1:1/name")
    checks = await Readiness(waist.database, waist.stores).checks()

    assert {name: check.ok for name, check in checks.items()} == {
        "database": False,
        "storage": True,
        "migrations": False,
    }
    assert not any(word in str(checks) for word in ("hunter2", "127.0.0.1", "user"))

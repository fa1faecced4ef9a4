"""Assets that are asked for at the same time: one statement, and each its own answer."""

import asyncio

import pytest
from sqlalchemy import event

from app.db import assets
from app.db.database import WAITING, Database
from app.db.lookup import Lookup
from app.errors import Busy, DatabaseUnavailable
from tests.db.rows import draft, make_ready

pytestmark = pytest.mark.anyio


@pytest.fixture
def statements(database: Database) -> list[str]:
    """Those that name assets."""
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    return seen


async def test_each_gets_its_own(database: Database, statements: list[str]) -> None:
    """Forty askers, some for the same one, some for what isn't there: a few statements."""
    ready = await database.run(make_ready, *[draft() for _ in range(20)])
    wanted = [*ready, *ready[:10], *[draft() for _ in range(10)]]
    statements.clear()
    lookup = Lookup(database)
    found = await asyncio.gather(*[lookup.find(one.id) for one in wanted])

    assert found == [*ready, *ready[:10], *[None] * 10]
    assert len([text for text in statements if "FROM assets" in text]) <= 2


async def test_a_deletion_is_final_at_once(database: Database) -> None:
    """Who asks after it is answered finds nothing, though others asked before."""
    asset = (await database.run(make_ready, draft()))[0]
    lookup = Lookup(database)
    for _ in range(20):
        early = [asyncio.create_task(lookup.find(asset.id)) for _ in range(5)]
        await asyncio.sleep(0)
        await database.run(assets.doom, asset.id)
        assert await lookup.find(asset.id) is None
        await asyncio.gather(*early)
        asset = (await database.run(make_ready, draft()))[0]


async def test_a_failure_is_told_to_all_and_forgotten(database: Database) -> None:
    """The next ones are answered when the database is back."""

    def away(*_: object) -> None:
        raise DatabaseUnavailable

    asset = (await database.run(make_ready, draft()))[0]
    lookup = Lookup(database)
    event.listen(database.engine, "begin", away)
    failures = await asyncio.gather(*[lookup.find(asset.id) for _ in range(5)], return_exceptions=True)
    event.remove(database.engine, "begin", away)

    assert {type(failure) for failure in failures} == {DatabaseUnavailable}
    assert await lookup.find(asset.id) == asset


async def test_whoever_goes_does_not_disturb(database: Database) -> None:
    """A cancelled asker beside one that stays."""
    asset = (await database.run(make_ready, draft()))[0]
    lookup = Lookup(database)
    leaving, staying = (asyncio.create_task(lookup.find(asset.id)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()

    assert await staying == asset
    assert leaving.cancelled()


async def test_a_full_queue_is_busy(database: Database) -> None:
    """Waiting longer than a client does helps nobody."""
    lookup = Lookup(database)
    results = await asyncio.gather(*[lookup.find(draft().id) for _ in range(WAITING + 3)], return_exceptions=True)

    assert [type(result) for result in results].count(Busy) == 3

"""The ledger: rows that share a commit, each for itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from app.db import assets
from app.db.database import WAITING, Database
from app.db.ledger import Entry, Ledger
from app.db.records import Draft
from app.errors import Busy, DatabaseUnavailable
from tests.db.rows import draft, placed, states

pytestmark = pytest.mark.anyio


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger of a migrated database."""
    return Ledger(database, grace=60)


async def insert(ledger: Ledger, *drafts: Sequence[Draft]) -> list[Any]:
    """Each group as a request of its own, all at once; what became of them."""
    return await asyncio.gather(*[ledger.write(Entry(drafts=group)) for group in drafts], return_exceptions=True)


async def make_ready(ledger: Ledger, *drafts: Draft) -> list[Any]:
    """The same for rows whose bytes are stored."""
    return await asyncio.gather(*[ledger.write(Entry(placed=placed(d))) for d in drafts], return_exceptions=True)


async def test_what_comes_at_once_shares_commits(database: Database, ledger: Ledger) -> None:
    """Forty uploads: a few commits for their pending rows, a few to make them ready."""
    drafts = [draft() for _ in range(40)]
    seen: list[object] = []
    event.listen(database.engine, "commit", lambda _: seen.append(1))
    await insert(ledger, *[[d] for d in drafts])
    moments = await make_ready(ledger, *drafts)

    assert len(seen) < 10
    assert set((await states(database)).values()) == {"ready"}
    assert moments == [asset.created_at for asset in await database.read(assets.get_all, [d.id for d in drafts])]


async def test_what_is_ready_is_what_the_store_said(database: Database, ledger: Ledger) -> None:
    """Each row gets its own address and details."""
    first, second = draft(), draft()
    await insert(ledger, [first], [second])
    entries = [replace(placed(d), url=f"https://cdn/{n}", details={"n": n}) for n, d in enumerate([first, second])]
    await asyncio.gather(*[ledger.write(Entry(placed=one)) for one in entries])
    kept = await database.read(assets.get_all, [first.id, second.id])

    assert [(a.url, a.details) for a in kept] == [("https://cdn/0", {"n": 0}), ("https://cdn/1", {"n": 1})]


async def test_nothing_is_answered_before_the_commit(database: Database, ledger: Ledger) -> None:
    """At the moment of the commit nobody has been told."""
    entry, told = Entry(drafts=[draft()]), []
    event.listen(database.engine, "commit", lambda _: told.append(entry.written.done()))
    await ledger.write(entry)

    assert told == [False]


async def test_one_that_the_database_refuses_fails_alone(database: Database, ledger: Ledger) -> None:
    """The same id twice: the others are written, all files of a request or none."""
    there = draft()
    await insert(ledger, [there])
    good = [draft() for _ in range(5)]
    with_it = draft()
    results = await insert(ledger, *[[d] for d in good], [with_it, there])

    assert results[:5] == [None] * 5
    assert isinstance(results[5], IntegrityError)
    assert set(await states(database)) == {there.id, *[d.id for d in good]}


async def test_a_row_that_was_swept_is_not_made_ready(database: Database, ledger: Ledger) -> None:
    """The fence is for each row: its neighbours pass it."""
    kept, swept, gone = draft(), draft(), draft()
    await insert(ledger, [kept], [swept])
    await database.run(assets.doom_pending, [swept.id])
    moments = await make_ready(ledger, swept, kept, gone)

    assert [moment is None for moment in moments] == [True, False, True]
    assert await states(database) == {kept.id: "ready", swept.id: "doomed"}


async def test_a_database_that_is_away_is_told_to_all(database: Database, ledger: Ledger) -> None:
    """And the next ones are written when it is back."""

    def away(*_: object) -> None:
        raise DatabaseUnavailable

    event.listen(database.engine, "commit", away)
    results = await insert(ledger, *[[draft()] for _ in range(5)])
    event.remove(database.engine, "commit", away)
    later = await insert(ledger, [draft()])

    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert later == [None]


async def test_a_full_ledger_is_busy(database: Database, ledger: Ledger) -> None:
    """Waiting longer than a client does helps nobody; those who were let in are written."""
    results = await insert(ledger, *[[draft()] for _ in range(WAITING + 5)])

    assert [type(result) for result in results].count(Busy) == 5
    assert len(await states(database)) == WAITING


async def test_whoever_goes_is_written_all_the_same(database: Database, ledger: Ledger) -> None:
    """A request that is cancelled while it waits leaves its rows to the sweeper, not a hole in the others'."""
    gone, stays = draft(), draft()
    leaving = asyncio.create_task(ledger.write(Entry(drafts=[gone])))
    staying = asyncio.create_task(ledger.write(Entry(drafts=[stays])))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving, staying])

    assert leaving.cancelled()
    assert await states(database) == {gone.id: "pending", stays.id: "pending"}

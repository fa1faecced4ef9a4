"""Leases: which rows a sweeper may finish off, and for how long they are its own."""

import asyncio
import itertools

import pytest
from sqlalchemy import select

from app.db import assets, leases
from app.db.clock import clock
from app.db.database import Database
from app.db.models import assets as table
from tests.db.rows import LOGO, age, draft, fill, make_pending, make_ready, placed, states

pytestmark = pytest.mark.anyio


async def test_only_what_is_due_is_leased(database: Database) -> None:
    """Doomed rows at once, pending ones when their grace is over, ready ones never."""
    young, old, doomed, ready = draft(), draft(), draft(), draft()
    await database.run(make_pending, young)
    await database.run(make_pending, old, grace=-1)
    await database.run(make_ready, doomed, ready)
    await database.run(assets.doom, doomed.id)
    leased = await database.run(leases.lease, limit=10, seconds=60)
    found = await states(database)

    assert {row.id for row in leased} == {old.id, doomed.id}
    assert found == {young.id: "pending", old.id: "doomed", doomed.id: "doomed", ready.id: "ready"}


async def test_a_lease_says_what_to_delete(database: Database) -> None:
    """Store and key, and how often it was tried."""
    wanted = draft(store="other")
    await database.run(make_pending, wanted, grace=-1)
    (first,) = await database.run(leases.lease, limit=10, seconds=-1)
    (second,) = await database.run(leases.lease, limit=10, seconds=60)

    assert (first.id, first.store, first.key, first.attempts) == (wanted.id, "other", wanted.key, 1)
    assert second.attempts == 2


async def test_a_leased_row_is_left_alone_until_the_lease_ends(database: Database) -> None:
    """A sweeper that died loses its lease only."""
    wanted = draft()
    await database.run(make_pending, wanted, grace=-1)
    await database.run(leases.lease, limit=10, seconds=0.1)
    meanwhile = await database.run(leases.lease, limit=10, seconds=60)
    await asyncio.sleep(0.15)
    (again,) = await database.run(leases.lease, limit=10, seconds=60)

    assert meanwhile == []
    assert again.id == wanted.id


async def test_the_oldest_are_leased_first(database: Database) -> None:
    """So many at once: the others wait for the next batch, and none is left out."""
    drafts = [draft() for _ in range(10)]
    await database.run(make_pending, *drafts)
    for n, wanted in enumerate(drafts):
        await database.run(age, wanted.id, 100 - n)
    batches = [await database.run(leases.lease, limit=4, seconds=60) for _ in range(4)]

    assert [{row.id for row in batch} for batch in batches] == [
        {d.id for d in drafts[:4]},
        {d.id for d in drafts[4:8]},
        {d.id for d in drafts[8:]},
        set(),
    ]


async def test_a_row_may_be_put_off(database: Database) -> None:
    """Its store would not delete: it is due again in so many seconds, and not before."""
    wanted = draft()
    await database.run(make_pending, wanted, grace=-1)
    await database.run(leases.lease, limit=10, seconds=60)
    await database.run(leases.put_off, wanted.id, seconds=500)
    due, now = await database.read(lambda c: c.execute(select(table.c.due_at, clock())).one())

    assert abs((due - now).total_seconds() - 500) < 5
    assert await database.run(leases.lease, limit=10, seconds=60) == []


async def test_an_adopted_row_is_not_leased(database: Database) -> None:
    """A retry gave it a new grace."""
    wanted = draft()
    await database.run(make_pending, wanted, grace=-1)
    await database.run(assets.renew, [wanted.id], grace=60)

    assert await database.run(leases.lease, limit=10, seconds=60) == []
    assert await database.run(assets.make_ready, placed(wanted)) is not None


async def test_an_asset_that_became_ready_is_never_due(database: Database) -> None:
    """However short its grace was."""
    wanted = draft()
    await database.run(make_pending, wanted, grace=-1)
    await database.run(assets.make_ready, placed(wanted))

    assert await database.run(leases.lease, limit=10, seconds=60) == []


async def test_what_a_slot_held_before_is_due_at_once(database: Database) -> None:
    """The bytes go with the next sweep."""
    old, new = draft(), draft()
    await database.run(fill, LOGO, old)
    await database.run(fill, LOGO, new)
    (leased,) = await database.run(leases.lease, limit=10, seconds=60)
    dropped = await database.run(leases.drop, [leased.id])

    assert leased.id == old.id
    assert dropped == 1
    assert await states(database) == {new.id: "ready"}


async def test_dropping_nothing_is_fine(database: Database) -> None:
    """A batch in which every delete failed."""
    assert await database.run(leases.drop, []) == 0


async def test_sweepers_at_once_lease_different_rows(database_url: str) -> None:
    """Each with connections of its own, as in several processes: every row once, and nobody waits for nobody."""
    databases = [Database(database_url, pool_size=2) for _ in range(4)]
    drafts = [draft() for _ in range(100)]
    await databases[0].run(make_pending, *drafts, grace=-1)

    async def sweep(database: Database) -> list[object]:
        found = []
        while rows := await database.run(leases.lease, limit=7, seconds=60):
            found += [row.id for row in rows]
        return found

    leased = await asyncio.gather(*[sweep(database) for database in databases])
    for database in databases:
        database.close()

    assert sorted(itertools.chain(*leased)) == sorted(d.id for d in drafts)

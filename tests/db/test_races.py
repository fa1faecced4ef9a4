"""Many at once: no update lost, no deadlock, nothing half done."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, event, select, update

from app.db import assets, claims, leases, slots, uploads
from app.db.clock import clock
from app.db.database import Database
from app.db.models import assets as table
from app.db.models import claims as claim_table
from app.db.models import slots as slot_table
from app.db.records import SlotRef
from app.errors import Superseded
from tests.db.rows import LOGO, claim, draft, fill, make_pending, placed, settle, states

pytestmark = pytest.mark.anyio

SLOTS = [SlotRef(tenant="acme", scope="company", owner=str(n), name="logo") for n in range(3)]


@pytest.fixture
def replicas(opened: Callable[..., Database], database_url: str) -> list[Database]:
    """Four that share a database as four processes would, each with threads and connections of its own."""
    return [opened(database_url, pool_size=4) for _ in range(4)]


async def upload(replica: Database, ref: SlotRef) -> None:
    """The two transactions, one after the other."""
    wanted = draft()
    await replica.run(make_pending, wanted)
    await asyncio.sleep(0)
    await replica.run(settle, [wanted], slot=ref)


async def test_one_slot_is_flipped_by_eight_at_once(replicas: list[Database]) -> None:
    """At the end it holds one asset, which is the only one that is ready; all the others are doomed."""

    async def flip(replica: Database) -> None:
        for _ in range(6):
            await upload(replica, LOGO)

    await asyncio.gather(*[flip(replica) for replica in replicas * 2])
    found = await states(replicas[0])
    held = await replicas[0].read(slots.held, LOGO)

    assert Counter(found.values()) == {"ready": 1, "doomed": 47}
    assert held is not None
    assert found[held[1].id] == "ready"


async def test_a_reader_always_finds_one_whole_logo(replicas: list[Database]) -> None:
    """While it is replaced, over and over: never none, and never one that is hidden already."""
    await upload(replicas[0], LOGO)
    writing = asyncio.gather(*[_flips(replica, 10) for replica in replicas[:2]])
    seen = []
    while not writing.done():
        seen.append(await replicas[3].read(slots.held, LOGO))
    await writing

    assert len(seen) > 5
    assert all(held is not None and held[0].asset_id == held[1].id for held in seen)


async def test_concurrent_changes_are_all_kept(replicas: list[Database]) -> None:
    """Two hundred that read and then write, by four at once: SQLite's own way would lose most of them."""
    wanted = draft()
    await replicas[0].run(make_pending, wanted)

    async def count(replica: Database) -> None:
        for _ in range(50):
            await replica.run(_add_one, wanted.id)

    await asyncio.gather(*[count(replica) for replica in replicas])

    assert await replicas[0].read(lambda c: c.execute(select(table.c.attempts)).scalar_one()) == 200


async def test_six_twins_make_one_asset(replicas: list[Database]) -> None:
    """The same Idempotency-Key at once, on several replicas: one row, one winner, one answer for all."""

    async def twin(replica: Database) -> Any:
        wanted = draft()
        ours = claim("key", wanted)
        held, drafts = await replica.run(uploads.begin, [wanted], ours, grace=60)
        if held.answer is not None:
            return held.answer
        return await replica.run(settle, drafts, slot=LOGO, claim=ours)

    answers = await asyncio.gather(*[twin(replica) for replica in (*replicas, *replicas[:2])])

    assert list((await states(replicas[0])).values()) == ["ready"]
    assert len({answer.assets[0].id for answer in answers}) == 1
    assert sorted(answer.replayed for answer in answers) == [False, True, True, True, True, True]


async def test_everything_at_once_ends_well(replicas: list[Database]) -> None:
    """Uploads, deletes, emptied slots and sweeps on the same slots: no deadlock, no error, nothing left hanging."""
    chance = random.Random(6)

    async def someone(replica: Database) -> None:
        for _ in range(12):
            ref = chance.choice(SLOTS)
            match chance.randrange(6):
                case 0 | 1 | 2:
                    await upload(replica, ref)
                case 3 if held := await replica.read(slots.held, ref):
                    await replica.run(assets.doom, held[1].id)
                case 4:
                    await replica.run(slots.empty, ref, if_match=None)
                case _:
                    rows = await replica.run(leases.lease, limit=5, seconds=60)
                    await replica.run(leases.drop, [row.id for row in rows])

    await asyncio.gather(*[someone(replica) for replica in replicas * 2])
    found = await states(replicas[0])
    held = await replicas[0].read(lambda c: c.execute(select(slot_table.c.asset_id)).scalars().all())

    assert {i for i, state in found.items() if state == "ready"} == {i for i in held if i is not None}
    assert set(found.values()) <= {"ready", "doomed"}


async def test_the_sweeper_and_the_fence_never_both_win(replicas: list[Database]) -> None:
    """Rows whose grace ends just now: each becomes ready or is leased, never both."""
    drafts = [draft() for _ in range(40)]
    await replicas[0].run(make_pending, *drafts, grace=-1)

    async def finish(replica: Database) -> list[UUID]:
        ready = [await replica.run(assets.make_ready, placed(wanted)) for wanted in drafts]
        return [asset.id for asset in ready if asset is not None]

    async def sweep(replica: Database) -> list[UUID]:
        return [row.id for _ in range(20) for row in await replica.run(leases.lease, limit=3, seconds=60)]

    ready, leased = await asyncio.gather(finish(replicas[0]), sweep(replicas[1]))

    assert sorted([*ready, *leased]) == sorted(d.id for d in drafts)


async def test_a_row_that_is_being_made_ready_is_not_waited_for(replicas: list[Database]) -> None:
    """A sweeper skips what another transaction holds; on SQLite it waits its turn, and finds it ready."""
    held, free = draft(), draft()
    await replicas[0].run(make_pending, held, free, grace=-1)
    with replicas[1].engine.begin() as connection:
        assets.make_ready(connection, placed(held))
        if connection.dialect.name == "sqlite":
            connection.commit()
        async with asyncio.timeout(5):
            rows = await replicas[0].run(leases.lease, limit=5, seconds=60)

    assert [row.id for row in rows] == [free.id]


async def test_a_claim_that_is_forgotten_meanwhile_is_taken(opened: Callable[..., Database], postgres_url: str) -> None:
    """A retry after a day, at the moment of the sweep: the row is gone between two statements, and the key is free."""
    database, sweeper = opened(postgres_url), opened(postgres_url)
    old, wanted, seen = draft(), draft(), []
    await database.run(uploads.begin, [old], claim("key", old), grace=60)
    late = update(claim_table).values(created_at=clock(-claims.KEPT_SECONDS - 1))
    await database.run(lambda connection: connection.execute(late))

    def forget(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO claims") and not seen:
            with sweeper.engine.begin() as connection:
                seen.append(claims.forget_old(connection))

    event.listen(database.engine, "after_cursor_execute", forget)
    held, _ = await database.run(uploads.begin, [wanted], claim("key", wanted), grace=60)

    assert seen == [1]
    assert held.asset_ids == (wanted.id,)


async def test_a_superseded_settling_undoes_its_slot_too(replicas: list[Database]) -> None:
    """Swept between the two transactions, by another replica: the slot that it would have made is not there."""
    wanted = draft()
    await replicas[0].run(make_pending, wanted, grace=-1)
    await replicas[1].run(leases.lease, limit=5, seconds=60)
    with pytest.raises(Superseded):
        await replicas[0].run(settle, [wanted], slot=LOGO)

    assert await replicas[0].read(slots.held, LOGO) is None


async def _flips(replica: Database, times: int) -> None:
    for _ in range(times):
        await replica.run(fill, LOGO, draft())


def _add_one(connection: Connection, asset_id: UUID) -> None:
    row = select(table.c.attempts).where(table.c.id == asset_id).with_for_update()
    attempts = connection.execute(row).scalar_one()
    connection.execute(update(table).where(table.c.id == asset_id).values(attempts=attempts + 1))

"""The life of an asset's row: pending -> ready -> doomed -> gone."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.db import assets, bulk, leases, slots
from app.db.database import Database
from app.db.models import assets as table
from app.errors import InvalidField
from tests.db.rows import LOGO, age, draft, fill, make_pending, make_ready, placed, states

pytestmark = pytest.mark.anyio


async def test_a_pending_asset_is_nobody_s(database: Database) -> None:
    """It has a row and a key, and no reader finds it."""
    wanted = draft()
    await database.run(make_pending, wanted)

    assert await states(database) == {wanted.id: "pending"}
    assert await database.read(assets.get, wanted.id) is None
    assert await database.read(assets.get_all, [wanted.id]) == []


async def test_a_ready_asset_is_all_that_was_said_of_it(database: Database) -> None:
    """What `make_ready` returns and what is read later are the same, in value and type."""
    wanted = draft()
    (ready,) = await database.run(make_ready, wanted)
    read = await database.read(assets.get, wanted.id)
    said = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}

    assert ready == read
    assert said == {name: getattr(ready, name) for name in said}
    assert (ready.state, ready.public_id, ready.details) == ("ready", f"public/{wanted.key}", {"version": 7})
    assert repr(ready) == repr(read)


async def test_the_time_of_an_asset_is_that_of_its_answer(database: Database) -> None:
    """Set anew when it becomes ready, aware, in UTC, by the database's clock."""
    wanted = draft()
    await database.run(make_pending, wanted)
    await asyncio.sleep(0.05)
    between = await database.read(lambda c: c.execute(select(table.c.created_at)).scalar_one())
    ready = await database.run(assets.make_ready, placed(wanted))

    assert ready is not None
    assert ready.created_at - between > timedelta(milliseconds=40)
    assert ready.created_at.tzinfo is UTC
    assert abs(ready.created_at - datetime.now(UTC)) < timedelta(seconds=5)


async def test_single_commits(database: Database) -> None:
    """One statement without a transaction is kept as well."""
    wanted = draft()
    await database.run(bulk.insert_pending, [wanted], grace=60)
    await database.run(assets.make_ready, placed(wanted))

    assert await states(database) == {wanted.id: "ready"}


@pytest.mark.parametrize("state", ["ready", "doomed", "gone", "never"])
async def test_the_fence_lets_only_pending_rows_through(database: Database, state: str) -> None:
    """A row that was made ready, doomed or dropped meanwhile is not made ready, and not inserted."""
    wanted = draft()
    if state != "never":
        await database.run(make_pending, wanted)
    if state == "ready":
        await database.run(assets.make_ready, placed(wanted))
    if state in {"doomed", "gone"}:
        await database.run(assets.doom_pending, [wanted.id])
    if state == "gone":
        await database.run(leases.drop, [wanted.id])
    before = await states(database)
    outcome = await database.run(assets.make_ready, placed(wanted))

    assert outcome is None
    assert await states(database) == before


async def test_twenty_at_once_become_pending_together(database: Database) -> None:
    """One statement: all of them, or none when one cannot be."""
    first = draft()
    await database.run(make_pending, *[draft() for _ in range(19)], first)
    with pytest.raises(IntegrityError):
        await database.run(make_pending, draft(), draft(key=first.key))

    assert set((await states(database)).values()) == {"pending"}
    assert len(await states(database)) == 20


async def test_a_doomed_asset_is_gone_for_readers(database: Database) -> None:
    """At once, from its slot too; a second time there is nothing to delete."""
    wanted = draft()
    await database.run(fill, LOGO, wanted)
    first = await database.run(assets.doom, wanted.id)
    second = await database.run(assets.doom, wanted.id)

    assert (first, second) == (True, False)
    assert await database.read(assets.get, wanted.id) is None
    assert await database.read(slots.held, LOGO) is None
    assert await states(database) == {wanted.id: "doomed"}


async def test_a_doomed_asset_may_be_dropped(database: Database) -> None:
    """Its slot doesn't hold it back, and only doomed rows go."""
    gone, kept, waiting = draft(), draft(), draft()
    await database.run(fill, LOGO, gone)
    await database.run(make_ready, kept)
    await database.run(make_pending, waiting)
    await database.run(assets.doom, gone.id)
    dropped = await database.run(leases.drop, [gone.id, kept.id, waiting.id, uuid4()])

    assert dropped == 1
    assert await states(database) == {kept.id: "ready", waiting.id: "pending"}


async def test_a_pending_asset_cannot_be_deleted_by_a_caller(database: Database) -> None:
    """It is not there yet."""
    wanted = draft()
    await database.run(make_pending, wanted)

    assert await database.run(assets.doom, wanted.id) is False
    assert await states(database) == {wanted.id: "pending"}


async def test_what_may_change_changes(database: Database) -> None:
    """File name, visibility and metadata of a ready asset; the rest stays."""
    (ready,) = await database.run(make_ready, draft())
    values = {"filename": "new.png", "visibility": "private", "metadata": {"b": 2}}
    changed = await database.run(assets.change, ready.id, values)

    assert changed is not None
    assert (changed.filename, changed.visibility, changed.metadata) == ("new.png", "private", {"b": 2})
    assert (changed.created_at, changed.key, changed.sha256) == (ready.created_at, ready.key, ready.sha256)
    assert await database.read(assets.get, ready.id) == changed


async def test_only_a_ready_asset_can_be_changed(database: Database) -> None:
    """A pending or doomed one is not there."""
    wanted, doomed = draft(), draft()
    await database.run(make_pending, wanted, doomed)
    await database.run(assets.doom_pending, [doomed.id])

    assert await database.run(assets.change, wanted.id, {"filename": "x"}) is None
    assert await database.run(assets.change, doomed.id, {"filename": "x"}) is None


async def test_several_are_read_in_the_order_asked_for(database: Database) -> None:
    """Those that are not ready are left out."""
    first, second, missing = draft(), draft(), draft()
    await database.run(make_ready, first, second)
    await database.run(make_pending, missing)
    found = await database.read(assets.get_all, [second.id, missing.id, first.id])

    assert [asset.id for asset in found] == [second.id, first.id]


async def test_a_retry_gives_pending_rows_a_new_grace(database: Database) -> None:
    """All of them, and where they are; None when one is pending no more."""
    one, two = draft(), draft()
    await database.run(make_pending, one, two)
    await database.run(age, one.id, 60)
    renewed = await database.run(assets.renew, [one.id, two.id], grace=60)
    leased = await database.run(leases.lease, limit=10, seconds=60)
    await database.run(assets.make_ready, placed(two))
    again = await database.run(assets.renew, [one.id, two.id], grace=60)

    assert renewed == {one.id: (one.key, "memory"), two.id: (two.key, "memory")}
    assert (leased, again) == ([], None)


async def test_a_transaction_is_undone_when_it_fails(database: Database) -> None:
    """Nothing of it stays."""

    def half(connection):
        make_pending(connection, draft())
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await database.run(half)

    assert await states(database) == {}


@pytest.mark.parametrize(
    "changes", [{"width": 2**31}, {"tenant": "x" * 256}, {"filename": "a\0b"}, {"metadata": {"a": "\0"}}], ids=str
)
async def test_a_value_that_cannot_be_kept_is_told_or_kept(database: Database, changes: dict[str, object]) -> None:
    """Postgres refuses what SQLite takes: it is an error of ours, and never something else than was sent is kept."""
    wanted = draft(**changes)
    try:
        (ready,) = await database.run(make_ready, wanted)
    except InvalidField:
        ready = None

    assert ready is None or getattr(ready, next(iter(changes))) == next(iter(changes.values()))
    assert database.engine.dialect.name == "sqlite" or ready is None


async def test_a_refusal_leaves_the_connection_in_order(database: Database) -> None:
    """The next transaction works."""
    wanted = draft()
    await database.run(make_pending, wanted)
    for _ in range(20):
        with pytest.raises(IntegrityError):
            await database.run(make_pending, wanted)
    await database.run(assets.make_ready, placed(wanted))

    assert await states(database) == {wanted.id: "ready"}

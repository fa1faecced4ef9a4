"""The two transactions of an upload, and what an Idempotency-Key makes of a retry."""

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.db import assets, claims, leases, slots, uploads
from app.db.clock import clock
from app.db.database import Database
from app.db.models import claims as table
from app.errors import IdempotencyKeyReused, Superseded
from tests.db.rows import LOGO, age, claim, draft, fill, make_pending, make_ready, placed, settle, states

pytestmark = pytest.mark.anyio


async def test_an_upload_without_a_slot_becomes_ready(database: Database) -> None:
    """Several files together, in their order."""
    drafts = [draft() for _ in range(5)]
    await database.run(make_pending, *drafts)
    kept = await database.run(settle, drafts)

    assert kept is not None
    assert [asset.id for asset in kept.assets] == [d.id for d in drafts]
    assert (kept.slot, kept.replaced, kept.replayed) == (None, False, False)
    assert set((await states(database)).values()) == {"ready"}


async def test_a_slot_is_filled_and_replaced(database: Database) -> None:
    """The new asset is in it, the old one is doomed, the slot is the same: in one transaction."""
    old, new = draft(), draft()
    first = await database.run(fill, LOGO, old)
    second = await database.run(fill, LOGO, new)

    assert first is not None
    assert second is not None
    assert first.slot is not None
    assert second.slot == replace(first.slot, asset_id=new.id)
    assert (first.replaced, second.replaced) == (False, True)
    assert await states(database) == {old.id: "doomed", new.id: "ready"}


@pytest.mark.parametrize("count", [1, 3])
async def test_a_swept_upload_is_superseded(database: Database, count: int) -> None:
    """One row that is pending no more, and none becomes ready; the slot keeps what it had."""
    old, drafts = draft(), [draft() for _ in range(count)]
    await database.run(fill, LOGO, old)
    await database.run(make_pending, *drafts)
    await database.run(assets.doom_pending, [drafts[-1].id])
    with pytest.raises(Superseded):
        await database.run(settle, drafts, slot=LOGO)

    assert await states(database) == {old.id: "ready", **{d.id: "pending" for d in drafts}, drafts[-1].id: "doomed"}
    assert (await database.read(slots.held, LOGO))[1].id == old.id


async def test_if_match_lets_the_one_who_has_seen_it_replace_it(database: Database) -> None:
    """By the id of what the slot holds."""
    old, new = draft(), draft()
    await database.run(fill, LOGO, old)
    await database.run(make_pending, new)
    kept = await database.run(settle, [new], slot=LOGO, if_match=frozenset({f'"{old.id}"'}))

    assert kept is not None
    assert await states(database) == {old.id: "doomed", new.id: "ready"}


@pytest.mark.parametrize("holds", [True, False], ids=["another", "nothing"])
@pytest.mark.parametrize("wish", ["other", "*"])
async def test_if_match_stops_the_one_who_has_not(database: Database, wish: str, *, holds: bool) -> None:
    """None: the new asset is doomed, and what the slot holds stays. `*` asks for anything at all."""
    old, new = draft(), draft()
    if holds:
        await database.run(fill, LOGO, old)
    await database.run(make_pending, new)
    tags = frozenset({"*" if wish == "*" and not holds else f'"{uuid4()}"'})
    kept = await database.run(settle, [new], slot=LOGO, if_match=tags)
    expected = {old.id: "ready", new.id: "doomed"} if holds else {new.id: "doomed"}

    assert kept is None
    assert await states(database) == expected


async def test_a_first_claim_is_our_own(database: Database) -> None:
    """Go on: the rows are pending under our ids."""
    wanted = draft()
    ours = claim("key", wanted)
    held, drafts = await database.run(uploads.begin, [wanted], ours, grace=60)

    assert (held, list(drafts)) == (ours, [wanted])
    assert await states(database) == {wanted.id: "pending"}


async def test_a_retry_meanwhile_adopts_the_first_try(database: Database) -> None:
    """Its ids, keys and stores, so that the same bytes go to the same place; no second row is made."""
    first, second = [draft(store="old"), draft()], [draft(), draft()]
    await database.run(uploads.begin, first, claim("key", *first), grace=60)
    held, drafts = await database.run(uploads.begin, second, claim("key", *second), grace=60)

    assert held.asset_ids == (first[0].id, first[1].id)
    assert held.answer is None
    assert [(d.id, d.key, d.store) for d in drafts] == [(d.id, d.key, d.store) for d in first]
    assert await states(database) == {d.id: "pending" for d in first}


async def test_another_request_with_the_same_key_is_refused(database: Database) -> None:
    """Whether the first is under way or answered; and it leaves no row."""
    first, second = draft(), draft()
    ours, other = claim("key", first), claim("key", second, fingerprint="0" * 64)
    await database.run(uploads.begin, [first], ours, grace=60)
    with pytest.raises(IdempotencyKeyReused):
        await database.run(uploads.begin, [second], other, grace=60)
    await database.run(settle, [first], claim=ours)
    with pytest.raises(IdempotencyKeyReused):
        await database.run(uploads.begin, [second], other, grace=60)

    assert await states(database) == {first.id: "ready"}


async def test_another_tenant_s_key_is_another_key(database: Database) -> None:
    """Nobody learns of it."""
    first, second = draft(), draft(tenant="other")
    await database.run(uploads.begin, [first], claim("key", first), grace=60)
    theirs = claim("key", second, tenant="other", fingerprint="0" * 64)
    held, _ = await database.run(uploads.begin, [second], theirs, grace=60)

    assert held == theirs


@pytest.mark.parametrize("slot", [None, LOGO], ids=["no slot", "slot"])
async def test_a_replay_is_the_first_answer(database: Database, slot: object) -> None:
    """The same values of the same types, marked as a replay, however the JSON column keeps it."""
    old, drafts = draft(), [draft(), draft(width=None, metadata={})]
    await database.run(fill, LOGO, old)
    ours = claim("key", *drafts)
    await database.run(uploads.begin, drafts, ours, grace=60)
    kept = await database.run(settle, drafts, slot=slot, claim=ours)
    again, _ = await database.run(uploads.begin, [draft(), draft()], claim("key", draft(), draft()), grace=60)

    assert kept is not None
    assert again.answer == replace(kept, replayed=True)
    assert repr(again.answer) == repr(replace(kept, replayed=True))


async def test_a_replay_stays_the_same_when_the_asset_changed(database: Database) -> None:
    """Renamed or deleted since: the first answer is the first answer."""
    wanted = draft()
    ours = claim("key", wanted)
    await database.run(uploads.begin, [wanted], ours, grace=60)
    kept = await database.run(settle, [wanted], claim=ours)
    await database.run(assets.change, wanted.id, {"filename": "renamed"})
    await database.run(assets.doom, wanted.id)
    again, _ = await database.run(uploads.begin, [draft()], claim("key", draft()), grace=60)

    assert kept is not None
    assert again.answer == replace(kept, replayed=True)


async def test_the_first_to_settle_wins(database: Database) -> None:
    """The twin gets its answer: nothing is made ready twice, and the slot is flipped once."""
    old, wanted = draft(), draft()
    await database.run(fill, LOGO, old)
    ours = claim("key", wanted)
    await database.run(uploads.begin, [wanted], ours, grace=60)
    first = await database.run(settle, [wanted], slot=LOGO, claim=ours)
    twin = await database.run(settle, [wanted], slot=LOGO, claim=claim("key", draft()))

    assert first is not None
    assert twin == replace(first, replayed=True)
    assert first.replaced


@pytest.mark.parametrize("gone", [False, True], ids=["doomed", "gone"])
async def test_a_retry_after_the_sweep_starts_anew(database: Database, *, gone: bool) -> None:
    """The claim stands for the new rows then; the first try, if it still comes, is superseded."""
    first, second = draft(), draft()
    ours, theirs = claim("key", first), claim("key", second)
    await database.run(uploads.begin, [first], ours, grace=60)
    await database.run(age, first.id, 1)
    await database.run(leases.lease, limit=10, seconds=60)
    if gone:
        await database.run(leases.drop, [first.id])
    held, _ = await database.run(uploads.begin, [second], theirs, grace=60)
    with pytest.raises(Superseded):
        await database.run(settle, [first], claim=ours)
    kept = await database.run(settle, [second], claim=theirs)

    assert held == theirs
    assert kept is not None
    assert (await states(database))[second.id] == "ready"


async def test_a_retry_of_the_new_start_adopts_that(database: Database) -> None:
    """The claim stands for the second try now: a third one writes to its place, not to one of its own."""
    first, second, third = draft(), draft(), draft()
    await database.run(uploads.begin, [first], claim("key", first), grace=60)
    await database.run(age, first.id, 1)
    await database.run(leases.lease, limit=10, seconds=60)
    await database.run(uploads.begin, [second], claim("key", second), grace=60)
    _, drafts = await database.run(uploads.begin, [third], claim("key", third), grace=60)

    assert [d.id for d in drafts] == [second.id]
    assert third.id not in await states(database)


async def test_a_failed_settling_keeps_no_answer(database: Database) -> None:
    """The claim is still open: a retry may try again."""
    wanted = draft()
    ours = claim("key", wanted)
    await database.run(uploads.begin, [wanted], ours, grace=60)
    await database.run(assets.doom_pending, [wanted.id])
    with pytest.raises(Superseded):
        await database.run(settle, [wanted], claim=ours)
    again, _ = await database.run(uploads.begin, [draft()], claim("key", draft()), grace=60)

    assert again.answer is None


async def test_claims_are_kept_for_a_day(database: Database) -> None:
    """Older ones are forgotten, and the key may be used for something else."""
    old, young = draft(), draft()
    for key, wanted in (("old", old), ("young", young)):
        await database.run(uploads.begin, [wanted], claim(key, wanted), grace=60)
    late = update(table).where(table.c.key == "old").values(created_at=clock(-claims.KEPT_SECONDS - 1))
    await database.run(lambda connection: connection.execute(late))
    forgotten = await database.run(claims.forget_old)

    assert forgotten == 1
    assert await database.read(lambda c: c.execute(select(table.c.key)).scalars().all()) == ["young"]


async def test_several_ready_assets_are_read_again_by_their_ids(database: Database) -> None:
    """What is asked when the outcome of a commit is unknown."""
    ready = await database.run(make_ready, draft(), draft())
    wanted = draft()
    await database.run(make_pending, wanted)
    await database.run(assets.make_ready, placed(wanted))
    found = await database.read(assets.states, [wanted.id, *[asset.id for asset in ready], uuid4()])

    assert found == dict.fromkeys((wanted.id, *[asset.id for asset in ready]), "ready")

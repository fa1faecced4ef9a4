"""Slots: named places that hold one asset."""

from uuid import uuid4

import pytest

from app.db import assets, slots
from app.db.database import Database
from app.db.records import SlotRef
from tests.db.rows import LOGO, draft, fill, make_ready, states

pytestmark = pytest.mark.anyio


async def test_a_slot_is_made_once(database: Database) -> None:
    """Its id is its address: it never changes."""
    first = await database.run(slots.lock, LOGO)
    again = await database.run(slots.lock, LOGO)

    assert first == again
    assert first.asset_id is None
    assert (first.tenant, first.scope, first.owner, first.name) == ("acme", "company", "42", "logo")


@pytest.mark.parametrize("change", [{"tenant": "b"}, {"scope": "b"}, {"owner": "b"}, {"name": "b"}], ids=str)
async def test_each_part_of_the_name_counts(database: Database, change: dict[str, str]) -> None:
    """Another tenant's slot of the same name is another slot."""
    parts = {"tenant": "acme", "scope": "company", "owner": "42", "name": "logo", **change}
    first = await database.run(slots.lock, LOGO)
    other = await database.run(slots.lock, SlotRef(**parts))

    assert first.id != other.id


async def test_an_empty_slot_holds_nothing(database: Database) -> None:
    """By name and by id, made or never made."""
    never = await database.read(slots.held, LOGO)
    slot = await database.run(slots.lock, LOGO)

    assert never is None
    assert await database.read(slots.held, LOGO) is None
    assert await database.read(slots.held, slot.id) is None
    assert await database.read(slots.held, uuid4()) is None


async def test_a_slot_holds_what_was_put_there(database: Database) -> None:
    """By name and by id, with the asset whole."""
    (ready,) = await database.run(make_ready, draft())
    slot = await database.run(slots.lock, LOGO)
    await database.run(slots.put, slot.id, ready.id)
    by_name = await database.read(slots.held, LOGO)
    by_id = await database.read(slots.held, slot.id)

    assert by_name is not None
    assert by_name == by_id
    assert (by_name[0].id, by_name[0].asset_id, by_name[1]) == (slot.id, ready.id, ready)


async def test_a_slot_never_shows_what_is_hidden(database: Database) -> None:
    """Whatever a row says: an asset that isn't ready is held by nothing."""
    (ready,) = await database.run(make_ready, draft())
    slot = await database.run(slots.lock, LOGO)
    await database.run(assets.doom, ready.id)
    await database.run(slots.put, slot.id, ready.id)

    assert await database.read(slots.held, LOGO) is None
    assert await database.read(slots.held, slot.id) is None


async def test_emptying_dooms_what_it_held(database: Database) -> None:
    """Once; the slot stays, and so does its id."""
    wanted = draft()
    await database.run(fill, LOGO, wanted)
    before = await database.run(slots.lock, LOGO)
    first = await database.run(slots.empty, LOGO, if_match=None)
    second = await database.run(slots.empty, LOGO, if_match=None)

    assert (first, second) == (True, False)
    assert await states(database) == {wanted.id: "doomed"}
    assert (await database.run(slots.lock, LOGO)).id == before.id


async def test_emptying_what_never_was_makes_nothing(database: Database) -> None:
    """It holds nothing."""
    assert await database.run(slots.empty, LOGO, if_match=None) is False
    assert await database.run(slots.empty, LOGO, if_match=frozenset({"*"})) is None


@pytest.mark.parametrize("tags", ["own", "*", "own and other"])
async def test_what_the_caller_has_seen_is_emptied(database: Database, tags: str) -> None:
    """By its entity tag, by `*`, or by one tag of several."""
    wanted = draft()
    await database.run(fill, LOGO, wanted)
    own, other = f'"{wanted.id}"', f'"{uuid4()}"'
    wishes = {"own": {own}, "*": {"*"}, "own and other": {other, own}}
    outcome = await database.run(slots.empty, LOGO, if_match=frozenset(wishes[tags]))

    assert outcome is True
    assert await states(database) == {wanted.id: "doomed"}


@pytest.mark.parametrize("tag", ["", '""', '"None"', '"*"', "{id}", 'W/"{id}"', '"{id} "', f'"{uuid4()}"'])
async def test_what_the_caller_has_not_seen_stays(database: Database, tag: str) -> None:
    """Another tag, a weak one, half of one: None, and nothing has changed."""
    wanted = draft()
    await database.run(fill, LOGO, wanted)
    outcome = await database.run(slots.empty, LOGO, if_match=frozenset({tag.format(id=wanted.id)}))

    assert outcome is None
    assert await states(database) == {wanted.id: "ready"}


async def test_matching_needs_something_held(database: Database) -> None:
    """`*` is any asset, not none."""
    slot = await database.run(slots.lock, LOGO)

    assert not slots.matches(slot, frozenset({"*"}))
    assert not slots.matches(None, frozenset({"*"}))
    assert not slots.matches(slot, frozenset({"None", '"None"'}))

"""Statements about slots: a named place that holds one asset."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db import assets
from app.db import models as tables
from app.db.models import slots
from app.db.records import Asset, Slot, SlotRef

COLUMNS = [slots.c[field.name] for field in fields(Slot)]
NAMES = [column.name for column in COLUMNS]
COMPANY = assets.COMPANY

# One statement: between two, a replacement could hide the old asset before the new one is found.
_HELD = (
    select(*COLUMNS, *assets.COLUMNS)
    .join(tables.assets, tables.assets.c.id == slots.c.asset_id)
    .where(tables.assets.c.state == "ready")
)


def held(connection: Connection, wanted: SlotRef | UUID) -> tuple[Slot, Asset] | None:
    """The slot of that name or id and what it holds; None when it holds nothing."""
    row = connection.execute(_HELD.where(*_is(wanted))).one_or_none()
    if row is None:
        return None
    return _slot(row[: len(NAMES)]), Asset(**dict(zip(assets.NAMES, row[len(NAMES) :], strict=True)))


def company_of(connection: Connection, asset_id: UUID) -> str | None:
    """The company whose slot holds an asset, if one does."""
    statement = select(slots.c.owner).where(slots.c.asset_id == asset_id, slots.c.scope == COMPANY).limit(1)
    return connection.execute(statement).scalar_one_or_none()


def lock(connection: Connection, ref: SlotRef) -> Slot:
    """The slot of that name, made if need be, locked until the transaction ends."""
    values = {"id": uuid4(), "asset_id": None, **asdict(ref)}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(slots).values(values).on_conflict_do_nothing())
    return _slot(connection.execute(select(*COLUMNS).where(*_is(ref)).with_for_update()).one())


def put(connection: Connection, slot_id: UUID, asset_id: UUID | None) -> None:
    """Let a locked slot hold another asset, or none."""
    connection.execute(update(slots).where(slots.c.id == slot_id).values(asset_id=asset_id))


def empty(connection: Connection, ref: SlotRef, *, if_match: frozenset[str] | None) -> bool | None:
    """Doom what the slot holds, in one transaction; False when it holds nothing, None when `if_match` names another."""
    row = connection.execute(select(*COLUMNS).where(*_is(ref)).with_for_update()).one_or_none()
    slot = None if row is None else _slot(row)
    if if_match is not None and not matches(slot, if_match):
        return None
    if slot is None or slot.asset_id is None:
        return False
    put(connection, slot.id, None)
    assets.doom_replaced(connection, slot.asset_id)
    return True


def matches(slot: Slot | None, wanted: frozenset[str]) -> bool:
    """Whether a slot holds one of these, by entity tag (the asset's id in quotes); `*` is any."""
    return slot is not None and slot.asset_id is not None and bool(wanted & {"*", f'"{slot.asset_id}"'})


def _is(wanted: SlotRef | UUID) -> list[ColumnElement[bool]]:
    if isinstance(wanted, UUID):
        return [slots.c.id == wanted]
    return [slots.c[name] == getattr(wanted, name) for name in ("tenant", "scope", "owner", "name")]


def _slot(row: Sequence[Any]) -> Slot:
    return Slot(**dict(zip(NAMES, row, strict=True)))

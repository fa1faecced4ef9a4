"""Statements about many assets at once: Postgres takes the rows as one JSON document, SQLite one after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    Float,
    TableValuedAlias,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.clock import clock
from app.db.models import assets
from app.db.records import Draft, Placed

DRAFT = [field.name for field in fields(Draft)]
PLACED = [field.name for field in fields(Placed)]


def _document(names: Sequence[str]) -> TableValuedAlias:
    """The rows of a JSON document, bound as `rows`, with some of the table's columns."""
    columns = [column(name, assets.c[name].type) for name in names]
    rows = func.jsonb_to_recordset(bindparam("rows", type_=JSONB)).table_valued(*columns)
    return rows.render_derived(name="given", with_types=True)


# Built once: making a statement costs more than running it.
_PENDING = {"state": literal("pending"), "created_at": clock(), "due_at": clock(bindparam("grace", type_=Float))}
_EACH_PENDING = insert(assets).values(_PENDING)
_ALL_PENDING = insert(assets).from_select([*DRAFT, *_PENDING], select(*_document(DRAFT).c, *_PENDING.values()))

_READY = {"state": "ready", "created_at": clock(), "due_at": None}
_EACH_READY = (
    update(assets)
    .where(assets.c.id == bindparam("asset_id"), assets.c.state == "pending")
    .values(_READY | {name: bindparam(f"new_{name}", type_=assets.c[name].type) for name in PLACED[1:]})
)
_MOMENTS = select(assets.c.id, assets.c.created_at).where(
    assets.c.id.in_(bindparam("ids", expanding=True)), assets.c.state == "ready"
)
_GIVEN = _document(PLACED)
_ALL_READY = (
    update(assets)
    .where(assets.c.id == _GIVEN.c.id, assets.c.state == "pending")
    .values(_READY | {name: _GIVEN.c[name] for name in PLACED[1:]})
    .returning(assets.c.id, assets.c.created_at)
)


def insert_pending(connection: Connection, drafts: Sequence[Draft], *, grace: float) -> None:
    """Step 9: the rows come before the bytes, so that bytes without a row can't be."""
    if connection.dialect.name == "postgresql":
        connection.execute(_ALL_PENDING, {"rows": _plain(drafts, DRAFT), "grace": grace})
    else:
        connection.execute(_EACH_PENDING, [{"grace": grace, **_values(draft, DRAFT)} for draft in drafts])


def make_all_ready(connection: Connection, placed: Sequence[Placed]) -> dict[UUID, datetime]:
    """Step 11 for several assets at once, each for itself: id -> when, without those that are pending no more."""
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_ALL_READY, {"rows": _plain(placed, PLACED)})
    else:
        connection.execute(_EACH_READY, [_renamed(one) for one in placed])
        rows = connection.execute(_MOMENTS, {"ids": [one.id for one in placed]})
    return {row.id: row.created_at for row in rows}


def _values(record: Draft | Placed, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


def _plain(records: Sequence[Draft] | Sequence[Placed], names: Sequence[str]) -> list[Mapping[str, Any]]:
    """As JSON has it, in the order of their ids: whoever locks several rows takes them in the same order."""
    return [_values(one, names) | {"id": str(one.id)} for one in sorted(records, key=_id)]


def _renamed(one: Placed) -> dict[str, Any]:
    """As SQLAlchemy has it, which keeps the columns' own names for itself."""
    return {"asset_id": one.id, **{f"new_{name}": getattr(one, name) for name in PLACED[1:]}}


def _id(record: Draft | Placed) -> UUID:
    return record.id

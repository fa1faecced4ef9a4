"""Statements about assets: pending -> ready -> doomed -> gone."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Uuid, bindparam, exists, literal, select, tuple_, update

from app.db.clock import clock
from app.db.columns import Moment
from app.db.models import assets, slots
from app.db.records import Asset, Placed, SlotRef

COLUMNS = [assets.c[field.name] for field in fields(Asset)]
NAMES = [column.name for column in COLUMNS]

COMPANY = "company"  # the scope of the slots that belong to a company

# Built once: making a statement costs more than running it.
_READY = (
    update(assets)
    .where(assets.c.id == bindparam("asset_id"), assets.c.state == "pending")
    .values(state="ready", created_at=clock(), due_at=None)
    .returning(*COLUMNS)
)
_GET = select(*COLUMNS)
_GET_READY = _GET.where(assets.c.id == bindparam("asset_id"), assets.c.state == "ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which assets a page holds. `tenant` None: of every tenant; `company`: none of another company's slots."""

    tenant: str | None
    kind: str | None = None
    sha256: str | None = None
    filename: str | None = None
    slot: SlotRef | None = None
    company: str | None = None


def make_ready(connection: Connection, placed: Placed) -> Asset | None:
    """Step 11, the fence: None when the row is pending no more."""
    values = {"asset_id": placed.id, "public_id": placed.public_id, "url": placed.url, "details": placed.details}
    return _one(connection.execute(_READY, values).one_or_none())


def renew(connection: Connection, asset_ids: Sequence[UUID], *, grace: float) -> dict[UUID, tuple[str, str]] | None:
    """Give pending rows a new grace, for a retry that adopts them: id -> (key, store).

    None when one of them is pending no more.
    """
    statement = (
        update(assets)
        .where(assets.c.id.in_(sorted(asset_ids)), assets.c.state == "pending")
        .values(due_at=clock(grace))
        .returning(assets.c.id, assets.c.key, assets.c.store)
    )
    places = {row.id: (row.key, row.store) for row in connection.execute(statement)}
    return places if len(places) == len(asset_ids) else None


def get(connection: Connection, asset_id: UUID) -> Asset | None:
    """A ready asset of any tenant: who may see it is decided above."""
    return _one(connection.execute(_GET_READY, {"asset_id": asset_id}).one_or_none())


def get_all(connection: Connection, asset_ids: Sequence[UUID]) -> list[Asset]:
    """The ready ones among these, in the order asked for."""
    rows = connection.execute(_GET.where(assets.c.id.in_(asset_ids), assets.c.state == "ready")).all()
    found = {asset.id: asset for row in rows if (asset := _one(row))}
    return [found[asset_id] for asset_id in asset_ids if asset_id in found]


def page(connection: Connection, chosen: Filter, *, limit: int, after: tuple[datetime, UUID] | None) -> list[Asset]:
    """Newest first, by keyset: the last page costs what the first does."""
    rows = connection.execute(page_statement(chosen, limit=limit, after=after))
    return [asset for row in rows if (asset := _one(row))]


def page_statement(chosen: Filter, *, limit: int, after: tuple[datetime, UUID] | None) -> Select[Any]:
    """One index range in the order of the answers, whatever is chosen."""
    statement = _filtered(chosen).order_by(assets.c.created_at.desc(), assets.c.id.desc()).limit(limit)
    if after is None:
        return statement
    moment, asset_id = literal(after[0], Moment()), literal(after[1], Uuid())
    return statement.where(tuple_(assets.c.created_at, assets.c.id) < tuple_(moment, asset_id))


def change(connection: Connection, asset_id: UUID, values: Mapping[str, Any]) -> Asset | None:
    """Change what may change of a ready asset: filename, visibility, metadata."""
    statement = update(assets).where(assets.c.id == asset_id, assets.c.state == "ready").values(values)
    return _one(connection.execute(statement.returning(*COLUMNS)).one_or_none())


def doom(connection: Connection, asset_id: UUID) -> bool:
    """Hide an asset at once, from its slot too; the sweeper deletes its bytes. False when it isn't ready."""
    holders = select(slots.c.id).where(slots.c.asset_id == asset_id).order_by(slots.c.id).with_for_update()
    held = connection.execute(holders).scalars().all()
    connection.execute(update(slots).where(slots.c.id.in_(held), slots.c.asset_id == asset_id).values(asset_id=None))
    return _doom(connection, [asset_id], "ready") == 1


def doom_pending(connection: Connection, asset_ids: Sequence[UUID]) -> None:
    """Give up uploads that were stored and may not become ready."""
    _doom(connection, asset_ids, "pending")


def doom_replaced(connection: Connection, asset_id: UUID) -> None:
    """Hide what a slot held before; the slot is locked and holds another one already."""
    _doom(connection, [asset_id], "ready")


def states(connection: Connection, asset_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Id -> state, of the rows that are still there."""
    rows = connection.execute(select(assets.c.id, assets.c.state).where(assets.c.id.in_(asset_ids)))
    return {row.id: row.state for row in rows}


def _doom(connection: Connection, asset_ids: Sequence[UUID], state: str) -> int:
    statement = update(assets).where(assets.c.id.in_(sorted(asset_ids)), assets.c.state == state)
    return connection.execute(statement.values(state="doomed", due_at=clock())).rowcount


def _filtered(chosen: Filter) -> Select[Any]:
    statement = _GET.where(assets.c.state == "ready")
    for name in ("tenant", "kind", "sha256", "filename"):
        if (value := getattr(chosen, name)) is not None:
            statement = statement.where(assets.c[name] == value)
    if chosen.slot is not None:
        holder = select(slots.c.asset_id).where(*[slots.c[n] == v for n, v in asdict(chosen.slot).items()])
        statement = statement.where(assets.c.id.in_(holder))
    if chosen.company is not None:
        others = [slots.c.asset_id == assets.c.id, slots.c.scope == COMPANY, slots.c.owner != chosen.company]
        statement = statement.where(~exists().where(*others))
    return statement


def _one(row: Row[Any] | None) -> Asset | None:
    return None if row is None else Asset(**dict(zip(NAMES, row, strict=True)))

"""Statements of the sweeper: rows leased by the database's clock, so that any number of sweepers may run."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from app.db.clock import clock
from app.db.models import assets
from app.db.records import Leased


def lease(connection: Connection, *, limit: int, seconds: float) -> list[Leased]:
    """Take some rows that are due, pending ones too (`pending -> doomed` is what the fence of step 11 sees)."""
    due = (
        select(assets.c.id)
        .where(assets.c.state != "ready", assets.c.due_at <= clock())
        .order_by(assets.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    chosen = sorted(connection.execute(due).scalars())
    statement = (
        update(assets)
        .where(assets.c.id.in_(chosen))
        .values(state="doomed", due_at=clock(seconds), attempts=assets.c.attempts + 1)
    )
    columns = (assets.c.id, assets.c.store, assets.c.key, assets.c.details, assets.c.attempts)
    taken = connection.execute(statement.returning(*columns)).mappings()
    return [Leased(**{**row, "details": row["details"] or {}}) for row in taken]


def drop(connection: Connection, asset_ids: Sequence[UUID]) -> int:
    """The bytes are gone: now the rows."""
    statement = delete(assets).where(assets.c.id.in_(sorted(asset_ids)), assets.c.state == "doomed")
    return connection.execute(statement).rowcount


def put_off(connection: Connection, asset_id: UUID, *, seconds: float) -> None:
    """The store would not delete: the row stays, and is due again later."""
    connection.execute(update(assets).where(assets.c.id == asset_id).values(due_at=clock(seconds)))

"""Statements that compare rows with what stores hold: page by page, locking nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, select

from app.db.clock import clock
from app.db.models import assets

FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a ready row says of its bytes."""

    id: UUID
    key: str
    size: int  # bytes
    sha256: str
    details: Mapping[str, Any]


def now(connection: Connection) -> datetime:
    """The database's clock."""
    return connection.execute(select(clock())).scalar_one()


def kept(connection: Connection, store: str, *, before: datetime, after: UUID, limit: int) -> list[Kept]:
    """Ready rows of one store, acknowledged before a moment, in the order of their ids."""
    columns = (assets.c.id, assets.c.key, assets.c.size, assets.c.sha256, assets.c.details)
    chosen = select(*columns).where(
        assets.c.store == store, assets.c.state == "ready", assets.c.created_at < before, assets.c.id > after
    )
    found = connection.execute(chosen.order_by(assets.c.id).limit(limit)).mappings()
    return [Kept(**{**row, "details": row["details"] or {}}) for row in found]


def still(connection: Connection, asset_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these are ready now."""
    chosen = select(assets.c.id).where(assets.c.id.in_(asset_ids), assets.c.state == "ready")
    return set(connection.execute(chosen).scalars())


def known(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Which of these keys have a row, in whatever state."""
    return set(connection.execute(select(assets.c.key).where(assets.c.key.in_(keys))).scalars())


def count(connection: Connection, store: str) -> int:
    """How many ready rows a store has."""
    chosen = select(func.count()).where(assets.c.store == store, assets.c.state == "ready")
    return connection.execute(chosen).scalar_one()


def stores(connection: Connection) -> list[str]:
    """The stores that rows name."""
    return sorted(connection.execute(select(assets.c.store).distinct()).scalars())

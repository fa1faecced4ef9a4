"""Statements about Idempotency-Keys: one claim per tenant and key, with the first answer."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db.answers import from_json, to_json
from app.db.clock import clock
from app.db.models import claims
from app.db.records import Claim, Kept

KEPT_SECONDS = 24 * 3600


def take(connection: Connection, wanted: Claim) -> Claim:
    """Take the key, or give the claim that holds it already, locked until the transaction ends."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"tenant": wanted.tenant, "key": wanted.key, "fingerprint": wanted.fingerprint, "asset_ids": _ids(wanted)}
    while True:  # an old claim may be forgotten between the two statements
        connection.execute(dialect.insert(claims).values(values).on_conflict_do_nothing())
        row = connection.execute(select(claims).where(*_is(wanted)).with_for_update()).mappings().one_or_none()
        if row is not None:
            return _read(row)


def take_over(connection: Connection, wanted: Claim) -> None:
    """Let the claim stand for new assets: those of the first try were swept away."""
    connection.execute(update(claims).where(*_is(wanted)).values(asset_ids=_ids(wanted), created_at=clock()))


def answer(connection: Connection, wanted: Claim, kept: Kept) -> None:
    """Keep the answer, in the transaction that makes it true."""
    connection.execute(update(claims).where(*_is(wanted)).values(answer=to_json(kept)))


def forget_old(connection: Connection) -> int:
    """Drop the claims of yesterday."""
    return connection.execute(delete(claims).where(claims.c.created_at < clock(-KEPT_SECONDS))).rowcount


def _is(wanted: Claim) -> list[Any]:
    return [claims.c.tenant == wanted.tenant, claims.c.key == wanted.key]


def _ids(claim: Claim) -> list[str]:
    return [str(asset_id) for asset_id in claim.asset_ids]


def _read(row: RowMapping) -> Claim:
    return Claim(
        tenant=row["tenant"],
        key=row["key"],
        fingerprint=row["fingerprint"],
        asset_ids=tuple(UUID(asset_id) for asset_id in row["asset_ids"]),
        answer=None if row["answer"] is None else from_json(row["answer"]),
    )

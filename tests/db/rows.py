"""Rows for the tests of the database, and short ways to make them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from app.assets.keys import new_id
from app.db import assets, bulk, uploads
from app.db.clock import clock
from app.db.database import Database
from app.db.models import assets as table
from app.db.records import Asset, Claim, Draft, Kept, Placed, SlotRef

LOGO = SlotRef(tenant="acme", scope="company", owner="42", name="logo")


def draft(**changes: Any) -> Draft:
    """A pending asset, with a new id unless one is given."""
    asset_id = changes.pop("id", None) or new_id()
    values: dict[str, Any] = {
        "tenant": "acme",
        "kind": "logo",
        "key": f"logo/{asset_id}.png",
        "store": "memory",
        "filename": "ä.png",
        "content_type": "image/png",
        "size": 3_000_000_000,
        "sha256": "ab" * 32,
        "width": 640,
        "height": None,
        "visibility": "public",
        "metadata": {"a": [1, 1.5, None, True, "ü", {"b": []}]},
    }
    return Draft(id=asset_id, **{**values, **changes})


def placed(wanted: Draft) -> Placed:
    """What the store said of it."""
    return Placed(id=wanted.id, public_id=f"public/{wanted.key}", url=f"/f/{wanted.id}/x", details={"version": 7})


def claim(key: str, *drafts: Draft, fingerprint: str = "f" * 64, tenant: str = "acme") -> Claim:
    """One use of an Idempotency-Key."""
    return Claim(tenant=tenant, key=key, fingerprint=fingerprint, asset_ids=tuple(d.id for d in drafts))


def make_pending(connection: Connection, *drafts: Draft, grace: float = 3600) -> None:
    """Step 9, without a claim."""
    bulk.insert_pending(connection, drafts, grace=grace)


def make_ready(connection: Connection, *drafts: Draft) -> list[Asset]:
    """Steps 9 and 11, without a slot."""
    make_pending(connection, *drafts)
    return [ready for d in drafts if (ready := assets.make_ready(connection, placed(d)))]


def fill(connection: Connection, slot: SlotRef, wanted: Draft) -> Kept | None:
    """Steps 9 and 11, with a slot, in one transaction."""
    make_pending(connection, wanted)
    return settle(connection, [wanted], slot=slot)


def settle(connection: Connection, drafts: Sequence[Draft], **given: Any) -> Kept | None:
    """Step 11; what isn't given is None."""
    return uploads.settle(
        connection, [placed(d) for d in drafts], **{"slot": None, "if_match": None, "claim": None, **given}
    )


def age(connection: Connection, asset_id: UUID, seconds: float) -> None:
    """Let a row be due so many seconds ago."""
    connection.execute(update(table).where(table.c.id == asset_id).values(due_at=clock(-seconds)))


async def states(database: Database) -> dict[UUID, str]:
    """Id -> state of every row."""
    return await database.run(lambda c: {row.id: row.state for row in c.execute(select(table.c.id, table.c.state))})

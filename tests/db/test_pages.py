"""Pages of assets: complete, without repetition, and read along an index."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert

from app.db import assets
from app.db.assets import Filter
from app.db.database import Database
from app.db.models import assets as table
from app.db.records import Asset, SlotRef
from tests.db.rows import LOGO, draft, fill, make_pending

pytestmark = pytest.mark.anyio

ACME = Filter(tenant="acme")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def fill_with(connection: Connection, number: int, *, moments: int) -> list[UUID]:
    """So many ready assets at so many different moments; the ids of those of `acme`, in the order of the pages."""
    chance, rows = random.Random(5), []
    for n in range(number):
        wanted = draft(
            tenant="acme" if n % 5 else "other",
            kind=("logo", "photo")[n % 2],
            sha256=f"{n % 50:064}",
            filename=f"{n % 50}.png",
        )
        row = {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
        created_at = BEGIN + timedelta(microseconds=chance.randrange(moments))
        rows.append({**row, "state": "ready", "public_id": "p", "url": "u", "details": {}, "created_at": created_at})
    connection.execute(insert(table), rows)
    ours = sorted(((row["created_at"], row["id"]) for row in rows if row["tenant"] == "acme"), reverse=True)
    return [asset_id for _, asset_id in ours]


async def walk(database: Database, chosen: Filter, *, limit: int) -> list[Asset]:
    """Page after page to the end."""
    found: list[Asset] = []
    after = None
    while items := await database.read(assets.page, chosen, limit=limit, after=after):
        assert len(items) <= limit
        found += items
        after = (items[-1].created_at, items[-1].id)
        assert len(found) <= 1000
    return found


@pytest.mark.parametrize("limit", [7, 100, 200])
async def test_pages_hold_everything_once_newest_first(database: Database, limit: int) -> None:
    """250 assets at four moments: no gap and no repetition where a page ends among equals."""
    expected = await database.run(fill_with, 250, moments=4)
    found = await walk(database, ACME, limit=limit)

    assert [asset.id for asset in found] == expected


async def test_what_comes_meanwhile_does_not_disturb_a_walk(database: Database) -> None:
    """New assets come before the first page; those that go are missing, and nothing else."""
    expected = await database.run(fill_with, 100, moments=3)
    first = await database.read(assets.page, ACME, limit=30, after=None)
    gone = expected[40]
    await database.run(assets.doom, gone)
    await database.run(fill, LOGO, draft())
    rest = await database.read(assets.page, ACME, limit=100, after=(first[-1].created_at, first[-1].id))

    assert [asset.id for asset in first + rest] == [asset_id for asset_id in expected if asset_id != gone]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(tenant="other"), lambda a: a.tenant == "other"),
        (Filter(tenant=None), lambda a: a.state == "ready"),
        (Filter(tenant="nobody"), lambda a: a.tenant == "nobody"),
        (Filter(tenant="acme", kind="photo"), lambda a: a.tenant == "acme" and a.kind == "photo"),
        (Filter(tenant="acme", sha256=f"{7:064}"), lambda a: a.tenant == "acme" and a.sha256 == f"{7:064}"),
        (Filter(tenant="acme", filename="8.png"), lambda a: a.tenant == "acme" and a.filename == "8.png"),
        (Filter(tenant="acme", kind="logo", filename="8.png"), lambda a: a.tenant == "acme" and a.filename == "8.png"),
        (Filter(tenant=None, kind="photo", sha256=f"{8:064}"), lambda a: a.kind == "photo" and a.filename == "8.png"),
    ],
    ids=["tenant", "all", "nobody", "kind", "sha256", "filename", "two", "none"],
)
async def test_a_filter_holds_what_it_says(database: Database, chosen: Filter, expected: Any) -> None:
    """Each by itself and some together, of one tenant and of all."""
    await database.run(fill_with, 250, moments=250)
    everything = await database.read(assets.page, Filter(tenant=None), limit=300, after=None)
    found = await database.read(assets.page, chosen, limit=300, after=None)

    assert len(everything) == 250
    assert found == [asset for asset in everything if expected(asset)]


async def test_a_slot_s_page_holds_what_the_slot_holds(database: Database) -> None:
    """One asset, or none; not those that it held before."""
    old, new = draft(), draft()
    await database.run(fill, LOGO, old)
    await database.run(fill, LOGO, new)
    other = SlotRef(tenant="acme", scope="company", owner="43", name="logo")
    found = [
        await database.read(assets.page, chosen, limit=5, after=None)
        for chosen in (
            Filter(tenant="acme", slot=LOGO),
            Filter(tenant="x", slot=LOGO),
            Filter(tenant="acme", slot=other),
        )
    ]

    assert [[asset.id for asset in items] for items in found] == [[new.id], [], []]


async def test_only_ready_assets_are_on_a_page(database: Database) -> None:
    """Neither pending nor doomed ones."""
    doomed = draft()
    await database.run(make_pending, draft(), doomed)
    await database.run(assets.doom_pending, [doomed.id])

    assert await database.read(assets.page, ACME, limit=5, after=None) == []

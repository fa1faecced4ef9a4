"""How the database goes about its work: along indexes, whatever the tables hold."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text

from app.assets.keys import new_id
from app.db import assets, claims, leases, slots
from app.db.assets import Filter
from app.db.database import Database
from app.db.models import claims as claim_table
from app.db.models import slots as slot_table
from tests.db.rows import LOGO, draft, fill, make_pending
from tests.db.shared import Kept
from tests.db.test_pages import BEGIN, fill_with

pytestmark = pytest.mark.anyio

PAGES = {
    "ix_assets_all_pages": Filter(tenant=None),
    "ix_assets_pages": Filter(tenant="acme"),
    "ix_assets_kind_pages": Filter(tenant="acme", kind="photo"),
    "ix_assets_sha256_pages": Filter(tenant="acme", sha256=f"{7:064}"),
    "ix_assets_filename_pages": Filter(tenant="acme", filename="7.png"),
}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def full_url(request: pytest.FixtureRequest) -> str:
    """5,000 ready assets, 50 that are pending, 2,000 slots, 5,000 claims, and statistics about them."""
    kept: Kept = request.getfixturevalue(f"kept_{request.param}")
    url = kept.emptied()
    with kept.engine.begin() as connection:
        fill_with(connection, 5_000, moments=10**9)
        make_pending(connection, *[draft() for _ in range(50)])
        _slots_and_claims(connection)
        fill(connection, LOGO, draft())
        connection.execute(text("ANALYZE"))
    return url


@pytest.fixture
def full(opened: Callable[..., Database], full_url: str) -> Database:
    """The full one, opened."""
    return opened(full_url)


@pytest.fixture
def plans(full: Database) -> Iterator[list[str]]:
    """The plan of each statement that reads or writes by a condition: as it was sent, sent again with EXPLAIN."""
    found: list[str] = []
    command = "EXPLAIN QUERY PLAN" if full.engine.dialect.name == "sqlite" else "EXPLAIN"

    def explain(connection: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith(("SELECT", "DELETE")):
            rows = connection.exec_driver_sql(f"{command} {statement}", parameters)
            found.append("\n".join(str(row[-1]) for row in rows))

    event.listen(full.engine, "before_cursor_execute", explain)
    yield found
    event.remove(full.engine, "before_cursor_execute", explain)


def whole_table(plan: str) -> bool:
    """Whether rows are looked at that nobody asked for."""
    return "Seq Scan" in plan or ("SCAN" in plan and "USING INDEX" not in plan and "SCAN CONSTANT" not in plan)


async def test_pages_come_out_of_an_index(full: Database, plans: list[str]) -> None:
    """The first page and one in the middle, for every filter, in their order: the last costs what the first does."""
    for chosen in PAGES.values():
        for after in (None, (BEGIN + timedelta(seconds=500), new_id())):
            await full.read(assets.page, chosen, limit=20, after=after)
    expected = [index for index in PAGES for _ in range(2)]

    assert [index for index, plan in zip(expected, plans, strict=True) if f"{index} " not in plan + " "] == []
    assert [plan for plan in plans if "Sort" in plan or "TEMP B-TREE" in plan] == []


async def test_a_slot_is_found_by_its_name(full: Database, plans: list[str]) -> None:
    """To show what it holds, to list it, to lock it, to empty it."""
    await full.read(slots.held, LOGO)
    await full.read(assets.page, Filter(tenant="acme", slot=LOGO), limit=20, after=None)
    await full.run(slots.lock, LOGO)
    await full.run(slots.empty, LOGO, if_match=None)

    assert len(plans) >= 4
    assert all("uq_slots_tenant_scope_owner_name" in plan for plan in plans)
    assert [plan for plan in plans if whole_table(plan)] == []


async def test_a_sweep_reads_what_is_due(full: Database, plans: list[str]) -> None:
    """Not the assets that are well, nor yesterday's claims one by one: it comes every minute."""
    await full.run(leases.lease, limit=10, seconds=60)
    await full.run(claims.forget_old)

    assert "ix_assets_due_at" in plans[0]
    assert "ix_claims_created_at" in plans[1]
    assert [plan for plan in plans if whole_table(plan)] == []


def _slots_and_claims(connection: Connection) -> None:
    places = [{"id": new_id(), "tenant": "acme", "scope": "s", "owner": str(n), "name": "n"} for n in range(2_000)]
    connection.execute(insert(slot_table), places)
    used = [{"tenant": "acme", "key": str(n), "fingerprint": "f", "asset_ids": []} for n in range(5_000)]
    connection.execute(insert(claim_table), used)

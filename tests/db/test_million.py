"""A million rows: what a page costs does not depend on where it is."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.dialects import postgresql

from app.db.assets import Filter, page_statement
from app.db.database import engine_for

LIMIT = 100
SEED = """
INSERT INTO assets (id, tenant, state, kind, key, store, public_id, url, details, filename, content_type, size, sha256,
                    visibility, metadata, created_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'acme', 'ready', 'photo', 'photo/' || n, 'local',
       'photo/' || n, '/f/' || n, '{}', 'a.png', 'image/png', 100, lpad(to_hex(n), 64, '0'), 'public', '{}',
       timestamptz '2026-01-01' + n * interval '1 second'
FROM generate_series(1, 1000000) AS n
"""
DEEP = "SELECT created_at, id FROM assets ORDER BY created_at LIMIT 1 OFFSET 100"

pytestmark = pytest.mark.slow


def cost(connection: Connection, after: tuple[datetime, UUID] | None) -> tuple[int, str]:
    """How many 8 KiB blocks Postgres touched for a page, and its plan."""
    statement = page_statement(Filter(tenant="acme"), limit=LIMIT, after=after)
    compiled = str(statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {compiled}").scalar_one()
    plan: dict[str, Any] = explained[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], json.dumps(plan)


def test_page_ten_thousand_costs_what_the_first_does(postgres_url: str) -> None:
    """The last page of a million rows is read by the index, without sorting and without passing over the others."""
    engine = engine_for(postgres_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(SEED)
        connection.execute(text("ANALYZE assets"))
        deep = connection.execute(text(DEEP)).one()

        first_blocks, first_plan = cost(connection, None)
        deep_blocks, deep_plan = cost(connection, (deep.created_at, deep.id))

    engine.dispose()
    assert "Sort" not in first_plan + deep_plan
    assert "ix_assets_pages" in deep_plan
    assert deep_blocks <= first_blocks * 2

"""`list`: the first page and a deep one, of a thousand rows and of a million."""

import base64
import datetime as dt

import psycopg

from tests.bench.client import Load, Loop
from tests.bench.plan import Figures, Plan
from tests.bench.target import Target

LIMIT = 100
TENANT = "bench"
DEEP = 0.9  # this share of the rows lies before the deep page
DAWN = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
SEED = """
INSERT INTO assets (id, tenant, state, kind, key, store, public_id, filename, content_type, size,
                    sha256, visibility, metadata, created_at, url)
SELECT lpad(to_hex(n), 32, '0')::uuid, %(tenant)s, 'ready', 'photo', 'seed/' || n, 'local', 'seed/' || n,
       'photo-' || n || '.png', 'image/png', 20000 + n %% 1000, encode(sha256(n::text::bytea), 'hex'), 'public',
       '{}', %(dawn)s + n * interval '1 second', '/f/' || lpad(to_hex(n), 32, '0')::uuid || '/photo.png'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""


def listing(target: Target, plan: Plan) -> Figures:
    """Median times of one page after the other, one client, for each number of rows."""
    found = Figures()
    for rows in plan.rows:
        seed(target.database or "", rows)
        first = _pages(target, plan, "")
        deep = _pages(target, plan, f"&cursor={cursor(rows - round(rows * DEEP) + 1)}")
        for name, load in (("first", first), ("deep", deep)):
            found.values[f"{name}_{rows}_ms"] = load.milliseconds(0.5)
            found.complaints += load.complaints
        found.values[f"deep_factor_{rows}"] = deep.milliseconds(0.5) / first.milliseconds(0.5)
    least, most = min(plan.rows), max(plan.rows)
    found.values["growth_factor"] = found.values[f"first_{most}_ms"] / found.values[f"first_{least}_ms"]
    return found


def seed(database: str, rows: int) -> None:
    """Let the table have this many rows of the bench: what is there already stays."""
    with psycopg.connect(database, autocommit=True) as connection:
        known = connection.execute("SELECT count(*) FROM assets WHERE key LIKE 'seed/%'").fetchone()
        assert known
        if known[0] < rows:
            values = {"tenant": TENANT, "dawn": DAWN, "first": known[0] + 1, "last": rows}
            connection.execute(SEED, values)
            connection.execute("VACUUM ANALYZE assets")


def cursor(number: int) -> str:
    """The cursor of the page that follows the seeded row of this number, as the service writes it."""
    moment = int((DAWN.timestamp() + number) * 1_000_000)
    return base64.urlsafe_b64encode(moment.to_bytes(8, "big") + number.to_bytes(16, "big")).decode()


def _pages(target: Target, plan: Plan, query: str) -> Load:
    """The same page again and again; it must be a full one."""
    request = target.get(f"/v1/assets?limit={LIMIT}{query}")
    load = Loop(target.port, lambda _: request, plan.pages, sampled={0}, most=plan.most).run(1)
    items = load.samples[0].json()["items"] if load.samples else []
    if len(items) != LIMIT:
        load.complaints.append(f"a page of {len(items)} rows")
    return load

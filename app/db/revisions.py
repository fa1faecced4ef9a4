"""Whether the database is at this version's revision: told without Alembic, which costs 8 MB and is rarely needed."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text

SCRIPTS = Path(__file__).parents[2] / "alembic"
TABLE = "alembic_version"
NAMED = re.compile(r"""^(?P<what>revision|down_revision)\b[^=\n]*= *["'](?P<name>\w+)["']""", re.MULTILINE)


def is_current(connection: Connection) -> bool:
    """Whether the database is at the newest revision that this version knows, or at one that only newer ones know."""
    present = _present(connection)
    heads, known = revisions(SCRIPTS)
    return bool(present) and (present == heads or not present <= known)


@cache
def revisions(scripts: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The newest revisions and all of them. They don't change while we run, and probes ask every few seconds."""
    named: dict[str, set[str]] = {"revision": set(), "down_revision": set()}
    for path in scripts.glob("versions/*.py"):
        for match in NAMED.finditer(path.read_text()):
            named[match["what"]].add(match["name"])
    return frozenset(named["revision"] - named["down_revision"]), frozenset(named["revision"])


def _present(connection: Connection) -> frozenset[str]:
    if not connection.dialect.has_table(connection, TABLE):
        return frozenset()
    return frozenset(connection.execute(text(f"SELECT version_num FROM {TABLE}")).scalars())  # noqa: S608 - a constant

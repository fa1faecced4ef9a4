"""Migrations: run by anybody at any time, once; and the question whether they were."""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from alembic import command
from app.db.database import engine_for, translated
from app.db.models import metadata
from app.errors import DatabaseUnavailable

SCRIPTS = Path(__file__).parents[2] / "alembic"
PATIENCE = 30  # seconds
LOCK = 7_265_616_401_233_110  # any number, the same in every version of Stowage


def upgrade(url: str) -> None:
    """Bring the database up to date. Replicas that start together wait for each other; a newer database is left alone.

    All revisions run in one transaction that holds a transaction-level lock, which survives poolers and ends with it.
    """
    engine = engine_for(url)
    try:
        with translated(), engine.begin() as connection:
            if not is_current(connection):
                run_locked(connection, lambda: command.upgrade(_config(connection), "head"))
    finally:
        engine.dispose()


def upgrade_when_reachable(url: str) -> None:
    """`upgrade`, waiting for a database that starts at the same time as we do."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return upgrade(url)
        except DatabaseUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


def run_locked(connection: Connection, migrate: Callable[[], None]) -> None:
    """Run `migrate` while nobody else migrates this database. SQLite's write transaction is the lock there."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    migrate()


def is_current(connection: Connection) -> bool:
    """Whether the database is at the newest revision that this version knows, or at one that only newer ones know."""
    context = MigrationContext.configure(connection)
    present = set(context.get_current_heads())
    heads, known = _revisions(SCRIPTS)
    return bool(present) and (present == heads or not present <= known)


def differences(engine: Engine) -> list[Any]:
    """What the models have that the database has not, and the other way round."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only tests and `make migration` need it

    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


@cache
def _revisions(scripts: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The newest revisions and all of them. They don't change while we run, and probes ask every few seconds."""
    directory = ScriptDirectory(str(scripts))
    return frozenset(directory.get_heads()), frozenset(script.revision for script in directory.walk_revisions())


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config

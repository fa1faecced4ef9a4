"""Migrations: run by anybody at any time, once."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, text

from app.db.database import engine_for, translated
from app.db.models import metadata
from app.db.revisions import SCRIPTS, is_current
from app.errors import DatabaseUnavailable

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
                run_locked(connection, lambda: _to_head(connection))
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


def differences(engine: Engine) -> list[Any]:
    """What the models have that the database has not, and the other way round."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - only tests and `make migration` need it
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above

    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))


def _to_head(connection: Connection) -> None:
    from alembic.config import Config  # noqa: PLC0415 - most starts find nothing to do

    from alembic import command  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

"""What Alembic runs: with the connection it was handed, or with one to the configured database."""

from sqlalchemy import Connection

from alembic import context
from app.db.database import engine_for
from app.db.migrate import run_locked
from app.db.models import metadata
from app.settings import Settings


def run() -> None:
    """Migrate in one transaction, so that a failed migration leaves nothing behind."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    with engine_for(Settings().migrations_url).begin() as own:
        run_locked(own, lambda: _migrate(own))


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, user_module_prefix="columns.")
    with context.begin_transaction():
        context.run_migrations()


run()

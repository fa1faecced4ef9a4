"""`stowage migrate`: bring the database up to date."""

from app.db.migrate import upgrade
from app.settings import Settings


def run() -> int:
    """Any number of processes may do this at once; one does it."""
    upgrade(Settings().migrations_url)
    print("The database is up to date.")
    return 0

"""`stowage migrate`: bring the database up to date."""

from app.db.migrate import upgrade
from app.process import step_down
from app.settings import Settings


def run() -> int:
    """Any number of processes may do this at once; one does it."""
    settings = Settings()
    if settings.database_url.startswith("sqlite"):  # whose file must not be root's
        server = settings.server
        step_down(settings.folder, run_as=server.run_as, railway=server.platform == "Railway")
    upgrade(settings.migrations_url)
    print("The database is up to date.")
    return 0

"""`stowage migrate`: bring the database up to date."""

from app.db.migrate import upgrade_when_reachable
from app.process import step_down
from app.settings import Settings
from app.settings.refusals import check_rows


def run() -> int:
    """Any number of processes may do this at once; one does it. A database that is just starting is waited for."""
    settings = Settings()
    check_rows(settings)
    folder = settings.folder if settings.database_url.startswith("sqlite") else None
    step_down(folder, run_as=settings.server.run_as, railway=settings.server.platform == "Railway")
    upgrade_when_reachable(settings.migrations_url)
    print("The database is up to date.")
    return 0

"""One database of each kind for the whole run, emptied for each test: making one takes longer than most tests."""

from collections.abc import Callable, Iterator

import pytest

from app.db import migrate
from app.db.database import Database, engine_for
from app.db.models import metadata
from tests import postgres


class Kept:
    """A migrated database, and a connection of our own to it."""

    def __init__(self, url: str) -> None:
        migrate.upgrade(url)
        self.url, self.engine = url, engine_for(url)

    def emptied(self) -> str:
        """Its address, when it is without a row."""
        with self.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        return self.url


@pytest.fixture(scope="session")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """In a file."""
    kept = Kept(f"sqlite:///{tmp_path_factory.mktemp('kept') / 'stowage.db'}")
    yield kept
    kept.engine.dispose()


@pytest.fixture(scope="session")
def kept_postgres(postgres_server: str) -> Iterator[Kept]:
    """On the server of the whole run."""
    kept = Kept(postgres.new_database(postgres_server))
    yield kept
    kept.engine.dispose()
    postgres.drop_database(kept.url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database of each kind."""
    kept: Kept = request.getfixturevalue(f"kept_{request.param}")
    return kept.emptied()


@pytest.fixture
def sqlite_url(kept_sqlite: Kept) -> str:
    """An empty, migrated SQLite."""
    return kept_sqlite.emptied()


@pytest.fixture
def postgres_url(kept_postgres: Kept) -> str:
    """An empty, migrated Postgres."""
    return kept_postgres.emptied()


@pytest.fixture
def opened() -> Iterator[Callable[..., Database]]:
    """Opens databases by their addresses; they are closed when the test ends, well or not."""
    databases: list[Database] = []

    def open_one(url: str, **given: int) -> Database:
        databases.append(Database(url, **given))
        return databases[-1]

    yield open_one
    for database in databases:
        database.close()

"""One database of each kind for the whole run, emptied for each test: making one takes longer than most tests."""

from collections.abc import Callable, Iterator

import pytest

from app.db import migrate
from app.db.database import Database, engine_for
from app.db.models import metadata
from tests import postgres


@pytest.fixture(scope="session")
def kept_sqlite(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Migrated; not empty."""
    url = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'stowage.db'}"
    migrate.upgrade(url)
    return url


@pytest.fixture(scope="session")
def kept_postgres(postgres_server: str) -> Iterator[str]:
    """Migrated; not empty."""
    url = postgres.new_database(postgres_server)
    migrate.upgrade(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty, migrated database of each kind."""
    return emptied(request.getfixturevalue(f"kept_{request.param}"))


@pytest.fixture
def sqlite_url(kept_sqlite: str) -> str:
    """An empty, migrated SQLite."""
    return emptied(kept_sqlite)


@pytest.fixture
def postgres_url(kept_postgres: str) -> str:
    """An empty, migrated Postgres."""
    return emptied(kept_postgres)


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


def emptied(url: str) -> str:
    """Without a row."""
    engine = engine_for(url)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return url

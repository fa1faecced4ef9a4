"""The waist with everything that it needs: real databases, a store in memory, a real spool."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.assets.waist import Waist
from tests.db.shared import database_url, kept_postgres, kept_sqlite, postgres_url, sqlite_url

__all__ = ["database_url", "kept_postgres", "kept_sqlite", "postgres_url", "sqlite_url"]


@pytest.fixture
def make_waist(tmp_path: Path) -> Iterator[Callable[..., Waist]]:
    """Makes one on a given database; closed when the test ends."""
    made: list[Waist] = []

    def make(url: str, **given: object) -> Waist:
        folder = tmp_path / f"spool{len(made)}"
        folder.mkdir()
        made.append(Waist(url, folder, **given))
        return made[-1]

    yield make
    for waist in made:
        waist.close()


@pytest.fixture
def waist(make_waist: Callable[..., Waist], sqlite_url: str) -> Waist:
    """On SQLite."""
    return make_waist(sqlite_url)


@pytest.fixture
def waist_on(make_waist: Callable[..., Waist], database_url: str) -> Waist:
    """On each kind of database."""
    return make_waist(database_url)

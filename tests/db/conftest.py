"""A database of each kind, opened."""

from collections.abc import Callable

import pytest

from app.db.database import Database
from tests.db.shared import database_url, kept_postgres, kept_sqlite, opened, postgres_url, sqlite_url

__all__ = ["database_url", "kept_postgres", "kept_sqlite", "opened", "postgres_url", "sqlite_url"]


@pytest.fixture
def database(opened: Callable[..., Database], database_url: str) -> Database:
    """Empty, migrated, open until the test ends."""
    return opened(database_url)

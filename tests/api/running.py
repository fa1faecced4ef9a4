"""A service for many tests: the real objects around a folder, started once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.settings import (
    AuthSettings,
    DatabaseSettings,
    LimitSettings,
    ServerSettings,
    Settings,
    StorageSettings,
    SweepSettings,
)
from tests.api.tokens import ACME
from tests.conftest import FOREIGN, KEYS, SECRET


@contextmanager
def running(
    folder: Path, url: str | None = None, *, limits: LimitSettings | None = None, **server: Any
) -> Iterator[TestClient]:
    """A client of the tenant acme; the database is SQLite in the folder unless an address is given.

    `server` holds members of `ServerSettings`.
    """
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(FOREIGN)]:
            environment.delenv(name)
        settings = Settings(
            server=ServerSettings(**{"public_base_url": "http://stowage.test", "environment": "test", **server}),
            database=DatabaseSettings(url=url or f"sqlite:///{folder / 'stowage.db'}"),
            storage=StorageSettings(data_dir=folder),
            auth=AuthSettings(api_keys=KEYS, jwt_secret=SECRET),
            sweep=SweepSettings(interval=0),
            limits=limits or LimitSettings(strip="none"),  # what is sent is stored, byte for byte
        )
    with TestClient(create_app(build(settings)), headers=ACME) as client:
        yield client


def client_of(service: TestClient, headers: dict[str, str]) -> TestClient:
    """Another client of a running service."""
    client = TestClient(service.app, headers=headers)
    client.portal = service.portal
    return client

"""Services that tests share, each test in a tenant of its own; and the application without a server around it."""

import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app import telemetry
from app.bootstrap import build
from app.db import migrate
from app.main import create_app
from app.services import Services
from app.settings import LimitSettings, Settings
from tests import postgres
from tests.api.running import client_of, running
from tests.api.tokens import bearer, signed


@pytest.fixture(autouse=True)
def log(request: pytest.FixtureRequest) -> io.StringIO:
    """What the services write to stdout during this test."""
    if "services" in request.fixturenames:
        request.getfixturevalue("services")  # which has the logs go elsewhere
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        telemetry.configure(level="debug", style="json")
    return written


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service for the tests of one file, on SQLite."""
    with running(tmp_path_factory.mktemp("sqlite")) as client:
        yield client


@pytest.fixture(scope="session")
def on_postgres(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[TestClient]:
    """A service for the whole run, on Postgres."""
    url = postgres.new_database(postgres_server)
    migrate.upgrade(url)
    with running(tmp_path_factory.mktemp("postgres"), url) as client:
        yield client
    postgres.drop_database(url)


@pytest.fixture(scope="session")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service for the whole run with small limits: 2 KiB (`file`: 4), a fifth of a second, one place."""
    small = LimitSettings(logo_mb=2 / 1024, photo_mb=2 / 1024, document_mb=2 / 1024, file_mb=4 / 1024)
    server = {"body_idle_timeout": 0.2, "max_concurrent_uploads": 1}
    with running(tmp_path_factory.mktemp("limited"), limits=small, **server) as client:
        yield client


@pytest.fixture
def acme(on_sqlite: TestClient) -> TestClient:
    """A client of the tenant acme, which many tests share, on SQLite."""
    return on_sqlite


@pytest.fixture(params=["sqlite", "postgres"])
def acme_on(request: pytest.FixtureRequest) -> TestClient:
    """The same, on each kind of database."""
    shared: TestClient = request.getfixturevalue(f"on_{request.param}")
    return shared


@pytest.fixture
def shared(on_sqlite: TestClient) -> Services:
    """The objects of the service on SQLite that the run shares."""
    services: Services = on_sqlite.app.state.services
    return services


@pytest.fixture
def tenant(on_sqlite: TestClient) -> TestClient:
    """A client of a tenant that no other test knows, on SQLite."""
    return client_of(on_sqlite, bearer(signed(tenant=uuid4().hex, scope="admin")))


@pytest.fixture
def tenant_on(acme_on: TestClient) -> TestClient:
    """The same, on each kind of database."""
    return client_of(acme_on, bearer(signed(tenant=uuid4().hex, scope="admin")))


@pytest.fixture
def stranger(on_sqlite: TestClient) -> TestClient:
    """A client without credentials, on SQLite."""
    return client_of(on_sqlite, {})


@pytest.fixture
async def app(services: Services) -> AsyncIterator[FastAPI]:
    """A running application of its own, on SQLite, for tests that speak to it message by message."""
    await services.start()
    yield create_app(services)
    await services.close()


@pytest.fixture
def services_on(settings_on: Settings) -> Services:
    """The objects of a service of its own, on each kind of database."""
    return build(settings_on)


@pytest.fixture
async def app_on(services_on: Services) -> AsyncIterator[FastAPI]:
    """The running application of these."""
    await services_on.start()
    yield create_app(services_on)
    await services_on.close()

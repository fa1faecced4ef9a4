"""When disk or database fail: 503 with Retry-After, nothing half-kept, the old logo stays, and it heals by itself."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import DatabaseSettings, Settings
from tests import postgres
from tests.api.refusals import nothing_held, refused, rows
from tests.api.tokens import ACME
from tests.conftest import files_below, make_png

LOGO = "/v1/companies/7/logo"
OLD = make_png(noise=b"old")
SMALL, LARGE = make_png(noise=b"new"), make_png(noise=b"new") + bytes(2_000_000)


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """A folder that is gone for a while."""
    elsewhere = folder.with_name(f"{folder.name}-away")
    folder.rename(elsewhere)
    yield
    elsewhere.rename(folder)


def put(client: TestClient, content: bytes):
    """Set the logo."""
    return client.put(LOGO, files={"logo": ("a.png", content)})


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_disk_that_is_gone_is_not_now(client: TestClient, services: Services, content: bytes) -> None:
    """503 for storing and for reading; when it is back both work, and the sweep leaves one row and one file."""
    logo = put(client, OLD).json()
    slot = logo["slot"]["permalink"].removeprefix("http://stowage.test")
    with away(services.settings.storage.files):
        for answer in (put(client, content), client.get(slot)):
            refused(answer, 503, "storage_unavailable")
            assert int(answer.headers["retry-after"]) >= 1

    assert client.get(slot).content == OLD
    assert put(client, content).status_code == 200
    client.portal.call(services.sweeper.sweep)
    assert client.get(slot).content == content
    nothing_held(services)


@pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
def test_a_replacement_that_fails_leaves_the_old_logo(client: TestClient, services: Services, content: bytes) -> None:
    """The store can't take the new one: readers see the old one as before."""
    logo = put(client, OLD).json()
    with away(services.spool.folder):
        answer = put(client, content)

        refused(answer, 503, "storage_unavailable")
        assert client.get(LOGO).json() == logo
        assert client.get(logo["slot"]["permalink"].removeprefix("http://stowage.test")).content == OLD
    nothing_held(services)


def test_one_of_several_files_that_fails_fails_all(client: TestClient, services: Services, monkeypatch) -> None:
    """No asset of a request is seen that was not answered with 201; the sweep takes what was stored already."""
    backend = services.stores.default.backend
    put_all, seen = backend.put_all, []

    def third_fails(puts):
        seen.extend(put.key for put in puts)
        return put_all([replace(put, key=f"{seen[0]}/below a file") if put.key in seen[2:3] else put for put in puts])

    monkeypatch.setattr(backend, "put_all", third_fails)
    files = [("file", (f"{n}.png", make_png(noise=bytes([n])))) for n in range(5)]

    refused(client.post("/v1/assets", files=files), 502, "unsafe_key")

    assert client.get("/v1/assets").json()["items"] == []
    nothing_held(services)


def test_a_deletion_is_final_while_the_disk_is_gone(client: TestClient, services: Services) -> None:
    """204 and 404 at once; the bytes go when they can."""
    logo = put(client, OLD).json()
    with away(services.settings.storage.files):
        assert client.delete(LOGO).status_code == 204
        assert client.get(LOGO).status_code == 404
        failed = client.portal.call(services.sweeper.sweep)

    assert (failed.deleted, failed.failed, rows(services)) == (0, 1, 1)
    assert [path.stem for path in files_below(services)] == [logo["id"]]


@pytest.fixture
def lost(settings: Settings, postgres_server: str) -> Iterator[TestClient]:
    """A service whose database is dropped under it."""
    url = postgres.new_database(postgres_server)
    on_postgres = dataclasses.replace(settings, database=DatabaseSettings(url=url))
    with TestClient(create_app(build(on_postgres)), headers=ACME) as client:
        assert client.get("/readyz").status_code == 200
        postgres.drop_database(url)
        yield client


def test_a_database_that_is_gone_is_not_now(lost: TestClient) -> None:
    """503 at every door, and not one byte in the store."""
    services = lost.app.state.services
    for content in (SMALL, LARGE):
        for answer in (
            put(lost, content),
            lost.post("/v1/assets", files={"file": ("a.png", content)}, headers={"Idempotency-Key": "k"}),
            lost.get(LOGO),
            lost.get("/v1/assets"),
            lost.delete(LOGO),
            lost.get("/f/01a1fe56-6c38-7226-99df-e72aefb3b6b7/a.png"),
        ):
            assert "postgres" not in str(refused(answer, 503, "database_unavailable"))
            assert int(answer.headers["retry-after"]) >= 1

    assert files_below(services) == []
    nothing_held(services)

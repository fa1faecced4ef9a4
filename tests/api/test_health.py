"""Alive and ready: what platforms ask, and what they are told when something is missing."""

import dataclasses
import shutil
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import DatabaseSettings, Settings
from tests import postgres

OK = {"status": "ok"}
READY = {"status": "ready", "checks": {"database": OK, "storage": OK, "migrations": OK}}


def not_ready(client: TestClient, *parts: str) -> dict[str, str]:
    """Assert that these parts alone are not ready, told within a second or so, while healthz is well; the reasons."""
    began = time.perf_counter()
    answer = client.get("/readyz")
    took = time.perf_counter() - began
    checks = answer.json()["checks"]

    assert (answer.status_code, answer.json()["status"]) == (503, "not_ready")
    assert took < 5
    assert {name for name, check in checks.items() if check != OK} == set(parts)
    assert {check["status"] for check in checks.values()} <= {"ok", "error"}
    assert client.get("/healthz").json() == OK
    return {name: checks[name]["reason"] for name in parts}


def started(settings: Settings, url: str, *, migrate: bool = True) -> TestClient:
    """A service on this database."""
    database = DatabaseSettings(url=url, migrate_on_start=migrate)
    return TestClient(create_app(build(dataclasses.replace(settings, database=database))))


def test_alive_says_nothing_else(stranger: TestClient) -> None:
    """Exactly this body, to anybody."""
    answer = stranger.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, OK)


@pytest.mark.parametrize("path", ["/health", "/api/health"])
def test_the_aliases_tell_time_and_environment(stranger: TestClient, path: str) -> None:
    """Three members; the time is now, in UTC."""
    body = stranger.get(path).json()

    assert set(body) == {"status", "timestamp", "environment"}
    assert (body["status"], body["environment"]) == ("ok", "test")
    assert body["timestamp"].endswith("Z")
    assert abs(datetime.fromisoformat(body["timestamp"]) - datetime.now(UTC)) < timedelta(seconds=10)


def test_ready_names_every_check(client_on: TestClient) -> None:
    """Exactly this body, to anybody, never from a cache."""
    answer = client_on.get("/readyz", headers={"Authorization": ""})

    assert (answer.status_code, answer.json()) == (200, READY)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_health_is_only_read(stranger: TestClient, method: str) -> None:
    """405."""
    for path in ("/healthz", "/readyz", "/health", "/api/health"):
        assert stranger.request(method, path).status_code == 405


def test_a_folder_that_is_gone_is_not_ready(client: TestClient, services: Services) -> None:
    """A volume that isn't mounted: the reason says so, without the path."""
    folder = services.settings.storage.files
    folder.rename(folder.with_name("moved"))

    reasons = not_ready(client, "storage")

    assert "mounted" in reasons["storage"]
    assert str(folder) not in reasons["storage"]


def test_another_disk_in_its_place_is_not_ready(client: TestClient, services: Services) -> None:
    """An empty folder, or one with another marker, is not our store."""
    folder = services.settings.storage.files
    shutil.rmtree(folder)
    (folder / ".spool").mkdir(parents=True)

    assert "marker" in not_ready(client, "storage")["storage"]


def test_a_folder_that_comes_back_is_ready(client: TestClient, services: Services, monkeypatch) -> None:
    """Without a restart, once the answer that is kept is too old."""
    folder = services.settings.storage.files
    folder.rename(folder.with_name("moved"))
    not_ready(client, "storage")
    folder.with_name("moved").rename(folder)

    monkeypatch.setattr("app.assets.ready.CACHED", 0.0)

    assert client.get("/readyz").json() == READY


def test_the_stores_answer_is_kept_for_a_while(client: TestClient, services: Services) -> None:
    """A platform that asks every second doesn't ask the store each time."""
    client.get("/readyz")
    folder = services.settings.storage.files
    folder.rename(folder.with_name("moved"))

    assert client.get("/readyz").json() == READY


def test_a_database_without_tables_is_not_ready(settings: Settings, postgres_server: str) -> None:
    """On SQLite and on Postgres; the reason says what to run."""
    url = postgres.new_database(postgres_server)
    for address in (f"sqlite:///{settings.storage.data_dir}/empty.db", url):
        with started(settings, address, migrate=False) as client:
            assert "migrate" in not_ready(client, "migrations")["migrations"]
    postgres.drop_database(url)


def test_a_newer_database_is_fine(settings: Settings, postgres_url: str) -> None:
    """After a step back to an older version of the service."""
    import psycopg

    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")

    with started(settings, postgres_url) as client:
        assert client.get("/readyz").json() == READY


def test_a_database_that_was_dropped_is_not_ready(settings: Settings, postgres_server: str) -> None:
    """Under a running service; calls are 503 then, with Retry-After, and never a 500."""
    url = postgres.new_database(postgres_server)
    with started(settings, url) as client:
        assert client.get("/readyz").json() == READY
        postgres.drop_database(url)

        reasons = not_ready(client, "database", "migrations")
        answer = client.get("/v1/assets", headers={"Authorization": "Bearer acme-key"})

    assert url not in str(reasons)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_database_that_refuses_is_not_ready(settings: Settings) -> None:
    """Nobody listens at the port."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with started(settings, f"postgresql://u:a-secret@127.0.0.1:{port}/d", migrate=False) as client:
        reasons = not_ready(client, "database", "migrations")

    assert "a-secret" not in str(reasons)


def test_a_database_that_is_silent_is_not_ready(settings: Settings) -> None:
    """Each check has a second, and asking again and again makes it no slower."""
    mute = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    with started(settings, f"postgresql://u:p@127.0.0.1:{mute.getsockname()[1]}/d", migrate=False) as client:
        for _ in range(2):
            reasons = not_ready(client, "database", "migrations")
        mute.close()

    assert set(reasons.values()) == {"It did not answer within a second."}

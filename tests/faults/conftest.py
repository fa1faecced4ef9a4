"""A Postgres that may be stopped, and places on it and on SQLite, each with an empty database and an empty store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.shared import Kept
from tests.faults import postgres
from tests.faults.place import Place
from tests.faults.postgres import Server
from tests.faults.proxy import Proxy
from tests.postgres import drop_database
from tests.standins import s3_faults
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.s3_faults import Faults


@pytest.fixture(scope="session")
def started_server() -> Iterator[Server]:
    """A Postgres that nobody else uses."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def server(started_server: Server) -> Iterator[Server]:
    """The same, running, whatever the test before has done to it."""
    started_server.ensure()
    yield started_server
    started_server.ensure()


@pytest.fixture
def sqlite(tmp_path: Path) -> Place:
    """A place on SQLite and a folder."""
    return Place(tmp_path, {})


@pytest.fixture(scope="session")
def kept(started_server: Server) -> Iterator[Kept]:
    """A migrated database for the whole run: making one takes longer than most tests."""
    kept = Kept(started_server.new_database())
    yield kept
    kept.engine.dispose()


@pytest.fixture
def place(tmp_path: Path, server: Server, kept: Kept) -> Place:
    """A place on Postgres and a folder."""
    return Place(tmp_path, {"DATABASE_URL": kept.emptied()})


@pytest.fixture
def fresh(tmp_path: Path, server: Server) -> Iterator[Place]:
    """The same on a database of its own, whose settings a test may change."""
    url = server.new_database()
    yield Place(tmp_path, {"DATABASE_URL": url})
    server.ensure()
    drop_database(url)


@pytest.fixture
def proxy_of_database(place: Place, server: Server) -> Iterator[Proxy]:
    """A proxy between the services of `place` and its database, without trouble yet."""
    with Proxy(server.port) as proxy:
        place.settings["DATABASE_URL"] = place.settings["DATABASE_URL"].replace(f":{server.port}/", f":{proxy.port}/")
        yield proxy


@pytest.fixture(scope="session")
def faulty_s3() -> Iterator[Faults]:
    """An S3 server that fails on demand."""
    with s3_faults.running() as faults:
        yield faults


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause between two tries of a store's call."""
    monkeypatch.setattr("app.storage.retrying.random.uniform", lambda *_: 0.0)


@pytest.fixture
def faults(faulty_s3: Faults, hasty: None) -> Faults:
    """The same, healthy and empty."""
    faulty_s3.heal()
    faulty_s3.requests.clear()
    faulty_s3.memory.objects.clear()
    return faulty_s3


@pytest.fixture
def on_s3(place: Place, faults: Faults) -> Place:
    """Postgres and that server."""
    server = faults.server
    place.settings |= {"S3_BUCKET": s3_faults.BUCKET, "S3_REGION": server.region, "S3_ENDPOINT_URL": server.url}
    place.settings |= {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    return place


@pytest.fixture
def on_cloudinary(place: Place, cloud: Cloud, hasty: None) -> Place:
    """Postgres and a stand-in."""
    place.settings |= {"CLOUDINARY_URL": cloud.address}
    return place

"""What the tests share: real services on temporary SQLite and a temporary folder, a client, small files, Postgres."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.bootstrap import build
from app.db import migrate
from app.main import create_app
from app.services import Services
from app.settings import (
    AuthSettings,
    DatabaseSettings,
    LimitSettings,
    ServerSettings,
    Settings,
    StorageSettings,
    SweepSettings,
)
from tests import postgres
from tests.clouds import cloud, radosgw, swift
from tests.scanners import clamd_url, debians_clamd, stand_in
from tests.storage.promises import Promises

__all__ = ["clamd_url", "cloud", "debians_clamd", "radosgw", "stand_in", "swift"]  # fixtures

KEYS = "acme:acme-key,acme:acme-read:read,other:other-key,*:root-key,default:dev-key"
LONG = 10_000  # bytes
SECRET = "a secret of more than thirty-two characters"
FOREIGN = (
    *("ALLOW", "API_", "APP_ENV", "AWS_", "BUCKET", "CLIENT_IP", "CLOUDINARY_", "CORS_", "DATABASE_", "DATA_DIR"),
    *("ENDPOINT", "FRONTEND_", "HOST", "JWT_", "NODE_ENV", "PORT", "PUBLIC_", "RAILWAY_", "REGION", "RENDER"),
    *("CLAMD_", "LOGO_", "PHOTO_", "DOCUMENT_", "FILE_", "MAX_", "STRIP_", "SVG"),
    *("RUN_AS", "S3_", "SECRET_ACCESS", "STORAGE_", "SUPABASE_", "SWEEP_", "USE_S3"),
)


def pytest_configure(config: pytest.Config) -> None:
    """The contract's table is a part of every run."""
    config.pluginmanager.register(Promises())


def pytest_assertrepr_compare(left: object, right: object) -> list[str] | None:
    """Megabytes that differ are not compared line by line: that takes minutes and gigabytes."""
    if isinstance(left, bytes) and isinstance(right, bytes) and len(left) + len(right) > LONG:
        common = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
        return [f"{len(left)} and {len(right)} bytes, the first difference is at {common}"]
    return None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine's environment says does not reach the settings under test."""
    import os

    for name in list(os.environ):
        if name.startswith(FOREIGN):
            monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Five API keys, HS256 tokens, no sweeper of its own, everything in a temporary folder."""
    return Settings(
        server=ServerSettings(public_base_url="http://stowage.test", cors_origins=("https://app.test",)),
        storage=StorageSettings(data_dir=tmp_path / "data"),
        auth=AuthSettings(api_keys=KEYS, jwt_secret=SECRET),
        limits=LimitSettings(strip="none"),  # what is sent is stored, byte for byte
        sweep=SweepSettings(interval=0, grace=3600),
    )


@pytest.fixture
def services(settings: Settings) -> Services:
    """The real objects; whoever starts the app closes them."""
    return build(settings)


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    """A client of tenant `acme` with the right to write; a crash inside the service is a crash of the test."""
    with TestClient(create_app(services), headers={"Authorization": "Bearer acme-key"}) as client:
        yield client


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A Postgres of our own for the whole run."""
    with postgres.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'stowage.db'}"
        migrate.upgrade(url)
        yield url
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty, migrated Postgres database."""
    url = postgres.new_database(postgres_server)
    migrate.upgrade(url)
    yield url
    postgres.drop_database(url)


@pytest.fixture
def settings_on(settings: Settings, database_url: str) -> Settings:
    """The settings, on each kind of database."""
    import dataclasses

    return dataclasses.replace(settings, database=DatabaseSettings(url=database_url))


@pytest.fixture
def client_on(settings_on: Settings) -> Iterator[TestClient]:
    """The client, on each kind of database."""
    app = create_app(build(settings_on))
    with TestClient(app, headers={"Authorization": "Bearer acme-key"}) as client:
        yield client


def make_png(width: int = 8, height: int = 8, *, noise: bytes = b"") -> bytes:
    """A valid PNG of one colour; `noise` makes it another file."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x20\x60\xa0" * width for _ in range(height)))
    text = chunk(b"tEXt", b"Comment\0" + noise.hex().encode()) if noise else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def make_jpg(width: int = 16, height: int = 12) -> bytes:
    """The segments of a baseline JPEG: enough for its header to be read."""
    app0 = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", height, width) + b"\x01\x01\x11\x00"
    return b"\xff\xd8" + app0 + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9"


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@pytest.fixture(scope="session")
def png() -> bytes:
    """A small logo."""
    return make_png()


@pytest.fixture(scope="session")
def jpg() -> bytes:
    """A small photo."""
    return make_jpg()


@pytest.fixture(scope="session")
def pdf() -> bytes:
    """A small document."""
    return PDF


def files_below(services: Services) -> list[Path]:
    """Every file in the local store, spool files and the marker apart."""
    root = services.settings.storage.files
    return sorted(p for p in root.rglob("*") if p.is_file() and p.name != ".stowage" and ".spool" not in p.parts)


def spool_files(services: Services) -> list[Path]:
    """What lies in the spool."""
    return sorted(services.spool.folder.iterdir())

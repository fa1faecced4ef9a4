"""One upload, end to end: a real service on a real database, killed and started anew."""

import contextlib
import hashlib
import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests import postgres
from tests.conftest import make_jpg, make_png
from tests.serving import Served, command, served

KEY = {"Authorization": "Bearer life-key"}


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a service with an empty database and an empty folder."""
    environment = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "life:life-key", "SWEEP_INTERVAL": "0"}
    if request.param == "sqlite":
        yield environment
        return
    url = postgres.new_database(request.getfixturevalue("postgres_server"))
    yield {**environment, "DATABASE_URL": url}
    postgres.drop_database(url)


def photo() -> bytes:
    """A photo of 3 MB: larger than what stays in memory."""
    return make_jpg(4000, 3000) + random.Random(7).randbytes(3_000_000)


def upload(service: Served, path: str, field: str, content: bytes) -> httpx2.Response:
    """One multipart upload."""
    return httpx2.post(f"{service.url}{path}", headers=KEY, files={field: ("a name.jpg", content)}, timeout=30)


def stored_files(settings: dict[str, str]) -> list[Path]:
    """What lies in the store, the marker and the empty spool apart."""
    root = Path(settings["DATA_DIR"]) / "files"
    return sorted(p for p in root.rglob("*") if p.is_file() and p.name != ".stowage")


def test_what_was_acknowledged_survives_a_kill(settings: dict[str, str], tmp_path: Path) -> None:
    """A photo and a logo are there, whole, at the same addresses, after SIGKILL and a new start."""
    big, logo = photo(), make_png(noise=b"one")
    with served(settings, tmp_path / "log") as first:
        photo_at = upload(first, "/v1/assets?kind=photo", "file", big).json()["id"]
        slot_at = upload(first, "/api/companies/my-company/logo", "logo", logo).json()["slot"]["permalink"]
        first.kill()

    with served(settings, tmp_path / "log") as second:
        slot_path = slot_at.removeprefix(first.url)

        assert httpx2.get(f"{second.url}/f/{photo_at}/x.jpg").content == big
        assert httpx2.get(f"{second.url}{slot_path}").content == logo
        shown = httpx2.get(f"{second.url}/v1/assets/{photo_at}", headers=KEY).json()
        assert (shown["width"], shown["height"]) == (4000, 3000)
        assert shown["sha256"] == hashlib.sha256(big).hexdigest()


def test_a_sweep_after_a_kill_leaves_what_is_held_and_nothing_else(settings: dict[str, str], tmp_path: Path) -> None:
    """Replaced logos and deleted assets lose their bytes; the present logo keeps them."""
    with served(settings, tmp_path / "log") as first:
        for noise in (b"one", b"two", b"three"):
            latest = upload(first, "/v1/companies/7/logo", "logo", make_png(noise=noise)).json()
        gone = upload(first, "/v1/assets?kind=photo", "file", make_jpg()).json()
        assert httpx2.delete(f"{first.url}/v1/assets/{gone['id']}", headers=KEY).status_code == 204
        first.kill()

    swept = command("sweep", settings=settings)

    assert swept.returncode == 0, swept.stderr
    assert json.loads(swept.stdout)["deleted"] == 3
    assert [p.name for p in stored_files(settings)] == [latest["public_id"].rpartition("/")[2]]
    with served(settings, tmp_path / "log") as second:
        assert httpx2.get(f"{second.url}/f/{latest['id']}/logo.png").content == make_png(noise=b"three")


def test_a_body_that_a_kill_cuts_leaves_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    """A service killed while it receives has no row of the upload; its spool file goes when its grace is over."""
    with served(settings, tmp_path / "log") as first, half_sent(first):
        first.kill()

    swept = command("sweep", settings={**settings, "SWEEP_GRACE": "0"})

    assert json.loads(swept.stdout)["spooled"] == 1
    assert stored_files(settings) == []
    with served(settings, tmp_path / "log") as second:
        assert httpx2.get(f"{second.url}/v1/assets", headers=KEY).json()["items"] == []


def test_the_service_stops_in_good_order(settings: dict[str, str], tmp_path: Path) -> None:
    """SIGTERM: exit code 0."""
    with served(settings, tmp_path / "log") as service:
        assert service.stop() == 0


@contextlib.contextmanager
def half_sent(service: Served) -> Iterator[None]:
    """Half of a large upload is on its way, and the service has spooled some of it."""
    head = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.bin\r\n\r\n"
    lines = f"POST /v1/assets?kind=file HTTP/1.1\r\nHost: x\r\nAuthorization: {KEY['Authorization']}\r\n"
    lines += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 4000000\r\n\r\n"
    spool = Path(service.log.parent) / "data" / "files" / ".spool"
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        connection.sendall(lines.encode() + head + bytes(2_000_000))
        deadline = time.monotonic() + 10
        while not list(spool.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.01)
        yield

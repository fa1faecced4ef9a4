"""A redeploy: SIGTERM while clients are at work."""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.clouds import environment_of
from tests.conftest import make_png
from tests.serving import Served, served
from tests.standins.cloudinary import faults
from tests.standins.cloudinary.cloud import Cloud

LOGO = "/api/companies/my-company/logo"
KEY = {"Authorization": "Bearer life-key"}
FORM = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.bin\r\n\r\n"
END = b"\r\n--b--\r\n"


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A service on SQLite and a folder."""
    return {"DATA_DIR": str(folder / "data"), "API_KEYS": "42:life-key", "SWEEP_INTERVAL": "0", **more}


@contextlib.contextmanager
def uploading(service: Served, content: bytes) -> Iterator[socket.socket]:
    """An upload whose head is sent; the rest is for the test."""
    length = len(FORM) + len(content) + len(END)
    lines = ["POST /v1/assets?kind=file HTTP/1.1", "Host: x", f"Authorization: {KEY['Authorization']}"]
    lines += ["Content-Type: multipart/form-data; boundary=b", f"Content-Length: {length}", "", ""]
    with socket.create_connection(("127.0.0.1", service.port), 30) as connection:
        connection.sendall("\r\n".join(lines).encode() + FORM)
        time.sleep(0.2)
        yield connection


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def test_a_running_upload_ends_and_is_told(tmp_path: Path) -> None:
    """New connections are refused, the old one gets its 201; exit code 0."""
    content = bytes(300_000)
    with served(environment(tmp_path), tmp_path / "log") as service, uploading(service, content) as connection:
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", service.port), 5)
        connection.sendall(content + END)
        answer = received(connection)
        code = service.process.wait(30)

    assert (answer.partition(b"\r\n")[0], code) == (b"HTTP/1.1 201 Created", 0)


def test_an_upload_that_is_too_slow_is_told_to_come_again(tmp_path: Path) -> None:
    """503 and Retry-After when the time is over; nothing is left of it."""
    own = environment(tmp_path, SHUTDOWN_TIMEOUT="1")
    with served(own, tmp_path / "log") as service, uploading(service, bytes(2_000_000)) as connection:
        connection.sendall(bytes(1_000_000))
        began = time.monotonic()
        code = service.stop()
        answer = received(connection).lower()

    assert answer.startswith(b"http/1.1 503")
    assert b'"shutting_down"' in answer
    assert b"retry-after:" in answer
    assert (code, 0.9 < time.monotonic() - began < 10) == (0, True)
    assert list((tmp_path / "data/files/.spool").iterdir()) == []


def test_an_upload_that_has_begun_is_told_the_truth(
    tmp_path: Path, request: pytest.FixtureRequest, cloud: Cloud
) -> None:
    """The store takes longer than the stop leaves: it is waited for a little more."""
    own = environment(tmp_path, SHUTDOWN_TIMEOUT="1", **environment_of("cloudinary", request))
    cloud.faults.next("upload", faults.hang(2.5, done=True))
    with served(own, tmp_path / "log") as service:
        told = []
        files = {"logo": ("a.png", make_png())}

        def put() -> None:
            told.append(httpx2.post(service.url + LOGO, headers=KEY, files=files, timeout=30))

        client = threading.Thread(target=put)
        client.start()
        time.sleep(0.5)
        code = service.stop()
        client.join(30)

    assert (code, [answer.status_code for answer in told]) == (0, [201])


def test_a_store_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, request: pytest.FixtureRequest, cloud: Cloud
) -> None:
    """The row is pending, the sweeper's; the platform's SIGKILL is not waited for."""
    own = environment(tmp_path, SHUTDOWN_TIMEOUT="1", **environment_of("cloudinary", request))
    cloud.faults.always("upload", faults.hang(20))
    with served(own, tmp_path / "log") as service:
        files = {"logo": ("a.png", make_png())}

        def put() -> None:
            with contextlib.suppress(httpx2.TransportError):
                httpx2.post(service.url + LOGO, headers=KEY, files=files, timeout=30)

        client = threading.Thread(target=put)
        client.start()
        time.sleep(0.5)
        began = time.monotonic()
        code = service.stop()
        took = time.monotonic() - began
        client.join(30)

    assert (code, took < 10) == (0, True)


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    """Whoever asks twice means it."""
    with served(environment(tmp_path), tmp_path / "log") as service, uploading(service, bytes(1000)):
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        code = service.process.wait(30)

    assert (code, time.monotonic() - began < 5) == (128 + signal.SIGTERM, True)


def test_an_idle_service_stops_at_once(tmp_path: Path) -> None:
    """With kept-alive connections open."""
    with served(environment(tmp_path), tmp_path / "log") as service, httpx2.Client(base_url=service.url) as client:
        assert client.get("/healthz").status_code == 200
        began = time.monotonic()

        assert service.stop() == 0
        assert time.monotonic() - began < 5
        assert not Path(f"/proc/{service.process.pid}").exists()

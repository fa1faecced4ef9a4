"""Those who read slowly, not at all, or no longer: a connection and an open file are not theirs for ever."""

import contextlib
import io
import os
import re
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from tests.api.wire import through
from tests.serving import Served, served

IDLE = 0.6  # seconds of patience with a silent sender
REST = 2 * IDLE  # with a silent reader
SIZE = 12_000_000  # more than the kernel takes for a reader with a small window
CONTENT = os.urandom(1_000_000) * (SIZE // 1_000_000)
SMALL = 4096  # bytes that the reader's kernel takes


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of its own process."""
    folder = tmp_path_factory.mktemp("readers")
    settings = {"DATA_DIR": str(folder), "API_KEYS": "acme:acme-key", "SWEEP_INTERVAL": "0"}
    with served({**settings, "BODY_IDLE_TIMEOUT": str(IDLE)}, folder / "log") as running:
        yield running


@pytest.fixture(scope="module")
def path(service: Served) -> str:
    """Where a large file is read."""
    form = {"files": {"file": ("a.bin", CONTENT)}, "data": {"kind": "file", "visibility": "public"}}
    stored = httpx2.post(f"{service.url}/v1/assets", headers={"X-API-Key": "acme-key"}, timeout=30, **form)
    return "/f/" + stored.json()["id"] + "/a.bin"


def reader(service: Served, path: str, window: int = SMALL) -> socket.socket:
    """A connection that has asked for the file."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", service.port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    return connection


def opened(service: Served, path: str) -> int:
    """How many descriptors of the file the service has."""
    name, found = path.split("/")[2], 0
    for descriptor in Path(f"/proc/{service.process.pid}/fd").iterdir():
        try:
            found += name in str(descriptor.readlink())
        except FileNotFoundError:
            continue
    return found


def becomes(service: Served, path: str, number: int, seconds: float) -> float:
    """Wait until so many descriptors are open; how long it took."""
    began = time.monotonic()
    while opened(service, path) != number:
        assert time.monotonic() - began < seconds, opened(service, path)
        time.sleep(0.02)
    return time.monotonic() - began


def rest(connection: socket.socket) -> bytes:
    """All that still comes."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1_000_000):
            received += piece
    return bytes(received)


def test_a_reader_that_takes_nothing_is_cut(service: Served, path: str) -> None:
    """Its connection ends, and the file is closed, not before the time that is set."""
    with reader(service, path) as connection:
        becomes(service, path, 1, 5)

        assert becomes(service, path, 0, REST + 10) > REST * 0.8
        assert len(rest(connection)) < SIZE


def test_a_reader_that_stops_in_the_middle_is_cut(service: Served, path: str) -> None:
    """Who has taken something has no right to stop either."""
    with reader(service, path) as connection:
        taken = 0
        while taken < SIZE // 3:
            taken += len(connection.recv(100_000))
        becomes(service, path, 0, REST + 10)

        assert taken + len(rest(connection)) < SIZE


@pytest.mark.parametrize(("window", "each"), [(SMALL, 2_000), (200_000, 60_000)], ids=["20 KB/s", "600 KB/s"])
def test_a_slow_reader_that_moves_gets_all(service: Served, path: str, window: int, each: int) -> None:
    """However long it takes: the time is counted from byte to byte."""
    received = bytearray()
    with reader(service, path, window) as connection:
        end = time.monotonic() + 4 * REST
        while time.monotonic() < end:
            received += connection.recv(each)
            time.sleep(0.1)
        received += rest(connection)

    head, _, body = bytes(received).partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1.1 200 ", head)
    assert body == CONTENT


def test_a_client_that_only_asks_is_cut(service: Served) -> None:
    """Answers that are no files are bound too, also hundreds of small ones on one connection."""
    with socket.create_connection(("127.0.0.1", service.port), 30) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n" * 1_000)
        reset = select.poll()
        reset.register(connection, 0)

        assert reset.poll((REST + 10) * 1000)


def test_a_reader_that_has_gone_is_not_read_for(acme: TestClient, log: io.StringIO) -> None:
    """The rest of the file is not fetched from the store, and the log says so."""
    shown = acme.post("/v1/assets?kind=file", files={"file": ("a", CONTENT)}).json()
    path = shown["permalink"].removeprefix("http://stowage.test")

    left = through(acme, path=path, method="GET", after="gone")
    stayed = through(acme, path=path, method="GET")

    assert len(left.content) <= 512 * 1024
    assert not left.complete
    assert log.getvalue().count('"unfinished": true') == 1
    assert (stayed.content, stayed.complete) == (CONTENT, True)

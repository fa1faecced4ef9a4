"""F1, F3, F4: clients that go, crawl, fall silent, or send too much, at a real server through a bad network."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.forms import BOUNDARY, form, part
from tests.faults.place import KEY, Place, png, talking, upload
from tests.faults.proxy import Proxy, Trouble
from tests.serving import Served

IDLE = 1.0  # seconds of patience with a silent client
BODY = form(part("file", png(1, size=1_500_000), "a.png"))
HEAD = (
    f"POST /v1/assets?kind=photo HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {KEY}\r\n"
    f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
)
WHOLE = f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
CUTS = {
    "no byte": 0,
    "one byte": 1,
    "in the head": 60,
    "the head alone": len(WHOLE) - len(BODY),
    "one byte of the body": len(WHOLE) - len(BODY) + 1,
    "half": len(WHOLE) // 2,
    "before the last boundary": len(WHOLE) - len(BOUNDARY) - 8,
    "all but the last byte": len(WHOLE) - 1,
}
RSS_ROOM = 40 * 1024  # KiB


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """SQLite and a folder."""
    settings = {"BODY_IDLE_TIMEOUT": str(IDLE), "PHOTO_MAX_MB": "2", "FILE_MAX_MB": "2"}
    return Place(tmp_path_factory.mktemp("clients"), settings)


@pytest.fixture(scope="module")
def service(where: Place) -> Iterator[Served]:
    """A service that has seen one upload: what is allocated once is allocated."""
    with where.service() as service:
        with talking(service) as client:
            assert upload(client, png(0, size=1_500_000)).status_code == 201
        yield service


@pytest.fixture
def proxy(service: Served) -> Iterator[Proxy]:
    """The network between a client and it."""
    with Proxy(service.port) as proxy:
        yield proxy


def spooled(where: Place) -> list[Path]:
    """What lies in the spool."""
    return list((where.files / ".spool").iterdir())


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for it, and fail if it doesn't come."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


def stored(service: Served) -> int:
    """How many assets clients see."""
    with talking(service) as client:
        return len(client.get("/v1/assets?limit=100").json()["items"])


def rss(service: Served) -> int:
    """KiB of memory that the process has."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def send(port: int, data: bytes, seconds: float = 30) -> bytes:
    """Send, then read to the end of the connection, or to the end of patience."""
    with socket.create_connection(("127.0.0.1", port), seconds) as connection, contextlib.suppress(OSError):
        connection.sendall(data)
        return connection.recv(65_536)
    return b""


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_f01_a_client_that_is_cut_off_leaves_nothing(
    where: Place, service: Served, proxy: Proxy, *, reset: bool
) -> None:
    """After any byte, twice: no row, no object, an empty spool, and the memory is given back."""
    before, memory = stored(service), rss(service)
    for limit in [*CUTS.values()] * 2:
        proxy.trouble = Trouble(cut_up=limit, reset=reset)
        assert b" 201 " not in send(proxy.port, WHOLE)
    until(lambda: not spooled(where))

    assert proxy.cuts == 2 * len(CUTS)
    assert stored(service) == before
    assert where.states() == ["ready"] * before
    assert len([p for p in where.files.rglob("*.png") if p.is_file()]) == before
    assert rss(service) < memory + RSS_ROOM


def test_f03_a_slow_client_is_served(service: Served, proxy: Proxy) -> None:
    """14 KB at 7 KB a second take twice the patience with silence: 201."""
    proxy.trouble = Trouble(rate=7_000)
    began = time.monotonic()
    with talking(service, proxy.port) as client:
        answer = upload(client, png(2, size=14_000))

    assert answer.status_code == 201
    assert time.monotonic() - began > 1.5 * IDLE


def test_f03_a_network_that_falls_silent_is_told_so(where: Place, service: Served, proxy: Proxy) -> None:
    """In the middle of a body, without an end: 408, the place and the spool are free again."""
    with socket.create_connection(("127.0.0.1", proxy.port), 30) as connection:
        connection.sendall(WHOLE[: len(WHOLE) // 2])
        until(lambda: bool(spooled(where)))
        began = time.monotonic()

        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - began < IDLE + 5
    until(lambda: not spooled(where))


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ("Content-Length: 100000000000", b""),
        ("Transfer-Encoding: chunked", b"200000\r\n" + bytes(0x200000) + b"\r\n"),
    ],
    ids=["100 GB are announced", "chunks without an end"],
)
def test_f04_a_body_beyond_the_limit_is_refused_on_the_way(
    where: Place, service: Served, lines: str, body: bytes
) -> None:
    """413 after the limit at the latest; the spool has never held more than the limit."""
    start = b"--" + BOUNDARY.encode() + b"\r\n" + part("file", png(3), "a.png")
    first = f"{HEAD}{lines}\r\n\r\n".encode() + (b"%x\r\n%s\r\n" % (len(start), start) if body else start)
    largest, answer = 0, b""
    with socket.create_connection(("127.0.0.1", service.port), 10) as connection, contextlib.suppress(OSError):
        connection.sendall(first)
        for _ in range(8 if body else 0):
            connection.sendall(body)
            largest = max(largest, *(path.stat().st_size for path in spooled(where)), 0)
        answer = connection.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 413 ") or (body and not answer)
    assert largest <= 2 * 1024 * 1024 + 1024 * 1024
    until(lambda: not spooled(where))
    assert httpx2.get(f"{service.url}/healthz").status_code == 200

"""The doors behind the real server: what only shows on a socket."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.api.forms import BOUNDARY, form, part
from tests.conftest import make_png
from tests.serving import Served, served

PNG = make_png()
BODY = form(part("file", PNG, "a.png"))
KEY = {"Authorization": "Bearer acme-key"}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
IDLE = 1.0  # seconds of patience with a silent client


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service keeps its data."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Served]:
    """A service of its own process."""
    settings = {"DATA_DIR": str(folder), "API_KEYS": "acme:acme-key", "SWEEP_INTERVAL": "0"}
    with served({**settings, "BODY_IDLE_TIMEOUT": str(IDLE)}, folder / "log") as running:
        yield running


def head(*lines: str, key: str = "acme-key") -> bytes:
    """The head of an upload with these lines more."""
    always = ["POST /v1/assets HTTP/1.1", "Host: h", f"Authorization: Bearer {key}"]
    wanted = [*always, f"Content-Type: multipart/form-data; boundary={BOUNDARY}", *lines]
    return "\r\n".join([*wanted, "", ""]).encode()


def chunked(body: bytes, size: int = 50) -> bytes:
    """The body in chunks of HTTP/1.1."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def talk(service: Served, *sent: bytes, answers: int = 1, seconds: float = 5) -> bytes:
    """What comes back until so many answers have begun and nothing more comes, or the connection ends."""
    with socket.create_connection(("127.0.0.1", service.port), seconds) as connection:
        for each in sent:
            connection.sendall(each)
        received = b""
        try:
            while piece := connection.recv(65_536):
                received += piece
                connection.settimeout(0.15 if received.count(b"HTTP/1.1 ") >= answers else seconds)
        except (TimeoutError, ConnectionResetError):
            pass
        return received


def statuses(received: bytes) -> list[int]:
    """The status codes of all answers."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def nothing_left(service: Served, folder: Path) -> None:
    """Assert that the spool empties itself at once, and that the service is well."""
    deadline = time.monotonic() + 3
    while any((folder / "files" / ".spool").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list((folder / "files" / ".spool").iterdir()) == []
    assert httpx2.get(f"{service.url}/healthz").status_code == 200


def stored(service: Served) -> int:
    """How many assets there are."""
    return len(httpx2.get(f"{service.url}/v1/assets?limit=100", headers=KEY).json()["items"])


def test_a_stranger_is_told_and_the_connection_goes_on(service: Served) -> None:
    """8 MB without a good key: 401, and the next request on the same connection is answered."""
    body = bytes(8_000_000)

    received = talk(service, head(f"Content-Length: {len(body)}", key="wrong"), body, HEALTH, answers=2)

    assert statuses(received) == [401, 200]


def test_who_asks_first_is_told_before_the_body(service: Served) -> None:
    """Expect: 100-continue gets 100 and 201 with a good key, 401 and the end of the connection with a bad one."""
    expecting = ("Expect: 100-continue", f"Content-Length: {len(BODY)}")

    assert statuses(talk(service, head(*expecting), BODY, answers=2)) == [100, 201]
    assert statuses(talk(service, head(*expecting, key="wrong"))) == [401]


def test_uploads_in_chunks_and_one_after_the_other(service: Served) -> None:
    """Three on one connection, two of them in chunks, sent before the first answer."""
    whole, pieces = head(f"Content-Length: {len(BODY)}") + BODY, head("Transfer-Encoding: chunked") + chunked(BODY)
    before = stored(service)

    assert statuses(talk(service, pieces + whole + pieces, answers=3)) == [201, 201, 201]
    assert stored(service) == before + 3


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}"], chunked(BODY)),
        ([f"Content-Length: {len(BODY)}", "Content-Length: 5"], BODY),
        ([f"Content-Length: +{len(BODY)}"], BODY),
        (["Content-Length: -1"], BODY),
        (["Content-Length: " + "9" * 30], BODY),
        (["Transfer-Encoding: chunked"], b"zz\r\n" + BODY),
        (["Transfer-Encoding: chunked"], b"fffffffffffffffff\r\n" + BODY),
        ([f"Content-Length: {len(BODY) - 5}"], BODY),
    ],
    ids=["both", "two", "plus", "minus", "endless", "no hex", "a huge chunk", "too short"],
)
def test_lengths_that_can_be_read_in_two_ways_are_refused(
    service: Served, folder: Path, lines: list[str], body: bytes
) -> None:
    """4xx, never stored, never a second request hidden in the first."""
    before = stored(service)

    received = statuses(talk(service, head(*lines) + body))

    assert {status // 100 for status in received} <= {4}
    assert stored(service) == before
    nothing_left(service, folder)


@pytest.mark.parametrize("goodbye", ["FIN", "RST"])
@pytest.mark.parametrize("sent", [0, 100, 1_000_000])
def test_a_client_that_goes_leaves_nothing(service: Served, folder: Path, goodbye: str, sent: int) -> None:
    """In good order or not, at the beginning or in the middle of a large body."""
    before = stored(service)
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        if goodbye == "RST":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(head("Content-Length: 3000000") + form(part("file", PNG + bytes(3_000_000), "a"))[:sent])
        time.sleep(0.1)

    nothing_left(service, folder)
    assert stored(service) == before


def test_a_body_that_stops_is_told_so(service: Served, folder: Path) -> None:
    """408 after the time that is set."""
    began = time.monotonic()

    assert statuses(talk(service, head(f"Content-Length: {len(BODY)}") + BODY[:50])) == [408]
    assert IDLE <= time.monotonic() - began < IDLE + 10
    nothing_left(service, folder)


def test_a_head_that_stops_is_cut(service: Served) -> None:
    """Nobody holds a connection for ever with half a line."""
    with socket.create_connection(("127.0.0.1", service.port), IDLE + 10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHos")

        assert connection.recv(1000) == b""


def test_a_silent_connection_is_cut(service: Served) -> None:
    """Nor with nothing at all, nor with half a line after an answer."""
    with socket.create_connection(("127.0.0.1", service.port), IDLE + 10) as silent:
        assert silent.recv(1000) == b""
    with socket.create_connection(("127.0.0.1", service.port), IDLE + 10) as kept:
        kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        received = b""
        while not received.endswith(b'{"status":"ok"}'):  # head and body may come one after the other
            received += kept.recv(1000)
        kept.sendall(b"GET /healthz")

        assert kept.recv(1000) == b""


def test_a_head_without_end_is_refused(service: Served) -> None:
    """Memory is not filled with headers: the connection ends long before 4 MB, with 4xx if with anything."""
    with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX-Endless: ")
        try:
            for _ in range(64):
                connection.sendall(b"x" * 65_536)
            connection.sendall(b"\r\n\r\n")
            received = connection.recv(1000)
        except (ConnectionResetError, BrokenPipeError):
            received = b""

    assert {status // 100 for status in statuses(received)} <= {4}
    assert httpx2.get(f"{service.url}/healthz").status_code == 200


def test_trailers_are_no_headers(service: Served) -> None:
    """What follows the body gives nobody a key, nor the request another id (RFC 9110, 6.5.1)."""
    key = b"Authorization: Bearer acme-key\r\n"
    late = key + b"X-Request-ID: late\r\n\r\n"

    received = talk(service, head("Transfer-Encoding: chunked").replace(key, b"") + chunked(BODY)[:-2] + late)
    health = talk(service, HEALTH[:-2] + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + late)

    assert statuses(received) == [401]
    assert b"x-request-id: late" not in health


@pytest.mark.parametrize("endless", [b"a: b\r\n" * 10_000, b"x" * 65_536], ids=["many", "one"])
@pytest.mark.parametrize("before", [b"0\r\n", b"5;"], ids=["trailers", "a chunk's extension"])
def test_what_is_no_body_has_an_end(service: Served, folder: Path, before: bytes, endless: bytes) -> None:
    """Trailers and extensions fill no memory: the connection ends long before 16 MB."""
    with socket.create_connection(("127.0.0.1", service.port), 5) as connection:
        connection.sendall(head("Transfer-Encoding: chunked") + chunked(BODY).removesuffix(b"0\r\n\r\n") + before)
        sent = 0
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while sent < 256:
                connection.sendall(endless)
                sent += 1

    assert sent < 256
    nothing_left(service, folder)


@pytest.mark.parametrize("target", ["/f/../../etc/passwd", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "*", "//etc"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "TRACE", "BREW"])
def test_strange_targets_and_methods_are_refused(service: Served, target: str, method: str) -> None:
    """4xx, and nothing of the machine."""
    received = talk(service, f"{method} {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())

    assert [status // 100 for status in statuses(received)] == [4]
    assert b"root:" not in received

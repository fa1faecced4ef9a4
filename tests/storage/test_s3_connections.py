"""How the S3 store comes to its server and what it does there once: proxies, redirects, early refusals, bodies."""

import base64
import gzip
import io
import itertools
from urllib.parse import urlsplit

import pytest

from app.errors import StorageRefused, StorageUnavailable
from app.storage import s3 as store
from app.storage import s3_pool
from app.storage.s3_client import S3Client
from app.storage.s3_pool import BLOCK
from tests.standins import s3_faults
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import BUCKET, Faults, refused
from tests.standins.s3_words import Reply
from tests.storage.backends import put, read, sha256
from tests.storage.faulty import answering, s3_on, s3_settings

DATA = bytes(range(251)) * 10
ELSEWHERE = "http://storage.invalid"
PROXIES = ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(params=["http://", ""])
def proxied(faults: Faults, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> pytest.MonkeyPatch:
    """The server is the machine's proxy, which wants to know who asks."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"{request.param}some%20one:pass@{urlsplit(faults.server.url).netloc}")
    return monkeypatch


def test_trap_a_machine_that_is_behind_a_proxy(faults: Faults, proxied: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY leads there, with its name and password; the request is for the host of the endpoint."""
    s3 = s3_on(faults, client=S3Client(s3_settings(endpoint=ELSEWHERE)))
    put(s3, "a/b", DATA)

    assert read(s3, "a/b") == DATA
    assert {seen.headers["host"] for seen in faults.requests} == {"storage.invalid"}
    told = faults.requests[0].headers["proxy-authorization"].removeprefix("Basic ").encode()
    assert base64.b64decode(told) == b"some one:pass"


@pytest.mark.parametrize("proxy", ["socks5://some:pass@proxy:1080", "http://some:pass@a b", "http://some:pass@a:b"])
def test_trap_a_proxy_that_cannot_be_one(proxied: pytest.MonkeyPatch, proxy: str) -> None:
    """It is refused by its name when the service starts, without the password."""
    proxied.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ValueError, match="HTTP_PROXY") as caught:
        S3Client(s3_settings(endpoint=ELSEWHERE))

    assert "pass" not in str(caught.value)


@pytest.mark.parametrize("listed", ["storage.invalid", "other, storage.invalid:9000"])
def test_a_host_that_needs_no_proxy_is_asked_itself(faults: Faults, proxied: pytest.MonkeyPatch, listed: str) -> None:
    """NO_PROXY is obeyed, with a port too."""
    proxied.setenv("NO_PROXY", listed)
    with pytest.raises(StorageUnavailable):
        s3_on(faults, client=S3Client(s3_settings(endpoint=f"{ELSEWHERE}:9000"))).ping()

    assert faults.requests == []


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE"])
def test_trap_a_redirect_takes_a_signed_request_elsewhere(faults: Faults, method: str, status: int) -> None:
    """It is refused, with what to set: a signature is of one host, and nobody else is to see it."""
    faults.script(method, "", itertools.repeat(answering(b"", status=status, Location=f"{ELSEWHERE}/x")))
    calls = {"PUT": lambda s3: put(s3, "a/b", DATA), "GET": lambda s3: s3.open("a/b")}
    calls |= {"HEAD": lambda s3: s3.stat("a/b"), "DELETE": lambda s3: s3.delete("a/b")}
    with pytest.raises(StorageRefused, match=r"S3_REGION|308"):
        calls[method](s3_on(faults))

    assert len(faults.requests) == 1


def test_trap_a_refusal_that_comes_before_the_body_was_sent(faults: Faults) -> None:
    """The reason is heard although the server stops reading."""
    faults.script("PUT", "", [refused(403, "AccessDenied", early=True)])
    with pytest.raises(StorageRefused, match="access key"):
        put(s3_on(faults), "a/b", bytes(8_000_000))


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 7])
def test_a_body_arrives_whole_however_it_is_handed_over(faults: Faults, size: int) -> None:
    """At once, or in blocks."""
    data = (DATA * (size // len(DATA) + 1))[:size]
    put(s3_on(faults), "a/b", data)

    assert faults.memory.objects["a/b"].body == data
    assert faults.requests[0].headers["content-length"] == str(size)


@pytest.mark.parametrize("limit", [1000, 100_000], ids=["parts", "one PUT"])
def test_trap_a_body_is_read_again_for_every_digest(
    faults: Faults, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once to check it, once to send it: signatures are made with what the check found."""
    monkeypatch.setattr(store, "SINGLE", limit)
    monkeypatch.setattr(store, "PART", limit)

    class Counting(io.BytesIO):
        given = 0

        def read(self, size: int | None = -1) -> bytes:
            """And how much that was."""
            data = super().read(size)
            self.given += len(data)
            return data

    body = Counting(DATA)
    s3_on(faults).put("a/b", body, content_type="image/png", size=len(DATA), sha256=sha256(DATA))

    assert faults.memory.objects["a/b"].body == DATA
    assert body.given == 2 * len(DATA)


def test_trap_an_object_that_says_it_is_compressed(faults: Faults) -> None:
    """What is stored is what is read, byte for byte, whatever the store says of it."""
    packed = gzip.compress(DATA)

    def compressed(_: Faults, exchange: Exchange) -> None:
        exchange.reply(Reply(200, packed, {"ETag": '"x"', "Content-Encoding": "gzip"}))

    faults.script("GET", "/a/b", [compressed])

    assert read(s3_on(faults), "a/b") == packed


def test_every_client_says_who_it_is(faults: Faults) -> None:
    """For the logs of the store."""
    s3_on(faults).ping()

    assert faults.requests[0].headers["user-agent"] == "stowage"
    assert faults.requests[0].path.strip("/") == BUCKET


def test_trap_a_server_that_pauses_in_the_middle_of_a_body(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take as long as for an answer: longer than a connection may."""
    monkeypatch.setattr(s3_pool, "CONNECT_SECONDS", 0.2)
    faults.script("PUT", "", [paused])
    put(s3_on(faults, client=S3Client(s3_settings(endpoint=faults.server.url))), "a/b", bytes(24_000_000))

    assert len(faults.requests) == 1
    assert len(faults.memory.objects["a/b"].body) == 24_000_000


def paused(faults: Faults, exchange: Exchange) -> None:
    """Nothing is read for a while; far more than what fits on the way is waiting."""
    faults.ending.wait(0.8)
    s3_faults.as_usual(faults, exchange)

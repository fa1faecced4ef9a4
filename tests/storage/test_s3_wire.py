"""What the S3 store says on the wire, header by header, over TLS and without."""

import base64
import hashlib
import io
import itertools
import re
from collections.abc import Iterator

import pytest

from app.storage import s3 as store
from app.storage.backend import Serving
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.standins import s3_faults
from tests.standins.s3_exchange import Exchange, Seen
from tests.standins.s3_faults import Faults
from tests.storage.backends import read, sha256
from tests.storage.faulty import KEY_ID, PUBLIC, put_file, s3_on, s3_settings, sent

DATA = bytes(range(256)) * 40
TOLD = Serving(public=True, content_disposition="inline; filename*=UTF-8''%C3%A9t%C3%A9.png", cache_control="public")
ADDED = re.compile(r"x-amz-(checksum|sdk-checksum|trailer|decoded)|^content-encoding$|^transfer-encoding$")


@pytest.fixture(scope="module", params=["http", "https"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """The server, with and without TLS: SDKs send other headers there."""
    with s3_faults.running(tmp_path_factory.mktemp("tls") if request.param == "https" else None) as faults:
        yield faults


@pytest.fixture(scope="module")
def client(running: Faults) -> Iterator[S3Client]:
    """A client that trusts it."""
    with pytest.MonkeyPatch.context() as patch:
        if running.server.ca:
            patch.setenv("AWS_CA_BUNDLE", str(running.server.ca))
        yield S3Client(s3_settings(endpoint=running.server.url))


@pytest.fixture
def s3(faults: Faults, client: S3Client) -> S3Backend:
    """The store."""
    return s3_on(faults, client=client)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a thousand bytes go in parts of a thousand."""
    monkeypatch.setattr(store, "SINGLE", 1000)
    monkeypatch.setattr(store, "PART", 1000)


def everything(faults: Faults, s3: S3Backend) -> list[Seen]:
    """Every operation once."""
    put_file(s3, "a/b.png", DATA, serving=TOLD)
    read(s3, "a/b.png", start=3, end=7)
    s3.stat("a/b.png")
    list(s3.list())
    s3.delete("a/b.png")
    s3.ping()
    s3.tidy(older_than=0, ours=lambda _: True)
    return faults.requests


@pytest.mark.parametrize("size", [0, 1, 10_240])
def test_trap_the_framing_of_chunks_is_stored(faults: Faults, s3: S3Backend, size: int) -> None:
    """SDKs' trailers and aws-chunked bodies are refused or even kept by others than Amazon: none is sent."""
    put_file(s3, "a/b.png", DATA[:size])
    [seen] = sent(faults, "PUT")

    assert faults.memory.objects["a/b.png"].body == DATA[:size]
    assert seen.headers["content-length"] == str(size) == str(seen.size)
    assert [name for name in seen.headers if ADDED.search(name)] == []


def test_trap_checksums_of_the_sdk(faults: Faults, s3: S3Backend, in_parts: None) -> None:
    """Of no operation, of no part either; nor are any asked for."""
    seen = everything(faults, s3)

    assert len({each.method for each in seen}) == 5
    assert [(each.method, name) for each in seen for name in each.headers if ADDED.search(name)] == []
    assert [each.method for each in seen if "x-amz-checksum-mode" in each.headers] == []


def test_trap_a_payload_that_is_not_signed(faults: Faults, s3: S3Backend, in_parts: None) -> None:
    """The SHA-256 of every body goes along, of each part too, and is under the signature."""
    for seen in everything(faults, s3):
        assert seen.headers["x-amz-content-sha256"] == seen.sha256, seen.method
        assert "x-amz-content-sha256" in seen.headers["authorization"]
        assert seen.headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")


def test_trap_object_lock_refuses_bodies_without_an_md5(faults: Faults, s3: S3Backend, in_parts: None) -> None:
    """It is sent with a single PUT and with each part: it is of exactly these bytes."""
    put_file(s3, "a/single.png", DATA[:999])
    put_file(s3, "a/parts.png", DATA[:2500])
    bodies = [DATA[:999], DATA[:1000], DATA[1000:2000], DATA[2000:2500]]

    told = [seen.headers["content-md5"] for seen in sent(faults, "PUT")]
    assert told == [base64.b64encode(hashlib.md5(body).digest()).decode() for body in bodies]


@pytest.mark.parametrize("size", [100, 2500])
def test_what_readers_shall_be_told_is_kept_with_the_object(
    faults: Faults, s3: S3Backend, in_parts: None, size: int
) -> None:
    """Type, name and caching, also of an object in parts."""
    put_file(s3, "a/b.png", DATA[:size], serving=TOLD)

    assert dict(faults.memory.objects["a/b.png"].headers) == {
        "content-type": "image/png",
        "content-disposition": TOLD.content_disposition,
        "cache-control": "public",
    }


@pytest.mark.parametrize("size", [100, 2500])
@pytest.mark.parametrize(
    ("acl", "public", "expected"),
    [(None, True, []), (None, False, []), ("public-read", True, ["public-read"]), ("public-read", False, [])],
)
def test_trap_an_acl_that_new_buckets_refuse(
    faults: Faults, client: S3Client, in_parts: None, acl: str | None, expected: list[str], size: int, *, public: bool
) -> None:
    """None is sent unless S3_ACL is set, and then only with what everybody may read."""
    put_file(s3_on(faults, client=client, acl=acl), "a/b.png", DATA[:size], serving=Serving(public=public))

    assert [seen.headers["x-amz-acl"] for seen in faults.requests if "x-amz-acl" in seen.headers] == expected


def test_trap_a_file_name_that_no_header_can_hold(faults: Faults, s3: S3Backend) -> None:
    """What the service says of names is ASCII, and arrives as it was sent."""
    put_file(s3, "a/b.png", DATA, serving=TOLD)
    [seen] = sent(faults, "PUT")

    assert seen.headers["content-disposition"] == "inline; filename*=UTF-8''%C3%A9t%C3%A9.png"
    assert all(text.isascii() for text in seen.headers.values())
    assert not any(name.startswith("x-amz-meta") for name in seen.headers)


@pytest.mark.parametrize("size", [100, 2500])
def test_trap_the_body_is_closed_by_the_sdk(faults: Faults, s3: S3Backend, in_parts: None, size: int) -> None:
    """It belongs to whoever opened it: open, and read to its end."""
    body = io.BytesIO(DATA[:size])
    s3.put("a/b", body, content_type="image/png", size=size, sha256=sha256(DATA[:size]))

    assert (body.closed, body.read()) == (False, b"")


def test_trap_many_deletes_in_one_call(faults: Faults, s3: S3Backend) -> None:
    """Older servers refuse its checksum: one DELETE for each, and none is a POST."""
    for key in ("a/b", "a/c"):
        s3.delete(key)

    assert [(seen.method, seen.path) for seen in faults.requests] == [
        ("DELETE", "/faulty/a/b"),
        ("DELETE", "/faulty/a/c"),
    ]


def test_the_public_address_is_that_of_the_setting(faults: Faults, client: S3Client) -> None:
    """For public objects only; a private one has none although the bucket has."""
    public = s3_on(faults, client=client, public_url="https://cdn.example/files")

    assert put_file(public, "a/b.png", DATA, serving=PUBLIC).url == "https://cdn.example/files/a/b.png"
    assert put_file(public, "a/c.png", DATA).url is None


def test_a_connection_is_used_again(faults: Faults, s3: S3Backend) -> None:
    """Ten objects do not take ten handshakes: bodies and answers are read to their ends."""
    callers: set[object] = set()

    def noting(server: Faults, exchange: Exchange) -> None:
        callers.add(exchange.client_address)
        s3_faults.as_usual(server, exchange)

    for method in ("PUT", "GET"):
        faults.script(method, "", itertools.repeat(noting))
    for number in range(10):
        put_file(s3, f"a/{number}", DATA)
        read(s3, f"a/{number}")

    assert len(callers) == 1

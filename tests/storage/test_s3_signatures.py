"""Signatures made again from what arrived on the wire, as a server does it: whatever the address of the endpoint."""

import hashlib
import hmac
import itertools
from urllib.parse import quote, unquote, urlsplit

import pytest

from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import Faults
from tests.standins.s3_words import Reply, xml
from tests.storage.backends import put
from tests.storage.faulty import SECRET, s3_on, s3_settings

ODD = "a+b/c=d e&amp;f%20é~*'()"  # what stores give as markers
FOUND = Reply(200, b"", {"ETag": '"x"', "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"})
ENDPOINTS = [
    "http://minio",
    "http://minio:9000",
    "http://minio:80",
    "http://minio:443",
    "http://MinIO:9000/",
    "http://[fe80::1]:9000",
    "http://[FE80::A]:80",
    "http://minio/storage/v1/s3",
    "http://minio:9000/storage/v1/s3//",
    "http://minio/sto%20rage/%7Ev1+x",
]


@pytest.fixture
def faults(proxied: Faults) -> Faults:
    """The server, healthy and empty: the proxy on the way to any endpoint."""
    return proxied


def encoded(text: str, safe: str = "") -> str:
    """As the rules of the signature want it, however it was written."""
    return quote(unquote(text), safe=f"-_.~{safe}")


def signature(exchange: Exchange) -> str:
    """What a server that knows the secret makes of a request as it came."""
    credential, names, _ = (
        pair.partition("=")[2] for pair in exchange.headers["Authorization"].partition(" ")[2].split(", ")
    )
    scope, target = credential.partition("/")[2], urlsplit(exchange.path)
    pairs = sorted(tuple(map(encoded, pair.partition("=")[::2])) for pair in filter(None, target.query.split("&")))
    told = [f"{name}:{' '.join(exchange.headers[name].split())}\n" for name in names.split(";")]
    query, digest = "&".join(map("=".join, pairs)), exchange.headers["X-Amz-Content-SHA256"]
    asked = [exchange.command, encoded(target.path, "/"), query, "".join(told), names, digest]
    canonical = hashlib.sha256("\n".join(asked).encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for each in [*scope.split("/"), "\n".join(["AWS4-HMAC-SHA256", exchange.headers["X-Amz-Date"], scope, canonical])]:
        key = hmac.digest(key, each.encode(), "sha256")
    return key.hex()


def checking(faults: Faults) -> list[bool]:
    """Whether each request that comes was signed as it came; all are answered somehow."""
    seen: list[bool] = []
    marker = f"<NextContinuationToken>{ODD}</NextContinuationToken><NextKeyMarker>{ODD}</NextKeyMarker>"

    def answer(_: Faults, exchange: Exchange) -> None:
        exchange.body()
        seen.append(exchange.headers["Authorization"].endswith(f"Signature={signature(exchange)}"))
        uploads, first = (
            "uploads" in exchange.seen.query,
            not {"continuation-token", "key-marker"} & set(exchange.seen.query),
        )
        name = "ListMultipartUploadsResult" if uploads else "ListBucketResult"
        page = xml(name, f"<IsTruncated>true</IsTruncated>{marker}" if first else "<IsTruncated>false</IsTruncated>")
        exchange.reply(page if exchange.command == "GET" else FOUND)

    for method in ("PUT", "GET", "HEAD", "DELETE"):
        faults.script(method, "", itertools.repeat(answer))
    return seen


def everything(s3: S3Backend) -> int:
    """Requests of every kind, and how many they were."""
    put(s3, "a-b/c_d.e", b"bytes")
    s3.stat("a-b/c_d.e")
    s3.delete("a-b/c_d.e")
    s3.ping()
    list(s3.list("a b+c%20~&=/?#"))
    s3.tidy(older_than=0, ours=lambda _: True)
    return 8


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_trap_a_request_is_signed_for_another_address_than_it_is_sent_to(faults: Faults, endpoint: str) -> None:
    """Ports, prefixes, letters of host names, markers: the signature is of what the server sees."""
    seen = checking(faults)

    assert everything(s3_on(faults, client=S3Client(s3_settings(endpoint=endpoint)))) == len(seen)
    assert all(seen), seen


def test_a_session_token_is_under_the_signature(faults: Faults) -> None:
    """And arrives."""
    seen = checking(faults)
    everything(s3_on(faults, client=S3Client(s3_settings(endpoint="http://minio", session_token="of-a/role+="))))

    assert all(seen)
    assert {each.headers["x-amz-security-token"] for each in faults.requests} == {"of-a/role+="}
    assert all("x-amz-security-token" in each.headers["authorization"] for each in faults.requests)

"""The Cloudinary stand-in spoils contents as it is told to: other bytes, a lost chunk, half a download."""

import hashlib
import io
from collections.abc import Iterator

import cloudinary.uploader
import httpx2
import pytest
from cloudinary.utils import private_download_url

from tests.standins.cloudinary import faults
from tests.standins.cloudinary.callers import client, opened, send_chunk
from tests.standins.cloudinary.cloud import Account, Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary that takes chunks of any size."""
    with opened(Account(smallest_chunk=1)) as cloud:
        yield cloud


def upload(cloud: Cloud, content: bytes):
    """The SDK's upload of a raw file."""
    return cloudinary.uploader.upload(io.BytesIO(content), public_id="x", resource_type="raw", **cloud.options)


def test_something_else_is_stored(cloud):
    """The answer says the size and the MD5 of what is stored."""
    cloud.faults.next("upload", faults.alter(bytes.upper))

    stored = upload(cloud, b"bytes")

    assert cloud.assets["raw", "upload", "x"].content == b"BYTES"
    assert (stored["etag"], stored["bytes"]) == (_md5(b"BYTES"), 5)


def test_something_else_is_stored_of_chunks(cloud):
    """It is the whole that is changed, whichever chunk the fault was for."""
    cloud.faults.next("upload", faults.alter(lambda content: content[:-1]))

    send_chunk(cloud, b"one ", "0-3/7", public_id="x").raise_for_status()
    last = send_chunk(cloud, b"two", "4-6/7", public_id="x").json()

    assert (last["bytes"], cloud.assets["raw", "upload", "x"].content) == (6, b"one tw")


def test_a_lost_chunk(cloud):
    """All chunks are accepted; what is stored is too short, and the answer says so."""
    cloud.faults.when("upload", lambda call: call.span.first == 4, faults.lose_chunk())
    answers = [
        send_chunk(cloud, content, span, public_id="x").json()
        for content, span in ((b"one ", "0-3/12"), (b"two ", "4-7/12"), (b"four", "8-11/12"))
    ]

    assert [answer["done"] for answer in answers] == [False, False, True]
    assert (answers[2]["bytes"], answers[2]["etag"]) == (8, _md5(b"one four"))
    assert cloud.assets["raw", "upload", "x"].content == b"one four"


def test_half_a_download(cloud):
    """The head promises everything, the connection ends in the middle."""
    upload(cloud, bytes(100_000))
    cloud.faults.next("download", faults.cut(70_000))

    received: list[bytes] = []

    with client() as caller, caller.stream("GET", _link(cloud)) as answer, pytest.raises(httpx2.RemoteProtocolError):
        received.extend(answer.iter_raw())

    assert (answer.headers["content-length"], sum(map(len, received))) == ("100000", 70_000)


def _link(cloud: Cloud) -> str:
    return private_download_url("x", "", resource_type="raw", **cloud.options)


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()

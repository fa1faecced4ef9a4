"""The Cloudinary stand-in fails as it is told to, once or always, before or after the call took effect."""

import http.client
import io
import socket
import time
from collections.abc import Iterator

import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import httpx2
import pytest
from cloudinary.utils import private_download_url

from tests.standins.cloudinary import faults
from tests.standins.cloudinary.callers import get, opened, send
from tests.standins.cloudinary.cloud import Account, Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary that may be made to fail."""
    with opened(Account(smallest_chunk=1)) as cloud:
        yield cloud


def upload(cloud: Cloud, content: bytes = b"bytes", **options):
    """The SDK's upload of a raw file."""
    return cloudinary.uploader.upload(
        io.BytesIO(content), public_id="x", resource_type="raw", **cloud.options, **options
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, cloudinary.exceptions.BadRequest),
        (420, cloudinary.exceptions.RateLimited),
        (423, cloudinary.exceptions.Error),
        (429, cloudinary.exceptions.RateLimited),
        (500, cloudinary.exceptions.GeneralError),
        (503, cloudinary.exceptions.GeneralError),
    ],
)
def test_an_error_of_any_status(cloud, status, error):
    """The SDK raises what it raises for it; nothing is stored; the next call works."""
    cloud.faults.next("upload", faults.refuse(status, "Processing"))

    with pytest.raises(error, match="Processing"):
        upload(cloud)
    assert (cloud.assets, cloud.faults.left) == ({}, 0)
    assert upload(cloud)["bytes"] == 5


def test_an_error_after_it_was_stored(cloud):
    """The caller is told 500, and the asset is there."""
    cloud.faults.next("upload", faults.refuse(500, done=True))

    with pytest.raises(cloudinary.exceptions.GeneralError):
        upload(cloud)
    assert cloud.assets["raw", "upload", "x"].content == b"bytes"


def test_a_proxys_page(cloud):
    """HTML instead of JSON: the SDK's sentence repeats it."""
    cloud.faults.next("upload", faults.page(502))

    with pytest.raises(cloudinary.exceptions.Error, match="502 Bad Gateway"):
        upload(cloud)


def test_every_action_can_fail(cloud):
    """Each by its name, and only that one."""
    send(cloud, b"bytes", public_id="x").raise_for_status()
    raw = {**cloud.options, "resource_type": "raw"}
    calls = {
        "upload": lambda: send(cloud, b"bytes", public_id="x").status_code,
        "download": lambda: get(private_download_url("x", "", **raw)).status_code,
        "delivery": lambda: get(f"{cloud.url}/{cloud.cloud_name}/raw/upload/v1/x").status_code,
        "admin": lambda: get(f"{cloud.url}/v1_1/{cloud.cloud_name}/ping").status_code,
        "destroy": lambda: cloudinary.uploader.destroy("x", return_error=True, **raw).get("error", {}).get("http_code"),
    }
    usual = {"upload": 200, "download": 200, "delivery": 200, "admin": 401, "destroy": None}

    for broken in calls:
        cloud.faults.always(broken, faults.refuse(503))
        expected = usual | {broken: 503}
        if broken != "destroy":
            expected.pop("destroy")
        assert {name: calls[name]() for name in expected} == expected
        cloud.faults.clear()
    assert calls["destroy"]() is None


def test_several_in_a_row(cloud):
    """One per call, in their order."""
    cloud.faults.next("upload", faults.refuse(500), faults.refuse(420), faults.refuse(423))

    assert [send(cloud, b"bytes", public_id="x").status_code for _ in range(4)] == [500, 420, 423, 200]


def test_only_what_fits(cloud):
    """By whatever a call says, once or always."""
    cloud.faults.when("upload", lambda call: call.fields["public_id"] == "bad", faults.refuse(500), once=False)

    statuses = [send(cloud, b"bytes", public_id=name).status_code for name in ("good", "bad", "good", "bad")]

    assert statuses == [200, 500, 200, 500]


def test_silence(cloud):
    """Nothing is said and nothing done; the caller's timeout is what ends it."""
    cloud.faults.next("upload", faults.hang(30))
    start = time.monotonic()

    with pytest.raises(cloudinary.exceptions.Error, match="timed out"):
        upload(cloud, timeout=0.2)
    assert time.monotonic() - start < 10
    assert cloud.assets == {}


def test_silence_that_ends(cloud):
    """Then the connection is closed without an answer."""
    cloud.faults.next("upload", faults.hang(0.05))

    with pytest.raises(httpx2.RemoteProtocolError):
        send(cloud, b"bytes", public_id="x")


def test_a_late_end(cloud):
    """The caller has given up, and the asset is stored after that."""
    cloud.faults.next("upload", faults.late(0.4))

    with pytest.raises(cloudinary.exceptions.Error, match="timed out"):
        upload(cloud, timeout=0.05)
    assert cloud.assets == {}

    deadline = time.monotonic() + 10
    while not cloud.assets and time.monotonic() < deadline:
        time.sleep(0.02)
    assert cloud.assets["raw", "upload", "x"].content == b"bytes"


@pytest.mark.parametrize("fault", [faults.hang(0), faults.reset()], ids=["closed", "reset"])
@pytest.mark.parametrize("done", [False, True])
def test_no_answer(cloud, fault, done):
    """The connection ends, before or after the bytes were stored; the next call works."""
    broken = faults.Fault(fault.kind, done=done)
    cloud.faults.next("upload", broken)

    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)) as raised:
        send(cloud, b"bytes", public_id="x")

    assert isinstance(raised.value, httpx2.ReadError) == (fault.kind == "reset")
    assert (len(cloud.assets), cloud.calls[0].status) == (int(done), 0)
    assert send(cloud, b"bytes", public_id="x").status_code == 200


def test_a_destroy_without_an_answer(cloud):
    """It is gone, and nobody was told."""
    upload(cloud)
    cloud.faults.next("destroy", faults.reset(done=True))

    with pytest.raises(cloudinary.exceptions.Error):
        cloudinary.uploader.destroy("x", resource_type="raw", **cloud.options)
    assert cloud.assets == {}


def test_a_reset_before_the_body(cloud):
    """The head is enough."""
    cloud.faults.next("upload", faults.reset(early=True))
    head = f"POST /v1_1/{cloud.cloud_name}/raw/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()

    with socket.create_connection(("127.0.0.1", int(cloud.url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(head)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_script_that_was_not_used_can_be_seen(cloud):
    """`left` says how many entries wait."""
    cloud.faults.next("upload", faults.refuse(500), faults.refuse(500))
    send(cloud, b"bytes", public_id="x")

    assert cloud.faults.left == 1


def test_a_hanging_call_does_not_keep_the_cloud_open():
    """The end of the block ends it."""
    start = time.monotonic()
    with opened() as cloud:
        cloud.faults.next("admin", faults.hang(600))
        connection = http.client.HTTPConnection("127.0.0.1", int(cloud.url.rpartition(":")[2]), timeout=10)
        connection.request("GET", f"/v1_1/{cloud.cloud_name}/ping")
        while not cloud.calls:
            time.sleep(0.01)

    connection.close()
    assert time.monotonic() - start < 30

"""The S3 server that fails on demand does what each script says, and remembers what it was asked."""

import contextlib
import hashlib
import io
import itertools
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError, ReadTimeoutError

from tests.standins import s3, s3_faults
from tests.standins.s3_faults import BUCKET, Answer, Faults, cut, dropped, late, lost, moved, reset
from tests.standins.s3_words import Reply

BODY = b"a logo, more or less" * 1000
PLACE = {"Bucket": BUCKET, "Key": "a/logo.png"}
REFUSALS = [
    (s3_faults.SLOW_DOWN, 503, "SlowDown"),
    (s3_faults.INTERNAL_ERROR, 500, "InternalError"),
    (s3_faults.NO_ACLS, 400, "AccessControlListNotSupported"),
    (s3_faults.ACCESS_DENIED, 403, "AccessDenied"),
    (s3_faults.WRONG_SIGNATURE, 403, "SignatureDoesNotMatch"),
    (s3_faults.SKEWED_CLOCK, 403, "RequestTimeTooSkewed"),
    (s3_faults.NO_BUCKET, 404, "NoSuchBucket"),
    (s3_faults.NO_KEY, 404, "NoSuchKey"),
    (s3_faults.NO_LENGTH, 411, "MissingContentLength"),
    (s3_faults.NOT_IMPLEMENTED, 501, "NotImplemented"),
    (s3_faults.DISK_FULL, 507, "InsufficientStorage"),
    (s3_faults.BAD_GATEWAY, 502, "502"),
]


@pytest.fixture(scope="module", params=["http", "https"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """The server, with and without TLS."""
    with s3_faults.running(tmp_path_factory.mktemp("tls") if request.param == "https" else None) as faults:
        yield faults


@pytest.fixture
def faults(running: Faults) -> Faults:
    """The server, healthy and empty."""
    running.heal()
    running.requests.clear()
    running.memory.objects.clear()
    running.memory.uploads.clear()
    return running


@pytest.fixture(scope="module")
def client(running: Faults) -> Iterator[Any]:
    """A boto3 client that tries once."""
    with contextlib.closing(s3.client(running.server)) as client:
        yield client


def refusal(call: Any, **arguments: Any) -> tuple[int, str]:
    """Status and code of the error that a call raises."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["ResponseMetadata"]["HTTPStatusCode"], refused.value.response["Error"]["Code"]


def connected(faults: Faults) -> socket.socket:
    """A plain connection to a server without TLS."""
    return socket.create_connection(("127.0.0.1", int(faults.server.url.rpartition(":")[2])), timeout=30)


@pytest.mark.parametrize(("answer", "status", "code"), REFUSALS, ids=[code for _, _, code in REFUSALS])
def test_a_refusal_is_given_once_and_changes_nothing(
    faults: Faults, client: Any, answer: Answer, status: int, code: str
) -> None:
    """Each error is what a client understands as that error; the next request is served."""
    faults.script("PUT", "logo", [answer])

    assert refusal(client.put_object, **PLACE, Body=BODY) == (status, code)
    assert faults.memory.objects == {}
    client.put_object(**PLACE, Body=BODY)
    assert faults.memory.objects["a/logo.png"].body == BODY


def test_scripts_pick_requests(faults: Faults, client: Any) -> None:
    """By method, path and query; a script without end lasts until it is forgotten."""
    faults.script("PUT", r"/logo\.png$", itertools.repeat(s3_faults.SLOW_DOWN))
    faults.script("POST", r"\?uploads$", [s3_faults.INTERNAL_ERROR])

    client.put_object(Bucket=BUCKET, Key="another", Body=b"")
    assert refusal(client.create_multipart_upload, **PLACE) == (500, "InternalError")
    client.create_multipart_upload(**PLACE)
    assert [refusal(client.put_object, **PLACE, Body=b"")[0] for _ in range(3)] == [503, 503, 503]
    faults.heal()
    client.put_object(**PLACE, Body=b"")


def test_a_moved_bucket_says_where_it_is(faults: Faults) -> None:
    """A 301 without a Location, as AWS gives it; boto3 signs once more, for that region."""
    faults.script("PUT", "logo", [moved("eu-central-1")])

    with contextlib.closing(s3.client(faults.server)) as client:
        client.put_object(**PLACE, Body=BODY)
    assert ["/eu-central-1/" in seen.headers["authorization"] for seen in faults.requests] == [False, True]


def test_a_refusal_may_come_before_the_body(faults: Faults, client: Any) -> None:
    """The client waits for a 100 Continue that never comes, and keeps its body."""
    faults.script("PUT", "logo", [s3_faults.refused(403, "AccessDenied", early=True)])

    assert refusal(client.put_object, **PLACE, Body=io.BytesIO(BODY)) == (403, "AccessDenied")
    (seen,) = faults.requests
    assert (seen.headers["expect"], seen.size) == ("100-continue", 0)


def test_completing_may_fail_with_a_200(faults: Faults, client: Any) -> None:
    """An error in the body of a 200, as CompleteMultipartUpload has it; the upload is still there."""
    faults.script("POST", "uploadId=", [s3_faults.ERROR_IN_200])
    upload = {**PLACE, "UploadId": client.create_multipart_upload(**PLACE)["UploadId"]}
    part = {"PartNumber": 1, "ETag": client.upload_part(**upload, PartNumber=1, Body=BODY)["ETag"]}

    assert refusal(client.complete_multipart_upload, **upload, MultipartUpload={"Parts": [part]})[1] == "InternalError"
    client.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
    assert faults.memory.objects["a/logo.png"].body == BODY


def test_an_answer_may_be_late(faults: Faults) -> None:
    """So late that the client has gone; what was asked is done all the same."""
    faults.script("PUT", "logo", [late(1)])

    with contextlib.closing(s3.client(faults.server, read_timeout=0.3)) as hasty, pytest.raises(ReadTimeoutError):
        hasty.put_object(**PLACE, Body=BODY)
    deadline = time.monotonic() + 20
    while not faults.memory.objects and time.monotonic() < deadline:
        time.sleep(0.02)
    assert faults.memory.objects["a/logo.png"].body == BODY


@pytest.mark.parametrize(("answer", "stored"), [(lost, 1), (dropped, 0), (reset, 0)])
def test_an_answer_may_never_come(faults: Faults, client: Any, answer: Answer, stored: int) -> None:
    """The client sees the same, whether it was stored or not."""
    faults.script("PUT", "logo", [answer])

    with pytest.raises(BotoCoreError):
        client.put_object(**PLACE, Body=BODY)
    assert len(faults.memory.objects) == stored


def test_an_object_may_arrive_in_part(faults: Faults, client: Any) -> None:
    """The head promises all of it, and the connection ends in between."""
    client.put_object(**PLACE, Body=BODY)
    faults.script("GET", "logo", [cut(1000)])

    got = client.get_object(**PLACE)
    assert got["ContentLength"] == len(BODY)
    with pytest.raises((BotoCoreError, IncompleteReadError)):
        got["Body"].read()
    assert client.get_object(**PLACE)["Body"].read() == BODY


def test_what_was_sent_is_remembered(faults: Faults, client: Any) -> None:
    """Method, path, query, headers, size and digest of each request, in their order."""
    client.put_object(Bucket=BUCKET, Key="é &", Body=io.BytesIO(BODY), ContentType="image/png")
    client.list_objects_v2(Bucket=BUCKET, Prefix="é")

    put, listed = faults.requests
    digest = hashlib.sha256(BODY).hexdigest()
    assert (put.method, put.path, put.size, put.sha256) == ("PUT", f"/{BUCKET}/é &", len(BODY), digest)
    assert (put.headers["content-type"], put.headers["x-amz-content-sha256"]) == ("image/png", digest)
    assert "x-amz-acl" not in put.headers
    assert (listed.method, listed.path, listed.query["prefix"], listed.size) == ("GET", f"/{BUCKET}", "é", 0)


def test_a_body_of_unknown_length_is_refused(tmp_path: Path) -> None:
    """What boto3 sends over TLS if it is not told otherwise; compatible servers say 411."""
    with (
        s3_faults.running(tmp_path) as faults,
        contextlib.closing(s3.client(faults.server, s3={}, request_checksum_calculation="when_supported")) as eager,
    ):
        assert refusal(eager.put_object, **PLACE, Body=BODY) == (411, "MissingContentLength")

    (seen,) = faults.requests
    assert (seen.headers["content-encoding"], seen.headers["x-amz-trailer"]) == ("aws-chunked", "x-amz-checksum-crc32")
    assert seen.size > len(BODY)


def test_a_request_that_is_cut_stores_nothing() -> None:
    """A client that dies while it sends leaves a request in the list, and no object."""
    with s3_faults.running() as faults, connected(faults) as connection:
        connection.sendall(f"PUT /{BUCKET}/half HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""

    assert (faults.requests[0].size, faults.memory.objects) == (5, {})


def test_a_reset_is_a_reset() -> None:
    """A RST, where hanging up would be an end of the stream."""
    with s3_faults.running() as faults:
        faults.script("GET", "reset", [reset])
        faults.script("GET", "dropped", [dropped])
        for path, end in [("dropped", contextlib.nullcontext()), ("reset", pytest.raises(ConnectionResetError))]:
            with connected(faults) as connection, end:
                connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert connection.recv(100) == b""


def test_nobody_waits_at_the_end() -> None:
    """Connections that are open, and answers that are late, end with the server."""
    begun = time.monotonic()
    with contextlib.ExitStack() as connections, s3_faults.running() as faults:
        faults.script("GET", "late", [late(60)])
        _idle, waiting = (connections.enter_context(connected(faults)) for _ in range(2))
        waiting.sendall(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n")
        while not faults.requests:
            time.sleep(0.01)

    assert time.monotonic() - begun < 30


def test_a_mistake_in_a_script_is_heard_of() -> None:
    """An exception in a thread of the server fails the test."""

    def wrong(*_: Any) -> None:
        raise LookupError("a mistake")

    def ask() -> None:
        with s3_faults.running() as faults, connected(faults) as connection:
            faults.script("GET", "", [wrong])
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(100) == b""

    with pytest.raises(LookupError, match="a mistake"):
        ask()


def test_any_answer_can_be_given(faults: Faults, client: Any) -> None:
    """What has no name of its own is said in full."""
    faults.script("HEAD", "logo", [s3_faults.said(Reply(418, b"", {"x-amz-request-id": "tea"}))])

    with pytest.raises(ClientError) as refused:
        client.head_object(**PLACE)
    assert refused.value.response["ResponseMetadata"]["RequestId"] == "tea"

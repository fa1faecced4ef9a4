"""The S3 sink: it keeps what it was given, and refuses what it must."""

import http.client
import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.bench.servers.catalogue import BUCKET, sink
from tests.bench.sink.store import KEPT, LARGEST, Content, Refused, Store
from tests.standins import s3

PART = 5 << 20


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A sink."""
    with sink(Path(tmp_path_factory.mktemp("sink")) / "sink") as found:
        yield found


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    """boto3, as it is configured by default when it comes to checksums."""
    server = s3.S3Server(f"http://127.0.0.1:{port}", "bench", "bench-secret", "us-east-1", None)
    made = s3.client(server, request_checksum_calculation="when_supported")
    yield made
    made.close()


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    """What S3 calls it."""
    return str(refused.value.response["Error"]["Code"])


def test_bytes_come_back(client: Any) -> None:
    """A small object is read back as it was put, whole and in part; a HEAD tells its size."""
    body = bytes(range(256)) * 80
    client.put_object(Bucket=BUCKET, Key="a b/ü.bin", Body=body, ContentType="image/png")

    assert client.get_object(Bucket=BUCKET, Key="a b/ü.bin")["Body"].read() == body
    part = client.get_object(Bucket=BUCKET, Key="a b/ü.bin", Range="bytes=10-19")
    assert (part["Body"].read(), part["ContentRange"]) == (body[10:20], f"bytes 10-19/{len(body)}")
    head = client.head_object(Bucket=BUCKET, Key="a b/ü.bin")
    assert (head["ContentLength"], head["ContentType"]) == (len(body), "image/png")


def test_parts_become_one_object(client: Any) -> None:
    """An upload in parts is the object that the parts make, in their order."""
    whole = b"".join(bytes([number]) * PART for number in range(3))
    client.upload_fileobj(io.BytesIO(whole), BUCKET, "parts")

    assert client.get_object(Bucket=BUCKET, Key="parts")["Body"].read() == whole


def test_what_is_deleted_is_gone(client: Any) -> None:
    """A DELETE removes the object, a second one is fine, and so is one of several objects."""
    for key in ("d1", "d2"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    client.delete_object(Bucket=BUCKET, Key="d1")
    client.delete_object(Bucket=BUCKET, Key="d1")
    told = client.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "d2"}]})

    assert told["Deleted"] == [{"Key": "d2"}]
    for key in ("d1", "d2"):
        with pytest.raises(ClientError) as refused:
            client.get_object(Bucket=BUCKET, Key=key)
        assert code(refused) == "NoSuchKey"


def test_a_listing_is_complete(client: Any) -> None:
    """Pages lead on to the last object of a prefix, in the order of the keys."""
    keys = [f"list/{number:02}&" for number in range(7)]
    for key in reversed(keys):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 3}
    )

    assert [found["Key"] for page in pages for found in page["Contents"]] == keys


def test_unsigned_requests_and_other_buckets_are_refused(client: Any, port: int) -> None:
    """Who sends no signature gets 403, who names another bucket 404."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{BUCKET}/key", b"x")
    status = connection.getresponse().status
    connection.close()
    with pytest.raises(ClientError) as refused:
        client.put_object(Bucket="another", Key="key", Body=b"x")

    assert (status, code(refused)) == (403, "NoSuchBucket")


def test_frames_are_refused(client: Any, port: int) -> None:
    """A body in aws-chunked frames is not kept as if the frames were the object."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("PUT", f"/{BUCKET}/framed", b"1\r\nx", {"Authorization": "x", "Content-Encoding": "aws-chunked"})
    status = connection.getresponse().status
    connection.close()

    assert status == 501


def test_an_upload_needs_its_parts(client: Any) -> None:
    """A completion that names a part that never came is refused, and so is an upload that was never begun."""
    name = client.create_multipart_upload(Bucket=BUCKET, Key="p")["UploadId"]
    client.upload_part(Bucket=BUCKET, Key="p", UploadId=name, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 2, "ETag": "e"}]}
    with pytest.raises(ClientError) as missing:
        client.complete_multipart_upload(Bucket=BUCKET, Key="p", UploadId=name, MultipartUpload=parts)
    with pytest.raises(ClientError) as unknown:
        client.upload_part(Bucket=BUCKET, Key="another", UploadId=name, PartNumber=1, Body=b"x")

    assert (code(missing), code(unknown)) == ("InvalidPart", "NoSuchUpload")


def test_a_body_that_is_cut_stores_nothing(client: Any, port: int) -> None:
    """A connection that ends before the body does leaves no object."""
    with socket.create_connection(("127.0.0.1", port), 10) as opened:
        opened.sendall(f"PUT /{BUCKET}/cut HTTP/1.1\r\nAuthorization: x\r\nContent-Length: 10\r\n\r\nfour".encode())
    with pytest.raises(ClientError) as refused:
        client.get_object(Bucket=BUCKET, Key="cut")

    assert code(refused) == "NoSuchKey"


def test_large_objects_are_counted_not_kept() -> None:
    """Of an object that is too large the size is known, and reading it is refused, not answered with less."""
    store, content = Store(BUCKET), Content()
    for _ in range(LARGEST // PART + 1):
        content.add(bytes(PART))
    store.put("large", content, "x/y")

    assert store.entry("large").size == content.size > LARGEST
    with pytest.raises(Refused) as refused:
        store.read("large")
    assert refused.value.status == 410


def test_the_oldest_bytes_go_first() -> None:
    """When too much is kept, the newest objects are still there with their bytes."""
    store, size = Store(BUCKET), KEPT // 4
    for number in range(6):
        store.put(f"{number}", Content(size, [bytes([number]) * size]), "x/y")

    assert store.read("5") == b"\5" * size
    assert len(store.entries) == 6
    with pytest.raises(Refused):
        store.read("0")

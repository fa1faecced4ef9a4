"""The bucket in memory answers as S3 does, as far as it goes."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.standins import s3, s3_faults
from tests.standins.s3_faults import BUCKET, Faults

PLACE = {"Bucket": BUCKET, "Key": "a/é &<.png"}


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    """The server that has the bucket."""
    with s3_faults.running() as faults:
        yield faults


@pytest.fixture(autouse=True)
def empty(faults: Faults) -> None:
    """Nothing is in the bucket."""
    faults.memory.objects.clear()
    faults.memory.uploads.clear()


@pytest.fixture(scope="module")
def client(faults: Faults) -> Iterator[Any]:
    """A boto3 client."""
    with contextlib.closing(s3.client(faults.server)) as client:
        yield client


def code(call: Any, **arguments: Any) -> str:
    """The code of the error that a call raises."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def test_what_is_put_is_got(client: Any) -> None:
    """Bytes, headers and metadata."""
    headers = {"ContentType": "image/png", "CacheControl": "no-store", "ContentDisposition": "inline"}
    etag = client.put_object(**PLACE, Body=b"0123456789", **headers, Metadata={"x": "1"})["ETag"]

    got, head = client.get_object(**PLACE), client.head_object(**PLACE)
    assert got["Body"].read() == b"0123456789"
    assert {name: head[name] for name in headers} == headers
    assert (head["ContentLength"], head["ETag"], got["Metadata"]) == (10, etag, {"x": "1"})


@pytest.mark.parametrize(
    ("asked", "given", "where"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
    ],
)
def test_ranges(client: Any, asked: str, given: bytes, where: str) -> None:
    """The first bytes, the last ones, those in between."""
    client.put_object(**PLACE, Body=b"0123456789")

    got = client.get_object(**PLACE, Range=asked)
    assert (got["Body"].read(), got["ContentRange"]) == (given, where)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_what_is_not_there(client: Any) -> None:
    """Missing keys, buckets and uploads; ranges beyond the end; what it doesn't know."""
    client.put_object(**PLACE, Body=b"0123456789")

    assert code(client.get_object, Bucket=BUCKET, Key="never") == "NoSuchKey"
    assert code(client.get_object, Bucket="another", Key="never") == "NoSuchBucket"
    assert code(client.get_object, **PLACE, Range="bytes=10-") == "InvalidRange"
    assert code(client.abort_multipart_upload, **PLACE, UploadId="never") == "NoSuchUpload"
    assert code(client.get_bucket_acl, Bucket=BUCKET) == "NotImplemented"


def test_deleting_twice_is_fine(client: Any) -> None:
    """The answer is the same."""
    client.put_object(**PLACE, Body=b"1")

    assert [client.delete_object(**PLACE)["ResponseMetadata"]["HTTPStatusCode"] for _ in range(2)] == [204, 204]
    assert code(client.get_object, **PLACE) == "NoSuchKey"


def test_listings_come_in_pages(faults: Faults, client: Any) -> None:
    """A thousand keys a page at most, sorted, below a prefix, any characters in them."""
    client.put_object(Bucket=BUCKET, Key="another", Body=b"1")
    client.put_object(Bucket=BUCKET, Key="many/é &<0000", Body=b"12")
    stored = faults.memory.objects["many/é &<0000"]
    faults.memory.objects |= {f"many/é &<{n:04}": stored for n in range(1, 1001)}

    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="many/"))
    entries = [entry for page in pages for entry in page["Contents"]]
    assert [page["KeyCount"] for page in pages] == [1000, 1]
    assert [entry["Key"] for entry in entries] == [f"many/é &<{n:04}" for n in range(1001)]
    assert {(entry["Size"], entry["ETag"]) for entry in entries} == {(2, stored.etag)}


def test_parts_become_one_object(client: Any) -> None:
    """In the order of their numbers; until then there is an upload, and no object."""
    upload = {**PLACE, "UploadId": client.create_multipart_upload(**PLACE, ContentType="video/mp4")["UploadId"]}
    tags = {n: client.upload_part(**upload, PartNumber=n, Body=b"%d," % n)["ETag"] for n in (2, 1)}
    listed = client.list_multipart_uploads(Bucket=BUCKET, Prefix="a/")["Uploads"]
    assert [(each["Key"], each["UploadId"]) for each in listed] == [(PLACE["Key"], upload["UploadId"])]
    assert code(client.get_object, **PLACE) == "NoSuchKey"

    wrong = {"Parts": [{"PartNumber": 1, "ETag": tags[2]}]}
    assert code(client.complete_multipart_upload, **upload, MultipartUpload=wrong) == "InvalidPart"
    parts = {"Parts": [{"PartNumber": n, "ETag": tags[n]} for n in (1, 2)]}
    assert client.complete_multipart_upload(**upload, MultipartUpload=parts)["ETag"].endswith('-2"')
    got = client.get_object(**PLACE)
    assert (got["Body"].read(), got["ContentType"]) == (b"1,2,", "video/mp4")
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


def test_an_aborted_upload_is_gone(client: Any) -> None:
    """Nothing is left of it."""
    upload = {**PLACE, "UploadId": client.create_multipart_upload(**PLACE)["UploadId"]}
    client.upload_part(**upload, PartNumber=1, Body=b"1")
    client.abort_multipart_upload(**upload)

    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)
    assert code(client.upload_part, **upload, PartNumber=2, Body=b"2") == "NoSuchUpload"


def test_a_body_is_compared_with_its_digest(faults: Faults, client: Any) -> None:
    """Signatures are not checked, but a signed payload is."""

    def spoil(request: Any, **_: Any) -> None:
        request.headers["x-amz-content-sha256"] = "0" * 64

    client.meta.events.register("before-send.s3.PutObject", spoil)
    try:
        assert code(client.put_object, **PLACE, Body=b"1") == "XAmzContentSHA256Mismatch"
    finally:
        client.meta.events.unregister("before-send.s3.PutObject", spoil)
    assert faults.memory.objects == {}

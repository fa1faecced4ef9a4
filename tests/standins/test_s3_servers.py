"""The real S3 servers of the tests are strict: what they let through is right."""

import base64
import contextlib
import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import botocore.auth
import pytest
import urllib3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.standins import radosgw, s3, swift
from tests.standins.s3 import S3Server
from tests.standins.swift import SwiftServer

SERVERS = {"swift": swift.running, "radosgw": radosgw.running}
PART = 5 * 1024 * 1024


@pytest.fixture(scope="module", params=["swift", pytest.param("radosgw", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Each kind of server, running."""
    with SERVERS[request.param](tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture(scope="module")
def bucket(server: S3Server) -> str:
    """One bucket for all tests of a server; each uses keys of its own."""
    return s3.new_bucket(server)


@pytest.fixture(scope="module")
def client(server: S3Server) -> Iterator[Any]:
    """A boto3 client with the right credentials."""
    with contextlib.closing(s3.client(server)) as client:
        yield client


def refusal(call: Any, **arguments: Any) -> tuple[int, str]:
    """Status and code of the error that a call raises."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def send(server: S3Server, method: str, url: str, **options: Any) -> tuple[int, bytes]:
    """One plain request, and what comes back."""
    with urllib3.PoolManager(ca_certs=str(server.ca), retries=False, timeout=30) as pool:
        answer = pool.request(method, url, **options)
        return answer.status, answer.data


def signed(server: S3Server, method: str, path: str, body: bytes) -> dict[str, str]:
    """The headers of a request that is signed by hand."""
    digest = {"x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    request = AWSRequest(method, server.url + path, data=body, headers=digest)
    S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", server.region).add_auth(request)
    return dict(request.headers)


def move_clock(monkeypatch: pytest.MonkeyPatch, **by: float) -> None:
    """What is signed from now on is signed at another time."""
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(**by)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: moment)


@pytest.mark.parametrize("operation", ["put_object", "get_object", "delete_object"])
def test_a_wrong_secret_is_refused(server: S3Server, bucket: str, operation: str) -> None:
    """The signature decides, not the name of the key."""
    with contextlib.closing(s3.client(server, secret_key=server.secret_key[::-1])) as wrong:
        assert refusal(getattr(wrong, operation), Bucket=bucket, Key="x") == (403, "SignatureDoesNotMatch")


def test_an_unknown_key_is_refused(server: S3Server, bucket: str) -> None:
    """Somebody else's credentials open nothing. AWS and Ceph say that they don't know the key, Swift doesn't say."""
    with contextlib.closing(s3.client(server, access_key="stowage:nobody")) as unknown:
        status, code = refusal(unknown.list_objects_v2, Bucket=bucket)

    assert (status, code) in [(403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch")]


def test_nobody_in_particular_is_refused(server: S3Server, bucket: str, client: Any) -> None:
    """Objects are private. (Swift takes a request without credentials for one that is not of S3.)"""
    client.put_object(Bucket=bucket, Key="private", Body=b"1")

    assert send(server, "GET", f"{server.url}/{bucket}/private")[0] in (400, 403)


def test_a_body_that_is_not_the_signed_one_is_refused(server: S3Server, bucket: str, client: Any) -> None:
    """The digest of the body is part of what is signed; nothing is stored."""
    path = f"/{bucket}/tampered"
    headers = signed(server, "PUT", path, b"good")

    assert send(server, "PUT", server.url + path, body=b"evil", headers=headers)[0] == 400
    assert refusal(client.get_object, Bucket=bucket, Key="tampered") == (404, "NoSuchKey")
    assert send(server, "PUT", server.url + path, body=b"good", headers=headers)[0] == 200


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_is_wrong_is_refused(
    server: S3Server, bucket: str, client: Any, hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature is good for a quarter of an hour, before and after."""
    move_clock(monkeypatch, hours=hours)

    assert refusal(client.list_objects_v2, Bucket=bucket) == (403, "RequestTimeTooSkewed")


def test_links_expire(server: S3Server, bucket: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A presigned GET works without credentials, until its time is over; it works for its own key only."""
    client.put_object(Bucket=bucket, Key="linked", Body=b"for a minute")
    arguments = {"Params": {"Bucket": bucket, "Key": "linked"}, "ExpiresIn": 60}
    fresh = client.generate_presigned_url("get_object", **arguments)
    move_clock(monkeypatch, minutes=-2)
    old = client.generate_presigned_url("get_object", **arguments)

    assert send(server, "GET", fresh) == (200, b"for a minute")
    assert send(server, "GET", old)[0] == 403
    assert send(server, "GET", fresh.replace("/linked?", "/private?"))[0] == 403


def test_a_wrong_content_md5_is_refused(bucket: str, client: Any) -> None:
    """Content-MD5 is compared with the body."""
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()

    assert refusal(client.put_object, Bucket=bucket, Key="md5", Body=b"1", ContentMD5=wrong) == (400, "BadDigest")


def test_what_is_put_is_got(bucket: str, client: Any) -> None:
    """Bytes and headers come back; ranges too; HEAD says as much; twice deleted is deleted."""
    body, place = bytes(range(256)) * 400, {"Bucket": bucket, "Key": "company_logos/é +&.png"}
    headers = {
        "ContentType": "image/png",
        "CacheControl": "max-age=60",
        "ContentDisposition": 'inline; filename="a.png"',
    }
    client.put_object(**place, Body=io.BytesIO(body), **headers)

    got, head = client.get_object(**place), client.head_object(**place)
    assert got["Body"].read() == body
    assert {name: got[name] for name in headers} == headers == {name: head[name] for name in headers}
    assert (head["ContentLength"], head["ETag"]) == (len(body), f'"{hashlib.md5(body).hexdigest()}"')
    assert client.get_object(**place, Range="bytes=300-309")["Body"].read() == body[300:310]
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket, Prefix="company")["Contents"]] == [
        place["Key"]
    ]
    for _ in range(2):
        assert client.delete_object(**place)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(client.get_object, **place) == (404, "NoSuchKey")


def test_a_bucket_that_does_not_exist_is_missed(client: Any) -> None:
    """A typing mistake in the bucket's name has a code of its own."""
    assert refusal(client.list_objects_v2, Bucket="no-such-bucket") == (404, "NoSuchBucket")


def test_parts_become_one_object(bucket: str, client: Any) -> None:
    """Multipart works with parts of 5 MB; a smaller one must be the last."""
    place = {"Bucket": bucket, "Key": "parts"}
    bodies = [b"a" * PART, b"b" * PART, b"the end"]
    upload = client.create_multipart_upload(**place, ContentType="video/mp4")["UploadId"]
    tags = [client.upload_part(**place, UploadId=upload, PartNumber=n, Body=b)["ETag"] for n, b in enumerate(bodies, 1)]
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})

    got = client.get_object(**place)
    assert (got["ContentType"], hashlib.sha256(got["Body"].read()).digest()) == (
        "video/mp4",
        hashlib.sha256(b"".join(bodies)).digest(),
    )


def test_small_parts_are_refused(bucket: str, client: Any) -> None:
    """As AWS does; until it is completed or aborted, an upload is listed."""
    place = {"Bucket": bucket, "Key": "small-parts"}
    named = {**place, "UploadId": client.create_multipart_upload(**place)["UploadId"]}
    parts = [{"PartNumber": n, "ETag": client.upload_part(**named, PartNumber=n, Body=b"x")["ETag"]} for n in (1, 2)]

    completed = refusal(client.complete_multipart_upload, **named, MultipartUpload={"Parts": parts})
    assert completed == (400, "EntityTooSmall")
    uploads = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(each["Key"], each["UploadId"]) for each in uploads] == [("small-parts", named["UploadId"])]
    client.abort_multipart_upload(**named)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_listings_come_in_pages(server: S3Server, client: Any) -> None:
    """A thousand keys a page, and all of them in the end."""
    bucket, keys = s3.new_bucket(server), [f"many/é {n:04}" for n in range(1001)]
    if isinstance(server, SwiftServer):
        swift.list_also(server, bucket, keys)
    else:
        for key in keys:
            client.put_object(Bucket=bucket, Key=key, Body=b"1")

    pages = list(client.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    assert [page["KeyCount"] for page in pages] == [1000, 1]
    assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys

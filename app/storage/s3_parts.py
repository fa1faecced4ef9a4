"""Bodies on their way into a bucket: one PUT, or parts and a completion."""

import base64
import hashlib
from collections.abc import Mapping
from functools import partial
from xml.sax.saxutils import escape

from app.errors import ObjectMissing, StorageError, StorageUnavailable
from app.storage.backend import NOTHING
from app.storage.bodies import Checked, Digest, Part
from app.storage.retrying import Deadline, Patience
from app.storage.s3_client import S3Client
from app.telemetry import log

ABORTS = Patience(seconds=10, tries=2)


def put_whole(client: S3Client, key: str, headers: Mapping[str, str], whole: Checked, deadline: Deadline) -> None:
    """One PUT of all of it."""
    [part] = whole.parts(max(1, whole.size), deadline)
    deadline.run(lambda: _put(client, key, part, whole.digests[0], headers=headers))


def put_in_parts(
    client: S3Client, key: str, headers: Mapping[str, str], whole: Checked, length: int, deadline: Deadline
) -> None:
    """Parts of `length` bytes, one after the other, and a completion; what fails is aborted."""
    upload = deadline.run(lambda: _begin(client, key, headers))
    try:
        etags: list[str] = []
        for part, digest in zip(whole.parts(length, deadline), whole.digests, strict=True):
            query = {"partNumber": str(len(etags) + 1), "uploadId": upload}
            etags.append(deadline.run(partial(_put, client, key, part, digest, query=query)))
        _complete(client, key, upload, etags, whole.size, deadline)
    except BaseException:
        abort(client, key, upload)
        raise


def abort(client: S3Client, key: str, upload: str) -> bool:
    """Whether the parts are gone; what can't be aborted now is, by `tidy`."""
    try:
        ABORTS.start().run(lambda: client.call("DELETE", key, query={"uploadId": upload}))
    except ObjectMissing:
        return True
    except StorageError as failure:
        log("store.not_aborted", level=30, key=key, reason=failure.detail)
        return False
    return True


def _put(
    client: S3Client,
    key: str,
    part: Part,
    digest: Digest,
    *,
    query: Mapping[str, str] = NOTHING,
    headers: Mapping[str, str] = NOTHING,
) -> str:
    """One try to send a part of the body, from its beginning; buckets with object lock ask for the MD5."""
    told = {**headers, "Content-MD5": base64.b64encode(digest.md5).decode()}
    return client.call("PUT", key, query=query, headers=told, body=part, sha256=digest.sha256).header("ETag")


def _begin(client: S3Client, key: str, headers: Mapping[str, str]) -> str:
    begun = client.call("POST", key, query={"uploads": ""}, headers=headers)
    return begun.document("InitiateMultipartUploadResult").text("UploadId")


def _complete(client: S3Client, key: str, upload: str, etags: list[str], size: int, deadline: Deadline) -> None:
    """The object appears. When the answer of a try is lost, the next one finds no upload, and the object there."""
    named = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
        for number, etag in enumerate(etags, 1)
    )
    kind = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    body = f"<CompleteMultipartUpload {kind}>{named}</CompleteMultipartUpload>".encode()

    def once() -> str:
        digest = hashlib.sha256(body).hexdigest()
        done = client.call("POST", key, query={"uploadId": upload}, body=body, sha256=digest)
        return done.document("CompleteMultipartUploadResult").text("ETag")

    try:
        deadline.run(once)
    except ObjectMissing:
        if not deadline.run(lambda: _is_there(client, key, size)):
            raise StorageUnavailable("The store has lost the parts of the upload.") from None


def _is_there(client: S3Client, key: str, size: int) -> bool:
    try:
        return client.call("HEAD", key).header("Content-Length") == str(size)
    except ObjectMissing:
        return False

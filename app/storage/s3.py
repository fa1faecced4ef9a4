"""The store that speaks S3: Amazon's, Railway Buckets, R2, Supabase, MinIO and the like."""

import base64
import io
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, Self
from urllib.parse import quote

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageUnavailable
from app.settings import S3Settings
from app.storage.backend import NOTHING, PRIVATE, ObjectInfo, Serving, Stored, safe
from app.storage.bodies import Checked, Part, checked
from app.storage.download import Download, Source
from app.storage.retrying import Deadline, Patience
from app.storage.s3_client import S3Client
from app.telemetry import log

SINGLE = 32 * 1024 * 1024  # bytes: up to here one PUT
PART = 16 * 1024 * 1024  # bytes: 10,000 of them are more than we ever store
DAWN = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_LINK = 7 * 86_400  # seconds: Amazon refuses longer ones
BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}")
PUTS, QUICK, ABORTS = Patience(seconds=300), Patience(seconds=60), Patience(seconds=10, tries=2)


class S3Backend:
    """Objects in one bucket, named by their keys.

    A PUT is atomic by itself, and so is the completion of a multipart upload. Payloads are signed: the store checks
    the SHA-256 of what arrives. Tries, pauses and deadline are ours; the SDK tries once.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        *,
        public_url: str | None = None,
        acl: str | None = None,
        puts: Patience = PUTS,
        quick: Patience = QUICK,
    ) -> None:
        self._client, self._bucket = client, {"Bucket": bucket}
        self._public_url, self._acl, self._puts, self._quick = public_url, acl, puts, quick

    @classmethod
    def from_settings(cls, settings: S3Settings) -> Self:
        """The bucket that the variables name."""
        if not settings.bucket:
            raise ValueError("The store s3 needs S3_BUCKET (or AWS_S3_BUCKET, AWS_STORAGE_BUCKET_NAME, BUCKET).")
        for value, name in ((settings.access_key, "AWS_ACCESS_KEY_ID"), (settings.secret_key, "AWS_SECRET_ACCESS_KEY")):
            if not value:
                raise ValueError(f"The store s3 needs {name}.")
        if not BUCKET.fullmatch(settings.bucket):
            raise ValueError(
                "S3_BUCKET is no name of a bucket: letters, digits, dots and hyphens, no s3:// and no path."
            )
        return cls(S3Client(settings), settings.bucket, public_url=settings.public_url, acl=settings.acl)

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """One PUT, or parts and a completion; what was begun and failed is aborted."""
        request = {**self._object(key), **self._headers(content_type, serving)}
        with checked(body, size, sha256, part=None if size <= SINGLE else PART) as whole:
            send = self._put_single if size <= SINGLE else self._put_parts
            try:
                send(request, whole, self._puts.start())
            except ObjectMissing:
                raise StorageRefused("The store says that what is put there is missing.") from None
        return Stored(public_id=key, url=self.url(key) if serving.public else None)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """A streamed GET of the range, taken up again where it breaks off."""
        target = self._object(key)
        if end is not None and end <= start:
            self.stat(key)
            return io.BytesIO()
        return Download.of(lambda offset: self._quick.start().run(lambda: self._get(target, start + offset, end)))

    def stat(self, key: str) -> ObjectInfo:
        """A HEAD."""
        found = self._call("head_object", **self._object(key))
        return _info(key, found["ContentLength"], found)

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """A DELETE; a versioned bucket keeps the older version until its own rules remove it."""
        try:
            self._call("delete_object", **self._object(key))
        except ObjectMissing:  # some stores say so
            return

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Page by page, in the order of the keys."""
        if not (prefix.isascii() and (prefix.isprintable() or not prefix)):
            return
        for page in self._pages("list_objects_v2", "ContinuationToken", Prefix=prefix):
            for found in page.get("Contents", ()):
                yield _info(found.get("Key"), found.get("Size"), found)

    def url(
        self,
        key: str,
        *,
        expires_in: float | None = None,
        filename: str | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> str | None:
        """Below `S3_PUBLIC_URL`; links that expire are signed whatever that is, for a week at most."""
        if expires_in is None:
            return f"{self._public_url}/{quote(key)}" if self._public_url else None
        named = {"ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename or '', safe='')}"}
        seconds = max(1, min(int(expires_in), LONGEST_LINK))
        return self._client.link(seconds, **self._object(key), **(named if filename else {}))

    def ping(self) -> None:
        """A HEAD of the bucket."""
        try:
            self._client.call("head_bucket", **self._bucket)
        except ObjectMissing:
            raise StorageUnavailable("The bucket does not exist.") from None
        except StorageError as failure:
            raise StorageUnavailable(failure.detail) from failure

    def tidy(self, *, older_than: float, ours: Callable[[str], bool]) -> int:
        """Abort the multipart uploads of processes that died; ages are told by the store's own clock."""
        aborted = 0
        for page in self._pages("list_multipart_uploads", "KeyMarker", "UploadIdMarker"):
            now = _date(page["ResponseMetadata"]["HTTPHeaders"])
            for upload in page.get("Uploads", ()):
                if not {"Key", "UploadId", "Initiated"} <= upload.keys():
                    raise StorageUnavailable("The store's list of uploads makes no sense.")
                if ours(upload["Key"]) and now - upload["Initiated"] > timedelta(seconds=older_than):
                    aborted += self._abort({**self._bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]})
        return aborted

    def _put_single(self, request: Mapping[str, Any], whole: Checked, deadline: Deadline) -> None:
        [part] = whole.parts(SINGLE, deadline)
        deadline.run(lambda: self._send("put_object", part, whole.md5s[0], **request))

    def _put_parts(self, request: Mapping[str, Any], whole: Checked, deadline: Deadline) -> None:
        begun = deadline.run(lambda: self._client.call("create_multipart_upload", **request))
        upload = {**self._bucket, "Key": request["Key"], "UploadId": begun["UploadId"]}
        try:
            numbered = enumerate(zip(whole.parts(PART, deadline), whole.md5s, strict=True), 1)
            parts = [self._put_part(number, part, md5, upload, deadline) for number, (part, md5) in numbered]
            self._complete({**upload, "MultipartUpload": {"Parts": parts}}, whole.size, deadline)
        except BaseException:
            self._abort(upload)
            raise

    def _complete(self, upload: Mapping[str, Any], size: int, deadline: Deadline) -> None:
        """The object appears. When the answer of a try is lost, the next one finds no upload, and the object there."""
        try:
            deadline.run(lambda: self._client.call("complete_multipart_upload", **upload))
        except ObjectMissing:
            if not self._is_there(upload["Key"], size):
                raise StorageUnavailable("The store has lost the parts of the upload.") from None

    def _is_there(self, key: str, size: int) -> bool:
        try:
            return self.stat(key).size == size
        except ObjectMissing:
            return False

    def _put_part(
        self, number: int, part: Part, md5: bytes, upload: Mapping[str, str], deadline: Deadline
    ) -> dict[str, Any]:
        sent = deadline.run(lambda: self._send("upload_part", part, md5, PartNumber=number, **upload))
        return {"PartNumber": number, "ETag": sent["ETag"]}

    def _send(self, operation: str, part: Part, md5: bytes, **arguments: Any) -> Any:
        """One try to send a part of the body, from its beginning; buckets with object lock ask for the MD5."""
        part.seek(0)
        checksum = base64.b64encode(md5).decode()
        return self._client.call(operation, Body=part, ContentLength=part.length, ContentMD5=checksum, **arguments)

    def _abort(self, upload: Mapping[str, str]) -> bool:
        """Whether the parts are gone; what can't be aborted now is, by `tidy`."""
        try:
            ABORTS.start().run(lambda: self._client.call("abort_multipart_upload", **upload))
        except ObjectMissing:
            return True
        except StorageError as failure:
            log("store.not_aborted", level=30, key=upload["Key"], reason=failure.detail)
            return False
        return True

    def _get(self, target: Mapping[str, str], start: int, end: int | None) -> tuple[Source, int | None]:
        return self._client.get(start, end, **target) or (io.BytesIO(), 0)

    def _call(self, operation: str, **arguments: Any) -> Any:
        return self._quick.start().run(lambda: self._client.call(operation, **arguments))

    def _pages(self, operation: str, *markers: str, **arguments: Any) -> Iterator[Any]:
        """Every page of a listing; each marker is told as `Next…` by the page before."""
        follow: dict[str, str] = {}
        while True:
            page = self._call(operation, **self._bucket, **arguments, **follow)
            yield page
            if not page.get("IsTruncated"):
                return
            before, follow = follow, {marker: page[f"Next{marker}"] for marker in markers if page.get(f"Next{marker}")}
            if follow in ({}, before):
                raise StorageUnavailable("The store's listing does not go on.")

    def _object(self, key: str) -> dict[str, str]:
        return {**self._bucket, "Key": safe(key)}

    def _headers(self, content_type: str, serving: Serving) -> dict[str, str]:
        """What readers of the bucket's own addresses are told; no ACL unless one is asked for."""
        told = {
            "ContentType": content_type,
            "ContentDisposition": serving.content_disposition,
            "CacheControl": serving.cache_control,
            "ACL": self._acl if serving.public else None,
        }
        return {name: value for name, value in told.items() if value is not None}


def _date(headers: Mapping[str, str]) -> datetime:
    """The store's clock; one that can't be read makes nothing old."""
    try:
        return parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return DAWN


def _info(key: str | None, size: int | None, found: Mapping[str, Any]) -> ObjectInfo:
    """Listings tell fractions of a second, HEAD does not."""
    if key is None or size is None or not {"ETag", "LastModified"} <= found.keys():
        raise StorageUnavailable("The store's listing makes no sense.")
    return ObjectInfo(key, size, found["ETag"].strip('"'), found["LastModified"].replace(microsecond=0))

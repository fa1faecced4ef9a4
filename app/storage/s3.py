"""The store that speaks S3: Amazon's, Railway Buckets, R2, Supabase, MinIO and the like."""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Self
from urllib.parse import quote, unquote_plus

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageUnavailable
from app.settings import S3Settings
from app.storage.backend import NOTHING, PRIVATE, ObjectInfo, Serving, Stored, safe
from app.storage.bodies import checked
from app.storage.download import Download, Source
from app.storage.retrying import Patience
from app.storage.s3_answers import Element, Reply, moment, number
from app.storage.s3_client import S3Client
from app.storage.s3_parts import abort, put_in_parts, put_whole

SINGLE = 32 * 1024 * 1024  # bytes: up to here one PUT
PART = 16 * 1024 * 1024  # bytes: 10,000 of them are more than we ever store
DAWN = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_LINK = 7 * 86_400  # seconds: Amazon refuses longer ones
PUTS, QUICK = Patience(seconds=300), Patience(seconds=60)

# parameter of the next request -> where the page before tells it
OBJECTS = {"continuation-token": "NextContinuationToken"}
UPLOADS = {"key-marker": "NextKeyMarker", "upload-id-marker": "NextUploadIdMarker"}


class S3Backend:
    """Objects in one bucket, named by their keys.

    A PUT is atomic by itself, and so is the completion of a multipart upload. Payloads are signed: the store checks
    the SHA-256 of what arrives. A call of the client is one try; pauses and deadline are `Patience`'s.
    """

    def __init__(
        self,
        client: S3Client,
        *,
        public_url: str | None = None,
        acl: str | None = None,
        puts: Patience = PUTS,
        quick: Patience = QUICK,
    ) -> None:
        self._client, self._puts, self._quick = client, puts, quick
        self._public_url, self._acl = public_url, acl

    @classmethod
    def from_settings(cls, settings: S3Settings) -> Self:
        """The bucket that the variables name."""
        if not settings.bucket:
            raise ValueError("The store s3 needs S3_BUCKET (or AWS_S3_BUCKET, AWS_STORAGE_BUCKET_NAME, BUCKET).")
        for value, name in ((settings.access_key, "AWS_ACCESS_KEY_ID"), (settings.secret_key, "AWS_SECRET_ACCESS_KEY")):
            if not value:
                raise ValueError(f"The store s3 needs {name}.")
        for value, name in ((settings.access_key, "AWS_ACCESS_KEY_ID"), (settings.session_token, "AWS_SESSION_TOKEN")):
            if value and not re.fullmatch(r"[!-~]+", value.get_secret_value()):  # it goes into a header
                raise ValueError(f"The store s3 can't use {name}: it has blanks, line breaks or odd letters inside.")
        return cls(S3Client(settings), public_url=settings.public_url, acl=settings.acl)

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """One PUT, or parts and a completion; what was begun and failed is aborted."""
        target, headers = safe(key), self._headers(content_type, serving)
        with checked(body, size, sha256, part=None if size <= SINGLE else PART) as whole:
            try:
                if size <= SINGLE:
                    put_whole(self._client, target, headers, whole, self._puts.start())
                else:
                    put_in_parts(self._client, target, headers, whole, PART, self._puts.start())
            except ObjectMissing:
                raise StorageRefused("The store says that what is put there is missing.") from None
        return Stored(public_id=key, url=self.url(key) if serving.public else None)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """A streamed GET of the range, taken up again where it breaks off."""
        target = safe(key)
        if end is not None and end <= start:
            self.stat(key)
            return io.BytesIO()
        return Download.of(lambda offset: self._quick.start().run(lambda: self._get(target, start + offset, end)))

    def stat(self, key: str) -> ObjectInfo:
        """A HEAD."""
        return self._quick.start().run(lambda: _headed(key, self._client.call("HEAD", safe(key))))

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """A DELETE; a versioned bucket keeps the older version until its own rules remove it."""
        target = safe(key)
        try:
            self._quick.start().run(lambda: self._client.call("DELETE", target))
        except ObjectMissing:  # some stores say so
            return

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Page by page, in the order of the keys."""
        if not (prefix.isascii() and (prefix.isprintable() or not prefix)):
            return
        query = {"list-type": "2", "encoding-type": "url", **({"prefix": prefix} if prefix else {})}
        for page, _ in self._pages("ListBucketResult", query, OBJECTS):
            encoded = page.xml.findtext("EncodingType") == "url"  # keys of others may hold what XML can't
            for found in page.each("Contents"):
                yield _listed(found, encoded=encoded)

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
        named = {"response-content-disposition": f"attachment; filename*=UTF-8''{quote(filename or '', safe='')}"}
        seconds = max(1, min(int(expires_in), LONGEST_LINK))
        return self._client.link(seconds, safe(key), named if filename else NOTHING)

    def ping(self) -> None:
        """A HEAD of the bucket."""
        try:
            self._client.call("HEAD")
        except ObjectMissing:
            raise StorageUnavailable("The bucket does not exist.") from None
        except StorageError as failure:
            raise StorageUnavailable(failure.detail) from failure

    def tidy(self, *, older_than: float, ours: Callable[[str], bool]) -> int:
        """Abort the multipart uploads of processes that died; ages are told by the store's own clock."""
        aborted = 0
        with suppress(ObjectMissing):  # rclone says so when there are no uploads
            for page, now in self._pages("ListMultipartUploadsResult", {"uploads": ""}, UPLOADS):
                for upload in page.each("Upload"):
                    key, name, begun = upload.text("Key"), upload.text("UploadId"), moment(upload.text("Initiated"))
                    if ours(key) and now - begun > timedelta(seconds=older_than):
                        aborted += abort(self._client, key, name)
        return aborted

    def _get(self, key: str, start: int, end: int | None) -> tuple[Source, int | None]:
        return self._client.get(key, start, end) or (io.BytesIO(), 0)

    def _pages(
        self, kind: str, query: Mapping[str, str], markers: Mapping[str, str]
    ) -> Iterator[tuple[Element, datetime]]:
        """Every page of a listing, and what time it was there."""
        follow: dict[str, str] = {}
        while True:
            page, now = self._page(kind, {**query, **follow}, markers)
            yield page, now
            if page.xml.findtext("IsTruncated") != "true":
                return
            told = {marker: page.xml.findtext(name) or "" for marker, name in markers.items()}
            before, follow = follow, {marker: text for marker, text in told.items() if text}
            if follow in ({}, before):
                raise StorageUnavailable("The store's listing does not go on.")

    def _page(self, kind: str, query: Mapping[str, str], markers: Mapping[str, str]) -> tuple[Element, datetime]:
        def once() -> tuple[Element, datetime]:
            reply = self._client.call("GET", query=query)
            page = reply.document(kind)
            if markers is OBJECTS:  # rclone doesn't say it of uploads; of objects none may be taken for all
                page.text("IsTruncated")
            return page, _clock(reply)

        return self._quick.start().run(once)

    def _headers(self, content_type: str, serving: Serving) -> dict[str, str]:
        """What readers of the bucket's own addresses are told; no ACL unless one is asked for."""
        told = {
            "Content-Type": content_type,
            "Content-Disposition": serving.content_disposition,
            "Cache-Control": serving.cache_control,
            "x-amz-acl": self._acl if serving.public else None,
        }
        return {name: value for name, value in told.items() if value is not None}


def _clock(reply: Reply) -> datetime:
    """The store's; one that can't be read makes nothing old."""
    try:
        return moment(reply.header("Date"))
    except StorageUnavailable:
        return DAWN


def _headed(key: str, reply: Reply) -> ObjectInfo:
    size, etag, modified = (reply.header(name) for name in ("Content-Length", "ETag", "Last-Modified"))
    return ObjectInfo(key, number(size), etag.strip('"'), moment(modified))


def _listed(found: Element, *, encoded: bool) -> ObjectInfo:
    key, size, etag, modified = (found.text(name) for name in ("Key", "Size", "ETag", "LastModified"))
    return ObjectInfo(unquote_plus(key) if encoded else key, number(size), etag.strip('"'), moment(modified))

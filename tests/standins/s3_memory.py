"""A bucket in memory: just enough of S3 to put, get, list and delete. It checks no signature; Swift does."""

import base64
import datetime as dt
import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from xml.sax.saxutils import escape

from tests.standins.s3_words import Refused, Reply, Request, byte_range, error, listing, part_list, xml

PAGE = 1000  # entries of a listing, at most
MARKERS = ("uploads", "uploadId", "list-type")  # parameters that make another operation of the same method


@dataclass(frozen=True, slots=True)
class Stored:
    """An object, or a part of one."""

    body: bytes
    etag: str
    headers: Mapping[str, str]
    modified: dt.datetime


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload that is neither completed nor aborted."""

    key: str
    headers: Mapping[str, str]
    begun: dt.datetime
    parts: dict[int, Stored] = field(default_factory=dict)


class MemoryS3:
    """One bucket. What lies in it is open to tests."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.objects: dict[str, Stored] = {}
        self.uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()
        self._of_objects: dict[str, Callable[[Request], Reply]] = {
            "PUT": self._put,
            "GET": self._get,
            "HEAD": self._get,
            "DELETE": self._delete,
            "POST uploads": self._begin,
            "PUT uploadId": self._part,
            "POST uploadId": self._complete,
            "DELETE uploadId": self._abort,
        }
        self._of_bucket: dict[str, Callable[[Request], Reply]] = {
            "GET list-type": self._list,
            "GET uploads": self._list_uploads,
            "HEAD": lambda _: Reply(),
            "PUT": lambda _: Reply(),
        }

    def answer(self, request: Request) -> Reply:
        """Do it, one request at a time."""
        try:
            with self._lock:
                return self._operation(request)(request)
        except Refused as no:
            return error(no.status, no.code)

    def _operation(self, request: Request) -> Callable[[Request], Reply]:
        if request.bucket != self.bucket:
            raise Refused(404, "NoSuchBucket")
        marker = next((name for name in MARKERS if name in request.query), "")
        known = self._of_objects if request.key else self._of_bucket
        operation = known.get(f"{request.method} {marker}".strip())
        if operation is None:
            raise Refused(501, "NotImplemented")
        return operation

    def _put(self, request: Request) -> Reply:
        stored = self.objects[request.key] = _stored(request)
        return Reply(headers={"ETag": stored.etag})

    def _get(self, request: Request) -> Reply:
        if request.key not in self.objects:
            raise Refused(404, "NoSuchKey")
        stored = self.objects[request.key]
        headers = {**stored.headers, "ETag": stored.etag, "Accept-Ranges": "bytes"}
        headers["Last-Modified"] = format_datetime(stored.modified, usegmt=True)
        if "range" not in request.headers:
            return Reply(200, stored.body, headers)
        start, end = byte_range(request.headers["range"], len(stored.body))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(stored.body)}"
        return Reply(206, stored.body[start:end], headers)

    def _delete(self, request: Request) -> Reply:
        self.objects.pop(request.key, None)
        return Reply(204)

    def _begin(self, request: Request) -> Reply:
        name = secrets.token_hex(16)
        self.uploads[name] = Upload(request.key, request.kept_headers, _now())
        return xml("InitiateMultipartUploadResult", f"{self._place(request)}<UploadId>{name}</UploadId>")

    def _part(self, request: Request) -> Reply:
        stored = self._upload(request).parts[int(request.query["partNumber"])] = _stored(request)
        return Reply(headers={"ETag": stored.etag})

    def _complete(self, request: Request) -> Reply:
        """The parts that are named, in their order, become the object."""
        upload, asked = self._upload(request), part_list(request.body)
        parts = [upload.parts[number] for number, _ in asked if number in upload.parts]
        if not asked or [part.etag for part in parts] != [etag for _, etag in asked]:
            raise Refused(400, "InvalidPart")
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'
        self.objects[request.key] = Stored(b"".join(part.body for part in parts), etag, upload.headers, _now())
        del self.uploads[request.query["uploadId"]]
        return xml("CompleteMultipartUploadResult", f"{self._place(request)}<ETag>{escape(etag)}</ETag>")

    def _abort(self, request: Request) -> Reply:
        self._upload(request)
        del self.uploads[request.query["uploadId"]]
        return Reply(204)

    def _upload(self, request: Request) -> Upload:
        upload = self.uploads.get(request.query["uploadId"])
        if upload is None or upload.key != request.key:
            raise Refused(404, "NoSuchUpload")
        return upload

    def _place(self, request: Request) -> str:
        return f"<Bucket>{self.bucket}</Bucket><Key>{escape(request.key)}</Key>"

    def _list(self, request: Request) -> Reply:
        """A page of keys after the last one of the page before, which is what a token is."""
        asked, prefix = request.query, request.query.get("prefix", "")
        after = base64.urlsafe_b64decode(asked.get("continuation-token", "")).decode() or asked.get("start-after", "")
        most = min(PAGE, int(asked.get("max-keys", PAGE)))
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page, more = keys[:most], len(keys) > most
        facts = f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
        if more:
            token = base64.urlsafe_b64encode(page[-1].encode()).decode()
            facts += f"<NextContinuationToken>{token}</NextContinuationToken>"
        return listing("ListBucketResult", request, facts + "".join(self._entry(request, key) for key in page))

    def _entry(self, request: Request, key: str) -> str:
        stored = self.objects[key]
        facts = f"<LastModified>{_time(stored.modified)}</LastModified><ETag>{escape(stored.etag)}</ETag>"
        return f"<Contents><Key>{request.text(key)}</Key>{facts}<Size>{len(stored.body)}</Size></Contents>"

    def _list_uploads(self, request: Request) -> Reply:
        prefix = request.query.get("prefix", "")
        found = sorted((upload.key, name) for name, upload in self.uploads.items() if upload.key.startswith(prefix))
        entries = (
            f"<Upload><Key>{request.text(key)}</Key><UploadId>{name}</UploadId>"
            f"<Initiated>{_time(self.uploads[name].begun)}</Initiated></Upload>"
            for key, name in found
        )
        return listing("ListMultipartUploadsResult", request, "<IsTruncated>false</IsTruncated>" + "".join(entries))


def _stored(request: Request) -> Stored:
    body = request.checked_body()
    return Stored(body, f'"{hashlib.md5(body).hexdigest()}"', request.kept_headers, _now())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _time(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"

"""The sink's operations: one request of S3's protocol in, one answer out."""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape, unescape

from tests.bench.sink.store import Content, Refused, Store

MOST_LISTED = 1000
RANGE = re.compile(rb"bytes=(\d+)-(\d*)")
KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
REASONS = {
    200: "OK",
    204: "No Content",
    206: "Partial Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    416: "Range Not Satisfiable",
    501: "Not Implemented",
}


@dataclass
class Request:
    """What came; names of headers are in lower case."""

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    content: Content = field(default_factory=Content)

    @property
    def body(self) -> bytes:
        """A small body, such as XML."""
        return b"".join(self.content.pieces or ())


@dataclass(frozen=True)
class Reply:
    """What goes back; `length` is told instead of the body's, for a HEAD."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None

    def encoded(self) -> bytes:
        """As bytes of HTTP."""
        length = len(self.body) if self.length is None else self.length
        fields = {"Date": formatdate(usegmt=True), "x-amz-request-id": "sink", "Content-Length": length, **self.headers}
        lines = [
            f"HTTP/1.1 {self.status} {REASONS[self.status]}",
            *(f"{name}: {text}" for name, text in fields.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def refusal(request: Request, refused: Refused) -> Reply:
    """S3's error document; a HEAD has none."""
    body = b"" if request.method == "HEAD" else f"<Error><Code>{refused.code}</Code></Error>".encode()
    return Reply(refused.status, body, {"Content-Type": "application/xml"})


def answer(store: Store, request: Request) -> Reply:
    """Do what is asked, or raise `Refused`. Signatures are not checked, but there must be one."""
    path, _, text = request.target.partition(b"?")
    if path == b"/-/counts":
        return Reply(body=json.dumps({**store.counts, "objects": len(store.entries)}).encode())
    query = dict(parse_qsl(text.decode(), keep_blank_values=True))
    if b"authorization" not in request.headers and "X-Amz-Signature" not in query:
        raise Refused(403, "AccessDenied")
    if b"aws-chunked" in request.headers.get(b"content-encoding", b""):
        raise Refused(501, "NotImplemented")  # the frames would be kept as if they were the object
    bucket, _, key = unquote(path.decode()).removeprefix("/").partition("/")
    if bucket != store.bucket:
        raise Refused(404, "NoSuchBucket")
    if key:
        return _object(store, request, key, query)
    return _bucket(store, request, query)


def _object(store: Store, request: Request, key: str, query: dict[str, str]) -> Reply:
    if "uploads" in query or "uploadId" in query:
        return _upload(store, request, key, query)
    match request.method:
        case "PUT" if b"x-amz-copy-source" not in request.headers:
            return _tagged(store.put(key, request.content, _type(request)))
        case "GET":
            return _read(store, request, key)
        case "HEAD":
            return Reply(headers=_about(store, key), length=store.entry(key).size)
        case "DELETE":
            store.delete(key)
            return Reply(204)
    raise Refused(501, "NotImplemented")


def _upload(store: Store, request: Request, key: str, query: dict[str, str]) -> Reply:
    """What concerns an upload in parts."""
    name = query.get("uploadId", "")
    match request.method:
        case "POST" if "uploads" in query:
            name = store.begin(key, _type(request))
            return _xml("InitiateMultipartUploadResult", f"<UploadId>{name}</UploadId>", key)
        case "PUT" if query.get("partNumber", "").isdigit():
            return _tagged(store.add(key, name, int(query["partNumber"]), request.content))
        case "POST":
            etag = store.complete(key, name, request.body)
            return _xml("CompleteMultipartUploadResult", f"<ETag>{escape(etag)}</ETag>", key)
        case "DELETE":
            store.abort(key, name)
            return Reply(204)
    raise Refused(501, "NotImplemented")


def _type(request: Request) -> str:
    return request.headers.get(b"content-type", b"binary/octet-stream").decode("latin-1")


def _bucket(store: Store, request: Request, query: dict[str, str]) -> Reply:
    match request.method:
        case "HEAD" | "PUT":
            return Reply(headers={"x-amz-bucket-region": "us-east-1"})
        case "GET" if "uploads" in query:
            return _xml("ListMultipartUploadsResult", "<IsTruncated>false</IsTruncated>")
        case "GET" if "location" in query:
            return _xml("LocationConstraint", "us-east-1")
        case "GET" if query.get("list-type") == "2":
            return _listing(store, query)
        case "POST" if "delete" in query:
            keys = [unescape(key) for key in KEY.findall(request.body.decode())]
            return _xml("DeleteResult", "".join(_deleted(store, key) for key in keys))
    raise Refused(501, "NotImplemented")


def _deleted(store: Store, key: str) -> str:
    store.delete(key)
    return f"<Deleted><Key>{escape(key)}</Key></Deleted>"


def _tagged(etag: str) -> Reply:
    return Reply(headers={"ETag": etag})


def _about(store: Store, key: str) -> dict[str, str]:
    entry = store.entry(key)
    modified = formatdate(entry.modified, usegmt=True)
    return {"ETag": entry.etag, "Last-Modified": modified, "Content-Type": entry.content_type, "Accept-Ranges": "bytes"}


def _read(store: Store, request: Request, key: str) -> Reply:
    body, headers = store.read(key), _about(store, key)
    wanted = RANGE.fullmatch(request.headers.get(b"range", b""))
    if not wanted:
        return Reply(body=body, headers=headers)
    start, end = int(wanted[1]), min(len(body), int(wanted[2] or len(body)) + 1)
    if start >= end:
        raise Refused(416, "InvalidRange")
    return Reply(206, body[start:end], {**headers, "Content-Range": f"bytes {start}-{end - 1}/{len(body)}"})


def _listing(store: Store, query: dict[str, str]) -> Reply:
    """In the order of the keys; the token that leads on is the last key."""
    shown: Callable[[str], bool] = lambda key: key.startswith(query.get("prefix", "")) and key > after  # noqa: E731
    after, most = (
        query.get("continuation-token") or query.get("start-after", ""),
        int(query.get("max-keys", MOST_LISTED)),
    )
    keys = sorted(filter(shown, store.entries))
    more = len(keys) > most
    items = "".join(_listed(store, key) for key in keys[:most])
    token = f"<NextContinuationToken>{escape(keys[most - 1])}</NextContinuationToken>" if more else ""
    counted = f"<KeyCount>{min(len(keys), most)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>"
    return _xml("ListBucketResult", f"{counted}{token}{items}")


def _listed(store: Store, key: str) -> str:
    entry = store.entry(key)
    moment = dt.datetime.fromtimestamp(entry.modified, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {"Key": escape(key), "LastModified": moment, "ETag": escape(entry.etag), "Size": str(entry.size)}
    return f"<Contents>{''.join(f'<{name}>{text}</{name}>' for name, text in fields.items())}</Contents>"


def _xml(name: str, content: str, key: str = "") -> Reply:
    told = f"<Key>{escape(key)}</Key>" if key else ""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{told}{content}</{name}>'
    return Reply(body=body.encode(), headers={"Content-Type": "application/xml"})

"""What goes over the wire: a call as it came in, an answer as it goes out, a refusal in the vendor's form."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, unquote, urlsplit

RESOURCE_TYPES = ("image", "video", "raw")
API = "/v1_1/"
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Refused(Exception):
    """An error answer: `{"error": {"message": …}}`, which the SDK turns into an exception by its status."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


@dataclass
class Answer:
    """What is sent back: bytes, or a part of a file."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
    file: BinaryIO | None = None  # at the place where to begin; whoever sends it closes it
    length: int = 0  # bytes of the file to send

    @classmethod
    def of(cls, value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        """A JSON answer."""
        return cls(status=status, body=json.dumps(value).encode(), headers=dict(headers or {}))

    @classmethod
    def error(cls, status: int, message: str, headers: Mapping[str, str] | None = None) -> "Answer":
        """An error as the vendor words it, in the body and in `X-Cld-Error`."""
        shown = " ".join(message.encode("latin-1", "replace").decode("latin-1").split())
        return cls.of({"error": {"message": message}}, status, {"X-Cld-Error": shown, **(headers or {})})


@dataclass
class Incoming:
    """A file that was received, in a temporary file of ours."""

    path: Path
    name: str
    size: int
    md5: str
    head: bytes  # the first 64 KiB: what it is, how wide and high


@dataclass
class Span:
    """One chunk of a large file: first and last byte, and how many there are in all."""

    first: int
    last: int
    total: int


@dataclass
class Call:
    """One request. Tests read what was sent and what was answered."""

    method: str
    path: str
    action: str  # upload, destroy, download, admin, delivery or unknown
    cloud: str = ""
    resource_type: str = ""
    rest: tuple[str, ...] = ()  # what follows in the path, decoded
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)  # names in lower case
    fields: dict[str, str] = field(default_factory=dict)
    body: bytes = b""  # of what isn't a form: the JSON of a DELETE
    file: Incoming | None = None
    size: int | None = None  # bytes of the file that was sent
    connection: int = 0  # calls of one number shared a connection
    status: int = 0  # 0: nothing was answered
    message: str = ""
    fault: Any = None

    @classmethod
    def read(cls, method: str, target: str, headers: Mapping[str, str]) -> "Call":
        """What the request line and the headers say."""
        split = urlsplit(target)
        call = cls(method, split.path, "unknown", headers={name.lower(): value for name, value in headers.items()})
        for name, value in parse_qsl(split.query, keep_blank_values=True):
            call.query.setdefault(name, []).append(value)
        if split.path.startswith(API):
            call._read_api([unquote(part) for part in split.path[len(API) :].split("/")])
        elif len(parts := split.path.split("/")) > 4:
            call.action, call.cloud, call.resource_type = "delivery", unquote(parts[1]), parts[2]
            call.rest = tuple(unquote(part) for part in parts[3:])
        return call

    def _read_api(self, parts: list[str]) -> None:
        self.cloud, *rest = parts
        actions = {("POST", "upload"), ("POST", "destroy"), ("GET", "download")}
        if len(rest) == 2 and (self.method, rest[1]) in actions:
            self.resource_type, self.action = rest
        elif self.method != "POST":
            self.action, self.rest = "admin", tuple(rest)

    @property
    def span(self) -> Span | None:
        """The chunk that `Content-Range` speaks of; a header that makes no sense is a 400."""
        value = self.headers.get("content-range")
        if value is None:
            return None
        if match := CONTENT_RANGE.fullmatch(value.strip()):
            span = Span(*map(int, match.groups()))
            if span.first <= span.last < span.total:
                return span
        raise Refused(400, f"Invalid Content-Range header: {value}")

    def one(self, name: str, default: str = "") -> str:
        """The only value of a query parameter."""
        return self.query.get(name, [default])[0]

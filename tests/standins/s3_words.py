"""What is said on S3's wire: requests, replies, errors and the XML in them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

KEPT = ("cache-control", "content-disposition", "content-encoding", "content-type")
RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
HEX_DIGEST = re.compile(r"[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks; names of headers are in lower case, a parameter without a value is ""."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def kept_headers(self) -> dict[str, str]:
        """What a later GET gives back."""
        return {name: text for name, text in self.headers.items() if name in KEPT or name.startswith("x-amz-meta-")}

    def checked_body(self) -> bytes:
        """The body, if it is what x-amz-content-sha256 says."""
        said = self.headers.get("x-amz-content-sha256", "")
        if HEX_DIGEST.match(said) and said != hashlib.sha256(self.body).hexdigest():
            raise Refused(400, "XAmzContentSHA256Mismatch")
        return self.body

    def text(self, key: str) -> str:
        """A key as it is written into this request's listing."""
        return quote(key) if self.query.get("encoding-type") == "url" else escape(key)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client gets."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The request can't be granted."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    """An error as S3 writes it."""
    text = f"<Code>{code}</Code><Message>{code}, says the stand-in.</Message><RequestId>stand-in</RequestId>"
    return Reply(status, xml("Error", text).body, {"Content-Type": "application/xml", **(headers or {})})


def xml(name: str, text: str) -> Reply:
    """A document with this root and these elements in it."""
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{text}</{name}>'
    return Reply(200, document.encode(), {"Content-Type": "application/xml"})


def listing(name: str, request: Request, text: str) -> Reply:
    """A document that says how its keys are written."""
    return xml(name, ("<EncodingType>url</EncodingType>" if "encoding-type" in request.query else "") + text)


def part_list(body: bytes) -> list[tuple[int, str]]:
    """Numbers and ETags of the parts that a CompleteMultipartUpload names."""
    try:
        parts = [{each.tag.rpartition("}")[2]: each.text or "" for each in part} for part in ET.fromstring(body)]
        return [(int(part["PartNumber"]), part["ETag"]) for part in parts]
    except (ET.ParseError, KeyError, ValueError) as no:
        raise Refused(400, "MalformedXML") from no


def byte_range(header: str, size: int) -> tuple[int, int]:
    """First byte, and the one after the last, of a Range header."""
    found = RANGE.match(header)
    first, last = found.groups() if found else ("", "")
    start = int(first) if first else max(0, size - int(last or 0))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise Refused(416, "InvalidRange")
    return start, end

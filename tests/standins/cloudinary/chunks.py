"""Files that come in chunks: kept apart, on disk, until the last byte is here."""

import hashlib
import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.standins.cloudinary.forms import HEAD
from tests.standins.cloudinary.wire import Call, Incoming, Refused, Span


@dataclass
class Unfinished:
    """A file of which something is missing."""

    path: Path
    name: str
    total: int
    resource_type: str
    type: str
    public_id: str
    received: int = 0
    size: int = 0  # on disk: less than received when a chunk was lost
    head: bytes = b""
    md5: Any = field(default_factory=hashlib.md5)
    fault: Any = None  # a change of the content that a chunk brought along: it befalls the whole


class Incomplete:
    """Every file of which something is missing, by its X-Unique-Upload-Id. None of them can be seen."""

    def __init__(self, folder: Path) -> None:
        self.uploads: dict[str, Unfinished] = {}
        self._folder = folder
        self._lock = threading.Lock()

    def add(self, call: Call, span: Span, smallest: int) -> tuple[Unfinished, Incoming | None]:
        """Take one chunk; the whole file comes with the last one. What doesn't fit is a 400 and changes nothing."""
        upload_id = call.headers.get("x-unique-upload-id")
        if not upload_id:
            raise Refused(400, "Missing X-Unique-Upload-Id header")
        with self._lock:
            unfinished = self.uploads.get(upload_id) or self._begin(call, span)
            _check(call, span, unfinished, smallest)
            self.uploads[upload_id] = unfinished
            _append(call, unfinished)
            if unfinished.received < unfinished.total:
                return unfinished, None
            del self.uploads[upload_id]
        whole = Incoming(unfinished.path, unfinished.name, unfinished.size, unfinished.md5.hexdigest(), unfinished.head)
        return unfinished, whole

    def _begin(self, call: Call, span: Span) -> Unfinished:
        if span.first:
            raise Refused(400, f"Chunk begins at {span.first}, the first one must begin at 0")
        return Unfinished(
            path=self._folder / f"unfinished-{secrets.token_hex(8)}",
            name=call.file.name if call.file else "",
            total=span.total,
            resource_type=call.resource_type,
            type=call.fields.get("type", "upload"),
            public_id=call.fields.get("public_id", ""),
        )


def _check(call: Call, span: Span, unfinished: Unfinished, smallest: int) -> None:
    length = span.last - span.first + 1
    if call.size != length:
        raise Refused(400, f"Chunk has {call.size} bytes, Content-Range speaks of {length}")
    if span.total != unfinished.total:
        raise Refused(400, f"Total size changed from {unfinished.total} to {span.total}")
    if span.first != unfinished.received:
        raise Refused(400, f"Chunk begins at {span.first}, expected {unfinished.received}")
    if length < smallest and span.last + 1 < span.total:
        raise Refused(400, "All parts except EOF-chunk must be larger than 5mb")
    same = (unfinished.resource_type, unfinished.type, unfinished.public_id)
    if same != (call.resource_type, call.fields.get("type", "upload"), call.fields.get("public_id", "")):
        raise Refused(400, "Chunks of one upload must have the same resource_type, type and public_id")


def _append(call: Call, unfinished: Unfinished) -> None:
    assert call.file is not None
    unfinished.received += call.file.size
    unfinished.fault = unfinished.fault or call.fault
    if call.fault and call.fault.kind == "lose":
        return
    with call.file.path.open("rb") as chunk, unfinished.path.open("ab") as whole:
        shutil.copyfileobj(chunk, whole)
    with call.file.path.open("rb") as chunk:
        while piece := chunk.read(1024 * 1024):
            unfinished.md5.update(piece)
    unfinished.size += call.file.size
    unfinished.head = (unfinished.head + call.file.head)[:HEAD]

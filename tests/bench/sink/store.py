"""What the sink knows: the size of every object, and the bytes of the newest small ones."""

import itertools
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field

LARGEST = 48 << 20  # bytes: larger objects are counted and forgotten while they arrive
KEPT = 64 << 20  # bytes of all objects that are kept; the oldest are forgotten first
PART = re.compile(rb"<PartNumber>\s*(\d+)\s*</PartNumber>")


class Refused(Exception):
    """What S3 would answer with this status and code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Content:
    """A body: its size, and its pieces while it is small enough to be kept."""

    size: int = 0
    pieces: list[bytes] | None = field(default_factory=list)

    def add(self, piece: bytes) -> None:
        """Take some bytes in."""
        self.size += len(piece)
        if self.size > LARGEST:
            self.pieces = None
        elif self.pieces is not None:
            self.pieces.append(piece)


@dataclass
class Entry:
    """An object."""

    size: int
    etag: str
    modified: float
    content_type: str


@dataclass
class Upload:
    """A multipart upload under way. It keeps nothing once it is larger than what is kept of one object."""

    key: str
    content_type: str
    parts: dict[int, Content] = field(default_factory=dict)

    def add(self, number: int, content: Content) -> None:
        """Take a part in; the same number again replaces it."""
        self.parts[number] = content
        if sum(part.size for part in self.parts.values()) > LARGEST:
            for part in self.parts.values():
                part.pieces = None


class Store:
    """One bucket. Of every object it knows key and size, of the newest small ones the bytes."""

    def __init__(self, bucket: str) -> None:
        self.bucket = bucket
        self.entries: dict[str, Entry] = {}
        self.counts = dict.fromkeys(("requests", "puts", "parts", "completions", "bytes", "refusals"), 0)
        self._bytes: OrderedDict[str, bytes] = OrderedDict()
        self._held = 0
        self._uploads: dict[str, Upload] = {}
        self._numbers = itertools.count(1)

    def put(self, key: str, content: Content, content_type: str) -> str:
        """Store an object; its ETag."""
        self.counts["puts"] += 1
        return self._keep(key, content, content_type)

    def begin(self, key: str, content_type: str) -> str:
        """Begin an upload in parts; its id."""
        name = f"upload-{next(self._numbers)}"
        self._uploads[name] = Upload(key, content_type)
        return name

    def add(self, key: str, name: str, number: int, content: Content) -> str:
        """Take a part; its ETag."""
        self._upload(key, name).add(number, content)
        self.counts["parts"] += 1
        self.counts["bytes"] += content.size
        return self._etag(content.size)

    def complete(self, key: str, name: str, document: bytes) -> str:
        """Make the object of the parts that are named, in ascending order; its ETag."""
        upload, numbers = self._upload(key, name), [int(number) for number in PART.findall(document)]
        if not numbers or not set(numbers) <= upload.parts.keys():
            raise Refused(400, "InvalidPart")
        if numbers != sorted(set(numbers)):
            raise Refused(400, "InvalidPartOrder")
        chosen, whole = [upload.parts[number] for number in numbers], Content()
        for part in chosen:
            whole.size += part.size
        dropped = whole.size > LARGEST or any(part.pieces is None for part in chosen)
        whole.pieces = None if dropped else [piece for part in chosen for piece in part.pieces or ()]
        del self._uploads[name]
        self.counts["completions"] += 1
        self.counts["bytes"] -= whole.size  # they were counted as parts
        return self._keep(key, whole, upload.content_type)

    def abort(self, key: str, name: str) -> None:
        """Forget an upload."""
        self._upload(key, name)
        del self._uploads[name]

    def entry(self, key: str) -> Entry:
        """What is known of an object."""
        try:
            return self.entries[key]
        except KeyError:
            raise Refused(404, "NoSuchKey") from None

    def read(self, key: str) -> bytes:
        """The bytes of an object; 410 if there was one whose bytes were not kept."""
        self.entry(key)
        try:
            return self._bytes[key]
        except KeyError:
            raise Refused(410, "NotKept") from None

    def delete(self, key: str) -> None:
        """Delete; twice is fine."""
        self.entries.pop(key, None)
        self._held -= len(self._bytes.pop(key, b""))

    def _upload(self, key: str, name: str) -> Upload:
        upload = self._uploads.get(name)
        if upload is None or upload.key != key:
            raise Refused(404, "NoSuchUpload")
        return upload

    def _keep(self, key: str, content: Content, content_type: str) -> str:
        self.delete(key)
        entry = Entry(content.size, self._etag(content.size), time.time(), content_type)
        self.entries[key] = entry
        self.counts["bytes"] += content.size
        if content.pieces is not None:
            self._bytes[key] = b"".join(content.pieces)
            self._held += content.size
        while self._held > KEPT:
            self._held -= len(self._bytes.popitem(last=False)[1])
        return entry.etag

    def _etag(self, size: int) -> str:
        """No MD5: it would cost more than all the rest, and the clients that are measured compare none."""
        return f'"{next(self._numbers):016x}{size:016x}"'

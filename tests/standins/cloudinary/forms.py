"""Receives a request's body: the fields of a form, and its file into a temporary file."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from io import BufferedIOBase
from pathlib import Path
from urllib.parse import parse_qsl

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from tests.standins.cloudinary.wire import Incoming, Refused

PIECE = 64 * 1024
HEAD = 64 * 1024
LARGEST_TEXT = 1024 * 1024  # bytes of a body that is no upload, and of one field
BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


class BodyCut(Exception):
    """The caller went away in the middle."""


def body_of(source: BufferedIOBase, headers: Mapping[str, str]) -> Iterator[bytes]:
    """A request's body, piece by piece; BodyCut when it ends early."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked(source)
    value = headers.get("content-length", "0")
    if not value.isascii() or not value.isdigit():
        raise Refused(400, "Invalid Content-Length header")
    return _pieces(source, int(value))


def join(body: Iterator[bytes]) -> bytes:
    """All of a body that is no upload; 413 when that is much."""
    whole = bytearray()
    for piece in body:
        whole += piece
        if len(whole) > LARGEST_TEXT:
            raise Refused(413, "Request Entity Too Large")
    return bytes(whole)


class Form:
    """A form as it comes in."""

    def __init__(self, folder: Path) -> None:
        self.fields: dict[str, str] = {}
        self.file: Incoming | None = None
        self._folder = folder
        self._name = ""
        self._text = bytearray()
        self._receiver: Receiver | None = None

    def read_multipart(self, content_type: str, body: Iterator[bytes]) -> None:
        """multipart/form-data, as the SDKs and curl send it."""
        boundary = BOUNDARY.search(content_type)
        if not boundary:
            raise Refused(400, "Missing multipart boundary")
        parser = PushMultipartParser(boundary[1], max_segment_count=128)
        try:
            for piece in body:
                for event in parser.parse(piece):
                    self._take(event)
            for event in parser.parse(b""):
                self._take(event)
        except MultipartError as error:
            raise Refused(400, f"Malformed multipart body: {error}") from None

    def read_other(self, content_type: str, body: bytes) -> None:
        """What `curl -d` sends; anything else is left to whoever wants it."""
        if not content_type.startswith("application/x-www-form-urlencoded"):
            return
        for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True):
            self._add(name, value)

    def discard(self) -> None:
        """Forget what was received."""
        if self._receiver:
            self._receiver.close().path.unlink()
        if self.file:
            self.file.path.unlink(missing_ok=True)

    def _take(self, event: MultipartSegment | bytes | None) -> None:
        match event:
            case MultipartSegment() if event.name == "file" and event.filename is not None:
                if self.file:
                    raise Refused(400, "Only one file may be sent")
                self._receiver = Receiver(self._folder, event.filename)
            case MultipartSegment():
                self._name = event.name
            case None:
                self._end_part()
            case _ if self._receiver:
                self._receiver.write(event)
            case _:
                self._text += event
                if len(self._text) > LARGEST_TEXT:
                    raise Refused(400, f"Parameter {self._name} is too long")

    def _end_part(self) -> None:
        if self._receiver:
            self.file, self._receiver = self._receiver.close(), None
            return
        self._add(self._name, self._text.decode("utf-8", "replace"))
        self._text.clear()

    def _add(self, name: str, value: str) -> None:
        plain = name.removesuffix("[]")
        if plain in self.fields and plain == name:
            raise Refused(400, f"Parameter {name} was sent twice")
        self.fields[plain] = f"{self.fields[plain]},{value}" if plain in self.fields else value


class Receiver:
    """One file on its way to disk."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix="in-", delete=False)  # noqa: SIM115 - closed below
        self._name = name
        self._md5 = hashlib.md5()
        self._head = bytearray()
        self._size = 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        self._file.write(piece)
        self._md5.update(piece)
        self._size += len(piece)
        if len(self._head) < HEAD:
            self._head += piece[: HEAD - len(self._head)]

    def close(self) -> Incoming:
        """The file is whole."""
        self._file.close()
        return Incoming(Path(self._file.name), self._name, self._size, self._md5.hexdigest(), bytes(self._head))


def _pieces(source: BufferedIOBase, length: int) -> Iterator[bytes]:
    while length:
        piece = source.read1(min(PIECE, length))
        if not piece:
            raise BodyCut
        length -= len(piece)
        yield piece


def _chunked(source: BufferedIOBase) -> Iterator[bytes]:
    """What SDKs send that stream a file whose size they don't know."""
    while size := _chunk_size(source):
        yield from _pieces(source, size)
        source.readline(PIECE)
    while source.readline(PIECE).strip():  # trailers
        pass


def _chunk_size(source: BufferedIOBase) -> int:
    line = source.readline(PIECE)
    if not line.endswith(b"\n"):
        raise BodyCut
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise Refused(400, "Invalid chunk size") from None

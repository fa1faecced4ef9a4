"""What is sent: well-formed pictures, big files, and the bytes of the request around both."""

import hashlib
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDARY = "bench-5d1c0e7ab94f42"
NOISE = random.Random(20)
BLOCK = memoryview(NOISE.randbytes(4 << 20))
MARK = 16  # so many bytes at the front make every file a different one


def picture(size: int) -> bytes:
    """A PNG of about this many bytes; the pixels are noise, so every call makes another picture."""
    width = 64
    height = max(1, size // (width * 3 + 1))
    rows = b"".join(b"\0" + NOISE.randbytes(width * 3) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@dataclass(frozen=True)
class Upload:
    """One upload: the file begins with `start`, and `filler` bytes of BLOCK, repeated, follow."""

    start: bytes
    filler: int = 0
    filename: str = "photo.png"
    content_type: str = "image/png"

    @property
    def size(self) -> int:
        """Length of the file."""
        return len(self.start) + self.filler

    @property
    def opening(self) -> bytes:
        """The multipart bytes before the file."""
        disposition = f'form-data; name="file"; filename="{self.filename}"'
        lines = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}", f"Content-Type: {self.content_type}"]
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def closing(self) -> bytes:
        """The multipart bytes after the file."""
        return f"\r\n--{BOUNDARY}--\r\n".encode()

    def length(self, *, wrapped: bool) -> int:
        """Bytes of the request's body."""
        return self.size + (len(self.opening) + len(self.closing) if wrapped else 0)

    def head(self, method: str, path: str, headers: dict[str, str], *, wrapped: bool) -> bytes:
        """The request line and the headers of the HTTP request."""
        fields = {
            "Host": "127.0.0.1",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}" if wrapped else self.content_type,
            "Content-Length": str(self.length(wrapped=wrapped)),
            **headers,
        }
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def pieces(self, *, wrapped: bool) -> Iterator[bytes | memoryview]:
        """The file, or (wrapped) the whole multipart body, without ever holding it in one piece."""
        if wrapped:
            yield self.opening
        yield self.start
        for begin in range(0, self.filler, len(BLOCK)):
            yield BLOCK[: min(len(BLOCK), self.filler - begin)]
        if wrapped:
            yield self.closing

    def sha256(self, *, wrapped: bool) -> str:
        """Digest of the file, or of the whole multipart body."""
        digest = hashlib.sha256()
        for piece in self.pieces(wrapped=wrapped):
            digest.update(piece)
        return digest.hexdigest()


def small(size: int) -> Upload:
    """A picture."""
    return Upload(picture(size))


def big(size: int) -> Upload:
    """A file of exactly this many bytes that no other upload equals."""
    return Upload(NOISE.randbytes(MARK), size - MARK, "big.bin", "application/octet-stream")

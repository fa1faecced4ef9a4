"""Bodies on their way to a cloud: checked before a byte is sent, and cut into parts without being copied."""

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from app.errors import StorageRefused
from app.storage.retrying import Deadline

BLOCK = 1 << 20  # bytes read at once
IN_MEMORY = 1 << 20  # bytes of a stream that can't be rewound, before it goes to a temporary file


@dataclass(frozen=True, slots=True)
class Checked:
    """A stream at its beginning, whose bytes are those that were announced."""

    stream: IO[bytes]
    size: int  # bytes
    md5: str  # hex; what stores call the bytes

    def parts(self, length: int, deadline: Deadline) -> Iterator["Part"]:
        """The body in parts of `length` bytes, at least one."""
        for start in range(0, max(self.size, 1), length):
            yield Part(self.stream, start, min(length, self.size - start), deadline)


@contextlib.contextmanager
def checked(body: BinaryIO, size: int, sha256: str) -> Iterator[Checked]:
    """`body` read once, `StorageRefused` if it isn't what it was said to be; left at its end, never closed."""
    with contextlib.ExitStack() as stack:
        stream: IO[bytes] = body
        if not body.seekable():
            stream = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY))
        found, md5, length = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        while block := body.read(BLOCK):
            found.update(block)
            md5.update(block)
            length += len(block)
            if stream is not body:
                stream.write(block)
        if (length, found.hexdigest()) != (size, sha256):
            raise StorageRefused("The bytes are not those that were announced.")
        yield Checked(stream, size, md5.hexdigest())
        body.seek(0, io.SEEK_END) if body.seekable() else None


class Part(io.RawIOBase):
    """`length` bytes of a stream from `start` on, for one sender at a time, no longer than until the deadline."""

    def __init__(self, stream: IO[bytes], start: int, length: int, deadline: Deadline) -> None:
        super().__init__()
        self._stream, self.start, self.length, self._deadline = stream, start, length, deadline
        self._at = 0

    def __len__(self) -> int:
        return self.length

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def seekable(self) -> bool:
        """A try that failed begins anew."""
        return True

    def tell(self) -> int:
        """Bytes from the part's own beginning."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, all that is left without it."""
        self._deadline.check()
        left = max(0, self.length - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        self._stream.seek(self.start + self._at)
        data = b""
        while len(data) < wanted and (more := self._stream.read(wanted - len(data))):
            data += more
        self._at += len(data)
        return data

    def as_binary(self) -> BinaryIO:
        """As the type that SDKs ask for."""
        return cast("BinaryIO", self)

"""Bodies on their way to a cloud: checked before a byte is sent, and cut into parts without being copied."""

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, NamedTuple, cast

from app.errors import StorageRefused
from app.storage.retrying import Deadline

BLOCK = 1 << 20  # bytes read at once
IN_MEMORY = 1 << 20  # bytes of a stream that can't be rewound, before it goes to a temporary file


class Digest(NamedTuple):
    """What a store can tell some bytes by."""

    md5: bytes
    sha256: str  # in hexadecimal digits


@dataclass(frozen=True, slots=True)
class Checked:
    """A stream whose bytes, from `base` on, are those that were announced."""

    stream: IO[bytes]
    base: int
    size: int  # bytes
    digests: tuple["Digest", ...]  # of each part, of all if it was one

    def parts(self, length: int, deadline: Deadline) -> Iterator["Part"]:
        """The body in parts of `length` bytes, at least one; the last one may have fewer."""
        for start in range(0, max(self.size, 1), length):
            yield Part(self, start, min(length, self.size - start), deadline)


@contextlib.contextmanager
def checked(body: BinaryIO, size: int, sha256: str, *, part: int | None = None) -> Iterator[Checked]:
    """`body` read once, `StorageRefused` if it isn't what it was said to be; left at its end, never closed.

    `part`: of how many bytes each the digests are; all is one part without.
    """
    with contextlib.ExitStack() as stack:
        stream: IO[bytes] = body
        if not body.seekable():
            stream = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY))
        base, found = stream.tell(), _Digests(max(size, 1) if part is None else part, one=part is None)
        while found.size <= size and (block := body.read(min(BLOCK, found.room))):
            found.add(block)
            if stream is not body:
                stream.write(block)
        if (found.size, found.sha256.hexdigest()) != (size, sha256):
            raise StorageRefused("The bytes are not those that were announced.")
        yield Checked(stream, base, size, found.of_parts())
        if body.seekable():
            body.seek(0, io.SEEK_END)


class _Digests:
    """The SHA-256 of all, and the digests of each part: what stores call the bytes."""

    def __init__(self, length: int, *, one: bool) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        self._length, self._one = length, one
        self._parts = [self._begun()]

    @property
    def room(self) -> int:
        """Bytes until the next part begins."""
        return self._length - self.size % self._length

    def add(self, block: bytes) -> None:
        """`block` has at most `room` bytes."""
        if self.size and self.size % self._length == 0:
            self._parts.append(self._begun())
        self.size += len(block)
        self.sha256.update(block)
        for found in self._parts[-1]:
            if found is not self.sha256:
                found.update(block)

    def of_parts(self) -> tuple[Digest, ...]:
        """One for each, when all was added."""
        return tuple(Digest(md5.digest(), sha256.hexdigest()) for md5, sha256 in self._parts)

    def _begun(self) -> tuple["hashlib._Hash", "hashlib._Hash"]:
        return hashlib.md5(usedforsecurity=False), self.sha256 if self._one else hashlib.sha256()


class Part(io.RawIOBase):
    """`length` bytes of a body from `start` on, for one sender at a time, no longer than until the deadline."""

    def __init__(self, whole: Checked, start: int, length: int, deadline: Deadline) -> None:
        super().__init__()
        self._stream, self._base, self._deadline = whole.stream, whole.base + start, deadline
        self.start, self.length = start, length
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
        self._stream.seek(self._base + self._at)
        data = b""
        while len(data) < wanted and (more := self._stream.read(wanted - len(data))):
            data += more
        self._at += len(data)
        return data

    def as_binary(self) -> BinaryIO:
        """As the type that SDKs ask for."""
        return cast("BinaryIO", self)

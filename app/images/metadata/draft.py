"""What a cleaned file will be: the source, and the ranges in it that are replaced."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO, Literal

Remove = Literal["gps", "all"]

LARGEST_BLOCK = 4 * 2**20  # bytes of one block that is looked into
LARGEST_SUM = 2 * LARGEST_BLOCK  # bytes of all of them
LONGEST_WALK = 30_000  # segments, chunks or boxes; a PNG of 100 MB in pieces of 4 KB has fewer
PIECE = 256 * 1024  # bytes


class Damaged(Exception):
    """The file breaks its format's rules, or is larger in some way than anything real: nothing is done to it."""


class Source:
    """A file of a known size, read at any place."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._looked_into = 0
        self.size = file.seek(0, 2)

    def read(self, at: int, length: int) -> bytes:
        """So many bytes, or Damaged: the file ends before them."""
        data = self.upto(at, length)
        if len(data) != length:
            raise Damaged
        return data

    def upto(self, at: int, length: int) -> bytes:
        """So many bytes, or as many as there are."""
        if at < 0 or at >= self.size or length <= 0:
            return b""
        self._file.seek(at)
        return self._file.read(length)

    def block(self, extents: Iterable[range]) -> bytes | None:
        """The bytes of a block that lies in one place or several; None where it is too large to be looked into."""
        places = list(extents)
        length = sum(map(len, places))
        if length > LARGEST_BLOCK:
            return None
        self._looked_into += length
        if self._looked_into > LARGEST_SUM:
            raise Damaged
        return b"".join(self.read(place.start, len(place)) for place in places)


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes from `start` up to `stop` become `data` and so many zeros."""

    start: int
    stop: int
    data: bytes = b""
    zeros: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be removed, what will be left, and how long the file will be."""

    edits: tuple[Edit, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]
    size: int
    source_size: int

    @property
    def changed(self) -> bool:
        """Is there anything to write?"""
        return bool(self.edits)

    def pieces(self, file: BinaryIO) -> Iterator[bytes]:
        """The cleaned file, in order, at most 256 KiB at a time; OSError if the source is shorter than it was."""
        at = 0
        for edit in self.edits:
            yield from _copied(file, at, edit.start)
            for start in range(0, len(edit.data), PIECE):
                yield edit.data[start : start + PIECE]
            for start in range(0, edit.zeros, PIECE):
                yield bytes(min(PIECE, edit.zeros - start))
            at = edit.stop
        yield from _copied(file, at, self.source_size)


class Draft:
    """A plan in the making. What is not replaced is copied."""

    def __init__(self, source: Source, remove: Remove) -> None:
        self.source = source
        self.everything = remove == "all"
        self._edits: list[Edit] = []
        self._removed: set[str] = set()
        self._left: set[str] = set()

    def replace(self, start: int, stop: int, data: bytes = b"", *words: str) -> None:
        """Put other bytes there; the words say what that removes. Neighbours that go become one edit."""
        self._removed.update(words)
        last = self._edits[-1] if self._edits else None
        if last is not None and last.stop == start and not (last.data or last.zeros):
            self._edits[-1] = Edit(last.start, stop, data)
        else:
            self._edits.append(Edit(start, stop, data))

    def blank(self, place: range, *words: str) -> None:
        """Overwrite with zeros, if there is anything else."""
        if any(self.source.upto(at, min(PIECE, place.stop - at)).strip(b"\0") for at in place[::PIECE]):
            self._removed.update(words)
            self._edits.append(Edit(place.start, place.stop, zeros=len(place)))

    def overwrite(self, extents: Iterable[range], data: bytes, *words: str) -> None:
        """Put a block of the same length where one lay, in as many places."""
        at = 0
        for place in extents:
            piece = data[at : at + len(place)]
            at += len(place)
            if piece != self.source.upto(place.start, len(place)):
                self.replace(place.start, place.stop, piece, *words)

    def remove(self, *words: str) -> None:
        """Say what else is removed."""
        self._removed.update(words)

    def leave(self, *words: str) -> None:
        """Say what could not be removed."""
        self._left.update(words)

    @property
    def moves(self) -> bool:
        """Is anything longer or shorter than it was?"""
        return any(len(edit.data) + edit.zeros != edit.stop - edit.start for edit in self._edits)

    def plan(self) -> Plan:
        """The edits in order; Damaged if two of them touch the same bytes."""
        edits = sorted(self._edits, key=lambda edit: (edit.start, edit.stop))
        if any(edit.stop > later.start for edit, later in pairwise(edits)):
            raise Damaged
        longer = sum(len(edit.data) + edit.zeros - (edit.stop - edit.start) for edit in edits)
        size = self.source.size
        return Plan(tuple(edits), _sorted(self._removed), _sorted(self._left), size + longer, size)

    def unfit(self) -> Plan:
        """The plan of a file that cannot be cleaned: it stays as it came."""
        return Plan((), (), ("structure",), self.source.size, self.source.size)


def _sorted(words: set[str]) -> tuple[str, ...]:
    return tuple(sorted(words))


def _copied(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop:
        piece = file.read(min(PIECE, stop - start))
        if not piece:
            raise OSError("the file became shorter while it was read")
        start += len(piece)
        yield piece

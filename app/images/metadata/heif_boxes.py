"""The boxes of AVIF and HEIC (ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.images.metadata.draft import LONGEST_WALK, Damaged, Source

VERSIONED = {b"meta", b"iref"}  # boxes that have a version before their boxes
OPENING, LONG_OPENING, FULL = 8, 16, 4  # bytes of a box before its data; version and flags of a full box


@dataclass(frozen=True, slots=True)
class Box:
    """A name and where the box's data lie, `start` being its first byte."""

    name: bytes
    start: int
    data: range

    @property
    def place(self) -> range:
        """All of it."""
        return range(self.start, self.data.stop)


def boxes(source: Source, within: range) -> Iterator[Box]:
    """One level of boxes; Damaged if they don't fill the place exactly."""
    at = within.start
    for _ in range(LONGEST_WALK):
        if at == within.stop:
            return
        size, name = struct.unpack(">I4s", source.read(at, OPENING))
        opening = OPENING
        if size == 1:  # the real size follows
            size, opening = int.from_bytes(source.read(at + OPENING, 8)), LONG_OPENING
        elif size == 0:  # to the end
            size = within.stop - at
        if size < opening or at + size > within.stop:
            raise Damaged
        yield Box(name, at, range(at + opening, at + size))
        at += size
    raise Damaged


def inside(source: Source, outer: Iterable[Box], *path: bytes) -> list[Box]:
    """The boxes at the end of a path of names."""
    found = list(outer)
    for name in path:
        found = [box for parent in found for box in boxes(source, contents(parent)) if box.name == name]
    return found


def contents(box: Box) -> range:
    """Where the boxes in a box begin and end."""
    return box.data[FULL:] if box.name in VERSIONED else box.data


class Fields:
    """Numbers and texts of a box, one after another."""

    def __init__(self, source: Source, box: Box) -> None:
        data = source.block([box.data])
        if data is None:
            raise Damaged
        self._data, self._at = data, FULL
        self.version = data[0] if data else 0

    def number(self, width: int) -> int:
        """A number of so many bytes."""
        return int.from_bytes(self.raw(width))

    def halves(self) -> tuple[int, int]:
        """Two numbers that share a byte."""
        return divmod(self.number(1), 16)

    def raw(self, width: int) -> bytes:
        """So many bytes."""
        self._at += width
        if self._at > len(self._data):
            raise Damaged
        return self._data[self._at - width : self._at]

    def text(self) -> bytes:
        """Bytes up to a zero, or to the end."""
        text = self._data[self._at :].partition(b"\0")[0]
        self._at += len(text) + 1
        return text

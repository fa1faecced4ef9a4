"""The structure inside Exif: directories of tags that point at values, and at more directories (TIFF 6.0)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

ORIENTATION, SUB, EXIF, GPS = 0x0112, 0x014A, 0x8769, 0x8825  # tags; the last three point at directories
WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}  # bytes by type
FIRST, POINTER, HEADER, ENTRY = 4, 4, 8, 12  # bytes; the first directory's offset stands at byte 4
MOST_DIRECTORIES, MOST_ENTRIES, MOST_TURNS = 64, 20_000, 4  # real files have five, two hundred, one


class NotUnderstood(Exception):
    """The block is no TIFF structure, or one whose parts overlap, loop or lie outside."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag, and where its value lies (clipped to the block)."""

    at: int
    tag: int
    value: range


@dataclass(frozen=True, slots=True)
class Directory:
    """Tags, and the place of the offset that points at them."""

    at: int
    pointer: int
    entries: tuple[Entry, ...]

    @property
    def end(self) -> int:
        """Where the entries end; the offset of the next directory may follow."""
        return self.at + 2 + ENTRY * len(self.entries)


class Tiff:
    """A block of bytes and what it says where. Its directories are read once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4], "")
        self._room = MOST_ENTRIES
        if not self.order:
            raise NotUnderstood

    @cached_property
    def directories(self) -> list[Directory]:
        """The chain of main directories and those that entries point at; children after their parents."""
        found: list[Directory] = []
        pointers, seen = [(FIRST, True)], set[int]()
        for pointer, chained in pointers:
            at = self.number(pointer)
            if at == 0 and chained and found:  # the chain's end
                continue
            if at in seen or len(seen) >= MOST_DIRECTORIES:
                raise NotUnderstood
            seen.add(at)
            found.append(self.directory(at, pointer))
            pointers += [(place, False) for entry in found[-1].entries for place in _pointers(entry)]
            if chained and found[-1].end + POINTER <= len(self.data):
                pointers.append((found[-1].end, True))
        return found

    def directory(self, at: int, pointer: int) -> Directory:
        """The directory that lies there."""
        if at < HEADER or at + 2 > len(self.data):
            raise NotUnderstood
        (count,) = struct.unpack_from(self.order + "H", self.data, at)
        self._room -= count
        if self._room < 0 or at + 2 + ENTRY * count > len(self.data):
            raise NotUnderstood
        return Directory(at, pointer, tuple(self._entry(at + 2 + ENTRY * n) for n in range(count)))

    def number(self, at: int) -> int:
        """Four bytes: an offset or a length."""
        if at + POINTER > len(self.data):
            raise NotUnderstood
        number: int = struct.unpack_from(self.order + "I", self.data, at)[0]
        return number

    def turns(self) -> list[bytes]:
        """The entries that say how the image is turned, read as far as a damaged block goes."""
        at = int.from_bytes(self.data[FIRST:HEADER], self._endian)
        count = int.from_bytes(self.data[at : at + 2], self._endian)
        end = min(at + 2 + ENTRY * count, len(self.data) - ENTRY + 1)
        mark = ORIENTATION.to_bytes(2, self._endian)
        places = [place for place in range(at + 2, end, ENTRY) if self.data.startswith(mark, place)]
        return [self.data[place : place + ENTRY] for place in places[:MOST_TURNS]]

    def upright(self) -> bool:
        """Is the image shown as it is stored?"""
        return all(self._turn(entry) == 1 for entry in self.turns())

    def _turn(self, entry: bytes) -> int:
        _tag, kind, count = struct.unpack_from(self.order + "HHI", entry)
        width = WIDTHS.get(kind, 0)
        return int.from_bytes(entry[HEADER : HEADER + width], self._endian) if count == 1 and width <= POINTER else 1

    @property
    def _endian(self) -> Literal["little", "big"]:
        return "little" if self.order == "<" else "big"

    def _entry(self, at: int) -> Entry:
        tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, at)
        length = WIDTHS.get(kind, 1) * count
        start = at + HEADER if length <= POINTER else self.number(at + HEADER)
        whole = len(self.data)
        return Entry(at, tag, range(min(start, whole), min(start + length, whole)))


def _pointers(entry: Entry) -> Iterator[int]:
    """Where the offsets of an entry's own directories stand."""
    if entry.tag in {SUB, EXIF}:
        if not entry.value or len(entry.value) % POINTER:
            raise NotUnderstood
        yield from entry.value[: MOST_DIRECTORIES * POINTER : POINTER]

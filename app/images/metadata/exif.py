"""Exif: what tells the place goes, in place: the block keeps its length, and what stays keeps where it lies.

Source: Exif 3.0 (CIPA DC-008). Maker notes go too: each maker has a format of its own, and some hold positions.
"""

import re
import struct

from app.images.metadata import iptc, xmp
from app.images.metadata.tiff import ENTRY, GPS, HEADER, ORIENTATION, POINTER, Directory, Entry, NotUnderstood, Tiff

PREFIX = b"Exif\0\0"
XMP, IPTC, PHOTOSHOP, MAKER_NOTE, PRIVATE = 0x02BC, 0x83BB, 0x8649, 0x927C, 0xC634
THUMBNAIL, THUMBNAIL_LENGTH = 0x0201, 0x0202
DROPPED = {MAKER_NOTE: "makernote", PRIVATE: "makernote", PHOTOSHOP: "iptc"}
REWRITTEN = {XMP: ("xmp", xmp.without_places), IPTC: ("iptc", iptc.without_places)}
MOST_REWRITTEN = 8
TELLING = re.compile(rb"Exif\0|ns\.adobe\.com|8BIM")  # in a thumbnail: it has metadata of its own


def without_places(block: bytes) -> tuple[bytes, frozenset[str]]:
    """The block without position, place names and maker note, or with its orientation alone if it is not understood.

    Gives a block of the same length and the words for what was removed.
    """
    try:
        change = _Change(Tiff(block))
        new = change.made()
        understood = _Change(Tiff(new)).made() == new and Tiff(new).turns() == Tiff(block).turns()
    except NotUnderstood:
        understood = False
    if understood:
        return new, frozenset(change.words)
    new = emptied(block)
    return new, frozenset({"exif"} if new != block else ())


def start(data: bytes) -> int:
    """Where the block begins in data that may open with JPEG's signature, as some programs write them elsewhere too."""
    return len(PREFIX) if data.startswith(PREFIX) else 0


def emptied(block: bytes) -> bytes:
    """A block of the same length that says how the image is turned, and nothing else."""
    upright = _block(">", [struct.pack(">HHIHH", ORIENTATION, 3, 1, 1, 0)])
    least = orientation_alone(block) or upright
    return least.ljust(len(block), b"\0") if len(least) <= len(block) else bytes(len(block))


def orientation_alone(block: bytes) -> bytes:
    """The smallest block that turns the image as this one does; empty if it doesn't turn it."""
    try:
        tiff = Tiff(block)
    except NotUnderstood:
        return b""
    return b"" if tiff.upright() else _block(tiff.order, tiff.turns())


def _block(order: str, entries: list[bytes]) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "IH", HEADER, len(entries)) + b"".join(entries) + bytes(POINTER)


class _Change:
    """One change of a block: what goes is found first, then made when all of it is known."""

    def __init__(self, tiff: Tiff) -> None:
        self.tiff = tiff
        self.words: set[str] = set()
        self.zeroed: list[range] = []
        self.rewritten: dict[range, bytes] = {}

    def made(self) -> bytes:
        """The new block; NotUnderstood if what goes and what stays share bytes."""
        kept = [(directory, self._kept(directory)) for directory in self.tiff.directories]
        self._refuse_overlaps(kept)
        new = bytearray(self.tiff.data)
        for place in _merged(self.zeroed):
            new[place.start : place.stop] = bytes(len(place))
        for place, data in self.rewritten.items():
            new[place.start : place.stop] = data
        for directory, entries in reversed(kept):  # children first: their place stands in their parent's entry
            self._shorten(new, directory, entries)
        return bytes(new)

    def _kept(self, directory: Directory) -> list[Entry]:
        thumbnail = self._telling_thumbnail(directory)
        return [e for e in directory.entries if self._stays(e) and not (thumbnail and e.tag in thumbnail)]

    def _stays(self, entry: Entry) -> bool:
        if entry.tag == GPS:
            return self._drop_position(entry)
        if entry.tag in DROPPED:
            return self._drop(entry, DROPPED[entry.tag])
        if entry.tag in REWRITTEN:
            return self._rewrite(entry)
        return True

    def _drop_position(self, entry: Entry) -> bool:
        at = self.tiff.number(entry.at + HEADER)
        if at + 2 <= len(self.tiff.data):  # else it points at nothing
            position = self.tiff.directory(at, entry.at + HEADER)
            self.zeroed += [range(at, position.end), *(e.value for e in position.entries)]
        self.words.add("gps")
        return False

    def _drop(self, entry: Entry, word: str) -> bool:
        if entry.value.start != entry.at + HEADER:  # else it lies in the entry
            self.zeroed.append(entry.value)
        self.words.add(word)
        return False

    def _rewrite(self, entry: Entry) -> bool:
        word, change = REWRITTEN[entry.tag]
        old = self.tiff.data[entry.value.start : entry.value.stop]
        new = change(old)
        if new is None:
            return self._drop(entry, word)
        if new != old:
            self.rewritten[entry.value] = new
            self.words.add(word)
        if len(self.rewritten) > MOST_REWRITTEN:
            raise NotUnderstood
        return True

    def _telling_thumbnail(self, directory: Directory) -> set[int]:
        """The tags of a thumbnail that has metadata of its own; none if it has none."""
        places = {e.tag: self.tiff.number(e.at + HEADER) for e in directory.entries if e.tag in _THUMBNAIL_TAGS}
        start, length = places.get(THUMBNAIL, 0), places.get(THUMBNAIL_LENGTH, 0)
        if TELLING.search(self.tiff.data, start, start + length) is None:
            return set()
        self.zeroed.append(range(start, min(start + length, len(self.tiff.data))))
        self.words.add("thumbnail")
        return _THUMBNAIL_TAGS

    def _refuse_overlaps(self, kept: list[tuple[Directory, list[Entry]]]) -> None:
        staying = [range(HEADER), *(range(directory.at, directory.end) for directory, _ in kept)]
        values = {e.value for d, entries in kept for e in entries if e.value.start < d.at or e.value.stop > d.end}
        staying += [value for value in values if value not in self.rewritten]
        marked = [(place, 0) for place in staying]
        marked += [(place, 1) for place in self.zeroed]
        marked += [(place, 2) for place in self.rewritten]
        ends = [0, 0, 0]
        for place, kind in sorted((m for m in marked if m[0]), key=lambda mark: mark[0].start):
            others = [end for other, end in enumerate(ends) if other != kind or kind == _REWRITTEN]
            if max(others) > place.start:
                raise NotUnderstood
            ends[kind] = max(ends[kind], place.stop)

    def _shorten(self, new: bytearray, directory: Directory, entries: list[Entry]) -> None:
        """Fewer entries, and the same end: the directory begins later, for nobody knows what follows it."""
        gone = ENTRY * (len(directory.entries) - len(entries))
        if gone:
            rest = b"".join(new[entry.at : entry.at + ENTRY] for entry in entries)
            count = struct.pack(self.tiff.order + "H", len(entries))
            new[directory.at : directory.end] = bytes(gone) + count + rest
            struct.pack_into(self.tiff.order + "I", new, directory.pointer, directory.at + gone)


_THUMBNAIL_TAGS = {THUMBNAIL, THUMBNAIL_LENGTH}
_REWRITTEN = 2


def _merged(places: list[range]) -> list[range]:
    """The same bytes in as few ranges as will do: thousands of tags may point at the same megabytes."""
    merged: list[range] = []
    for place in sorted(filter(None, places), key=lambda place: place.start):
        if merged and place.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, place.stop))
        else:
            merged.append(place)
    return merged

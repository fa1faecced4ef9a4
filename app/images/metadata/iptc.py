"""IPTC records, and the Photoshop resources that they come in: place names go, the block keeps its length.

Sources: IPTC-IIM 4.2; Adobe Photoshop file formats (image resources).
"""

import hashlib
import re
from collections.abc import Iterator

from app.images.metadata import xmp

MARK, OPENING, EXTENDED = 0x1C, 5, 0x8000  # a dataset: mark, record, number, length (two bytes)
LONGEST_LENGTH = 4  # bytes in which an extended length is told
PLACES = {(2, 26), (2, 27), (2, 90), (2, 92), (2, 95), (2, 100), (2, 101)}  # content location, city … country
RESOURCE = re.compile(rb"(?:8BIM|PHUT|DCSR|AgHg|MeSa)(..)(.)", re.DOTALL)
IPTC, DIGEST, EXIF, MORE_EXIF, XMP = b"\x04\x04", b"\x04\x25", b"\x04\x22", b"\x04\x23", b"\x04\x24"


def without_places(records: bytes) -> bytes | None:
    """The records without place names, zeros at their end; None if they are not understood."""
    kept, at = [], 0
    while at < len(records):
        if records[at] == 0 and not records[at:].strip(b"\0"):
            break
        stop = _dataset_end(records, at)
        if stop is None:
            return None
        if (records[at + 1], records[at + 2]) not in PLACES:
            kept.append(records[at:stop])
        at = stop
    return b"".join(kept).ljust(len(records), b"\0")


def _dataset_end(records: bytes, at: int) -> int | None:
    opening = records[at : at + OPENING]
    if len(opening) < OPENING or opening[0] != MARK:
        return None
    length, start = int.from_bytes(opening[3:]), at + OPENING
    if length & EXTENDED:
        width = length & ~EXTENDED
        if width > LONGEST_LENGTH:
            return None
        length, start = int.from_bytes(records[start : start + width]), start + width
    return start + length if start + length <= len(records) else None


def resources_without_places(block: bytes) -> bytes | None:
    """Photoshop's resources, those of IPTC and XMP without place names; None if they are not understood.

    Exif among them is blanked: it is a copy.
    """
    found = list(_resources(block))
    if None in found:
        return None
    new = bytearray(block)
    for name, place in filter(None, found):
        change = {IPTC: without_places, XMP: xmp.without_places, EXIF: _zeros, MORE_EXIF: _zeros}.get(name, _same)
        changed = change(block[place.start : place.stop])
        new[place.start : place.stop] = bytes(len(place)) if changed is None else changed
    if new != block:
        _sign(new, [item for item in found if item])
    return bytes(new)


def _resources(block: bytes) -> Iterator[tuple[bytes, range] | None]:
    """Each resource's number and where its data lie; None once, last, if the block cannot be followed."""
    at = 0
    while at < len(block):
        if block[at] == 0 and not block[at:].strip(b"\0"):
            return
        found = RESOURCE.match(block, at)
        if found is None:
            yield None
            return
        start = at + 6 + _even(1 + found[2][0]) + 4  # mark and number, a name with its length, the size
        size = int.from_bytes(block[start - 4 : start])
        if start + size > len(block):
            yield None
            return
        yield found[1], range(start, start + size)
        at = start + _even(size)


def _sign(new: bytearray, found: list[tuple[bytes, range]]) -> None:
    """Photoshop compares the records with their MD5: another one would make them count for more than XMP."""
    digests = [hashlib.md5(new[p.start : p.stop], usedforsecurity=False).digest() for n, p in found if n == IPTC]
    for name, place in found:
        if name == DIGEST and digests:
            new[place.start : place.stop] = digests[0][: len(place)].ljust(len(place), b"\0")


def _even(length: int) -> int:
    return length + length % 2


def _same(data: bytes) -> bytes:
    return data


def _zeros(data: bytes) -> bytes:
    return bytes(len(data))

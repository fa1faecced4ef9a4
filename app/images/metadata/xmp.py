"""XMP: properties that tell a place become spaces, so that the packet keeps its length. Source: ISO 16684-1."""

import re
from xml.parsers import expat

LARGEST = 2 * 2**20  # bytes of a packet that is parsed
EMPTY = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
OPENINGS = ("gps", "location")  # whatever follows
PLACES = frozenset(
    (
        *("city", "state", "country", "countrycode", "countryname", "provincestate", "worldregion"),
        *("sublocation", "shotlocation", "coverage", "lat", "long", "latitude", "longitude"),
        *("altitude", "absolutealtitude", "relativealtitude"),
    )
)
# What is worth parsing: a name that begins with one of these. The name decides, whatever its namespace is called.
LOOK = re.compile(rb"[:<\s](?:" + "|".join(sorted(PLACES.union(OPENINGS))).encode() + rb")", re.IGNORECASE)
ATTRIBUTE = re.compile(rb"""\s([^\s=<>"'/]+)\s*=\s*("[^"]*"|'[^']*')""")
TAG = re.compile(rb"""<(?:[^"'>]++|"[^"]*+"|'[^']*+')*+>""")


class _Refused(Exception):
    """There is something that no XMP packet needs."""


def emptied(packet: bytes) -> bytes:
    """A packet of the same length that says nothing."""
    return EMPTY.ljust(len(packet)) if len(EMPTY) <= len(packet) else b" " * len(packet)


def without_places(packet: bytes) -> bytes | None:
    """The packet without place names and positions, as long as it was; None if it is not understood."""
    if b"\0" in packet.rstrip(b"\0"):  # UTF-16 or UTF-32, which only files that hold nothing but XMP may have
        return None
    if LOOK.search(packet) is None:
        return packet
    if len(packet) > LARGEST:
        return None
    try:
        spans = _Places(packet).found()
    except (expat.ExpatError, _Refused):
        return None
    new = bytearray(packet)
    for start, stop in spans:
        new[start:stop] = b" " * (stop - start)
    return bytes(new)


def tells(name: str) -> bool:
    """Does a property of this name tell a place?"""
    local = name.rpartition(":")[2].lower()
    return local.startswith(OPENINGS) or local in PLACES


class _Places:
    """Finds the elements and attributes whose names tell a place, by their offsets."""

    def __init__(self, packet: bytes) -> None:
        self.packet = packet
        self.spans: list[tuple[int, int]] = []
        self.depth = 0  # inside an element that goes
        self.begin = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse

    def found(self) -> list[tuple[int, int]]:
        """Where they begin and end."""
        try:
            self.parser.Parse(self.packet.rstrip(b"\0"), True)
        finally:
            del self.parser  # it knows this object, and packets are large: they go at once
        return self.spans

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        at = self.parser.CurrentByteIndex
        if self.depth:
            self.depth += 1
        elif tells(name):
            self.begin, self.depth = at, 1
        elif any(map(tells, attributes)):
            for found in ATTRIBUTE.finditer(self.packet, at, self._tag_end(at)):
                if tells(found[1].decode()):
                    self.spans.append(found.span())

    def _end(self, _name: str) -> None:
        if self.depth:
            self.depth -= 1
            if not self.depth:
                self.spans.append((self.begin, self._tag_end(self.parser.CurrentByteIndex)))

    def _tag_end(self, at: int) -> int:
        tag = TAG.match(self.packet, at)
        if tag is None:
            raise _Refused
        return tag.end()

    def _refuse(self, *_: object) -> None:
        raise _Refused

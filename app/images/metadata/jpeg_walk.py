"""The segments of a JPEG, and where its image ends (ITU T.81)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.images.metadata.draft import LONGEST_WALK, PIECE, Damaged, Source

SOI, EOI, SOS, COM, APP0, APP15 = 0xD8, 0xD9, 0xDA, 0xFE, 0xE0, 0xEF
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
# Frames, tables, scans, application data, comments. Decoders refuse others, or differ about their lengths.
WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(SOS, 0xDE), *range(APP0, 0xF0), COM}) - {0xC8}
MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)  # 0xFF is a fill byte before it, a zero after it makes it data
IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)  # restarts are a part of the data
NEAR = 64  # bytes
LENGTH = 2  # bytes, which it counts itself
OPENING = 80  # bytes of a segment that tell what it is


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker with its length and data. `head` are the first bytes of the data."""

    marker: int
    start: int
    stop: int
    head: bytes

    def data(self, skipped: int = 0) -> range:
        """Where the data lie, without so many bytes of a signature."""
        return range(min(self.start + 4 + skipped, self.stop), self.stop)


@dataclass(slots=True)
class Image:
    """One image of a file: its segments of metadata before its first scan, those after it, and its end.

    Gaps: bytes before the first scan that belong to no segment, and don't just fill.
    """

    stop: int
    before: list[Segment] = field(default_factory=list)
    after: list[Segment] = field(default_factory=list)
    gaps: list[range] = field(default_factory=list)


def read_image(source: Source, start: int) -> Image:
    """Walk to the end of the image that begins there, or of the file, if that ends within the image's data.

    Like libjpeg: what stands between a segment and the next marker is passed over.
    """
    if source.read(start, 2) != bytes([0xFF, SOI]):
        raise Damaged
    image, scanned, at = Image(source.size), False, start + 2
    for segment in _segments(source, at):
        gap = range(at, segment.start)
        if not scanned and source.upto(at, min(len(gap), PIECE)).strip(b"\xff"):
            image.gaps.append(gap)
        at = segment.stop
        scanned = scanned or segment.marker == SOS
        if segment.marker == EOI:
            image.stop = segment.stop
            break
        if segment.marker == COM or APP0 <= segment.marker <= APP15:
            (image.after if scanned else image.before).append(segment)
    if not scanned:
        raise Damaged
    return image


def _segments(source: Source, at: int) -> Iterator[Segment]:
    """Every marker with what belongs to it, but the data of scans."""
    pattern = MARKER
    for _ in range(LONGEST_WALK):
        found = _search(source, pattern, at)
        if found is None:
            return
        segment = _segment(source, found)
        yield segment
        at, pattern = segment.stop, IN_SCAN if segment.marker == SOS else MARKER
    raise Damaged


def _segment(source: Source, at: int) -> Segment:
    (marker,) = source.read(at + 1, 1)
    if marker == EOI or marker in STANDALONE:
        return Segment(marker, at, at + 2, b"")
    if marker not in WITH_LENGTH:
        raise Damaged
    length = int.from_bytes(source.read(at + 2, 2))
    if length < LENGTH or at + 2 + length > source.size:
        raise Damaged
    return Segment(marker, at, at + 2 + length, source.upto(at + 4, min(length - LENGTH, OPENING)))


def _search(source: Source, pattern: re.Pattern[bytes], at: int) -> int | None:
    """Where it is next; a small look first, for the next segment mostly follows at once."""
    width = NEAR
    while data := source.upto(at, width):
        found = pattern.search(data)
        if found is not None:
            return at + found.start()
        if at + len(data) >= source.size:
            return None
        at += len(data) - 1  # a marker may lie across the edge
        width = min(2 * width, PIECE)
    return None

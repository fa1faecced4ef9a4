"""The boxes of ISO media files (ISO/IEC 14496-12): AVIF, HEIC, and what else is made of them."""

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from app.images.others import Size

STEPS = 10_000  # boxes that are looked at in a file; real images have dozens
LONGEST_FTYP = 1024  # bytes
FULL = {b"meta", b"ispe"}  # boxes that open with a version and flags
# The first of these rows that shares a brand with the file names it; the order decides for files of several brands.
IMAGES = (
    ("image/avif", {b"avif", b"avis"}),
    ("image/heic", {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
    ("image/heif", {b"mif1", b"msf1", b"mif2"}),
)


def image_type(head: bytes) -> str | None:
    """The type of an image by its brands, of which it may have several; None when it is no image."""
    brands = set(_brands(head))
    return next((content_type for content_type, names in IMAGES if names & brands), None)


def media_type(head: bytes) -> str | None:
    """The type of any file that opens with a file type box; None when none does."""
    brands = _brands(head)
    if not brands:
        return None
    kinds = {b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
    return image_type(head) or kinds.get(brands[0], "video/mp4")


def image_size(stream: BinaryIO) -> Size:
    """The largest `ispe` property in meta/iprp/ipco: thumbnails and tiles are smaller than the image."""
    walk = Walk(stream)
    sizes = [walk.numbers(place, ">II") for place in walk.places([b"meta", b"iprp", b"ipco", b"ispe"])]
    return max((size for size in sizes if size), key=lambda size: size[0] * size[1], default=None)


def samples(stream: BinaryIO) -> int:
    """How many frames the longest track of a sequence has; 0 when there is no track."""
    walk = Walk(stream)
    tables = walk.places([b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz"])
    counts = [found[2] for place in tables if (found := walk.numbers(place, ">III"))]
    return max(counts, default=0)


class Walk:
    """One way through the boxes of a file, of a bounded number of steps."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._end = stream.seek(0, 2)
        self._steps = STEPS

    def places(self, path: Sequence[bytes]) -> list[range]:
        """Where the contents of all boxes with this path of names lie."""
        found = [range(self._end)]
        for name in path:
            found = [inner for outer in found for inner in self._inside(outer, name)]
        return found

    def numbers(self, place: range, form: str) -> tuple[int, ...] | None:
        """The numbers at the beginning of a place; None if it is cut before they end."""
        length = struct.calcsize(form)
        self._stream.seek(place.start)
        data = self._stream.read(length) if place.start + length <= min(place.stop, self._end) else b""
        return struct.unpack(form, data) if len(data) == length else None

    def _inside(self, within: range, name: bytes) -> Iterator[range]:
        at, end = within.start, within.stop
        while self._steps and at + 8 <= end:
            self._steps -= 1
            self._stream.seek(at)
            opening = self._stream.read(16)
            length, size = 8, int.from_bytes(opening[:4], "big")
            if size == 1:  # the real size follows, in eight bytes
                length, size = 16, int.from_bytes(opening[8:16], "big")
            elif size == 0:  # to the end of the file
                size = end - at
            if len(opening) < length or size < length:
                return
            if opening[4:8] == name:
                yield range(at + length + (4 if name in FULL else 0), min(at + size, end))
            at += size


def _brands(head: bytes) -> list[bytes]:
    """The main brand and the compatible ones."""
    size = int.from_bytes(head[:4], "big")
    if head[4:8] != b"ftyp" or not 16 <= size <= min(len(head), LONGEST_FTYP):
        return []
    return [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]

"""What the header of an image says, without decoding a pixel: its type, width and height."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """A type by magic bytes and a size in pixels; None where the header lies beyond the bytes at hand."""

    content_type: str
    width: int | None
    height: int | None


Size = tuple[int, int] | None

LONGEST_WALK = 1000  # segments or boxes; real files have dozens
LARGEST_SIDE = 2**31 - 1  # pixels; PNG's own limit, and what a column of the database takes


def read_header(head: bytes) -> ImageHeader | None:
    """The first bytes of a file (256 KiB are plenty) -> what image it is, None when it is none that we know.

    Sources: PNG (W3C, third edition), JPEG (ITU T.81), GIF89a, WebP container specification, ISO/IEC 14496-12 and AVIF.
    """
    for content_type, matches, size in FORMATS:
        if matches(head):
            width, height = size(head) or (0, 0)
            sane = 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE
            return ImageHeader(content_type, *((width, height) if sane else (None, None)))
    return None


def _is_png(head: bytes) -> bool:
    return head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24


def _png(head: bytes) -> Size:
    return struct.unpack(">II", head[16:24])


def _is_gif(head: bytes) -> bool:
    return head[:6] in {b"GIF87a", b"GIF89a"} and len(head) >= 13


def _gif(head: bytes) -> Size:
    return struct.unpack("<HH", head[6:10])


def _is_jpeg(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff") and len(head) > 4 and head[3] not in {0x00, 0xD8}


def _jpeg(head: bytes) -> Size:
    """Walk the segments to the frame header (SOF0-15 without DHT, JPG and DAC)."""
    at = 2
    for _ in range(LONGEST_WALK):
        if at + 9 > len(head) or head[at] != 0xFF:
            return None
        if head[at + 1] == 0xFF:  # fill bytes
            at = len(head) - len(head[at:].lstrip(b"\xff")) - 1
            continue
        marker, length = head[at + 1], struct.unpack(">H", head[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        if marker in {0xD9, 0xDA}:  # the image ended, or its data began, without a frame header
            return None
        at += 2 + length
    return None


def _is_webp(head: bytes) -> bool:
    needed = {b"VP8 ": 30, b"VP8L": 25, b"VP8X": 30}.get(head[12:16])
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP" and needed is not None and len(head) >= needed


def _webp(head: bytes) -> Size:
    match head[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            width, height = struct.unpack("<HH", head[26:30])
            return width & 0x3FFF, height & 0x3FFF


def _is_avif(head: bytes) -> bool:
    """A file type box that names avif or avis among its brands."""
    size = int.from_bytes(head[:4], "big")
    if head[4:8] != b"ftyp" or not 16 <= size <= min(len(head), 1024):
        return False
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, size, 4))]
    return b"avif" in brands or b"avis" in brands


def _avif(head: bytes) -> Size:
    """The largest `ispe` property in meta/iprp/ipco: thumbnails and tiles are smaller than the image."""
    places = [range(len(head))]
    for name in (b"meta", b"iprp", b"ipco", b"ispe"):
        places = [inner for outer in places for inner in _boxes(head, name, outer)]
    sizes = [struct.unpack(">II", head[at.start : at.start + 8]) for at in places if at.start + 8 <= len(head)]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _boxes(head: bytes, name: bytes, within: range) -> Iterator[range]:
    """Where the contents of the boxes of a name lie, one level deep."""
    at, end = within.start, within.stop
    for _ in range(LONGEST_WALK):
        if at + 8 > min(end, len(head)):
            return
        size, opening = int.from_bytes(head[at : at + 4], "big"), 8
        if size == 1:  # the real size follows, in eight bytes
            size, opening = int.from_bytes(head[at + 8 : at + 16], "big"), 16
        elif size == 0:  # to the end of the file
            size = end - at
        if size < opening:
            return
        if head[at + 4 : at + 8] == name:
            full = 4 if name in {b"meta", b"ispe"} else 0  # version and flags
            yield range(at + opening + full, min(at + size, end))
        at += size


FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Size]], ...] = (
    ("image/png", _is_png, _png),
    ("image/jpeg", _is_jpeg, _jpeg),
    ("image/gif", _is_gif, _gif),
    ("image/webp", _is_webp, _webp),
    ("image/avif", _is_avif, _avif),
)

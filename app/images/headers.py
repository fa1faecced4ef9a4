"""What the header of an image says, without decoding a pixel: its type, width and height."""

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from app.images import boxes, others
from app.images.others import Size


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """A type by magic bytes and a size in pixels; None where the header lies beyond the bytes at hand."""

    content_type: str
    width: int | None
    height: int | None


LONGEST_WALK = 1000  # segments; real files have dozens
LARGEST_SIDE = 2**31 - 1  # pixels; PNG's own limit, and what a column of the database takes
BEGINNING = 1024  # bytes that tell the type


def read_header(head: bytes) -> ImageHeader | None:
    """The first bytes of a file (256 KiB are plenty) -> what image it is, None when it is none that we know."""
    return read_image(io.BytesIO(head))


def read_image(stream: BinaryIO) -> ImageHeader | None:
    """The same for a whole file that can be seeked: large segments are jumped over. A file may block.

    Sources: PNG (W3C, third edition), JPEG (ITU T.81), GIF89a, WebP container specification, ISO/IEC 14496-12 and AVIF.
    """
    stream.seek(0)
    head = stream.read(BEGINNING)
    for name, size in FORMATS:
        if content_type := name(head):
            width, height = size(stream) or (0, 0)
            sane = 0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE
            return ImageHeader(content_type, *((width, height) if sane else (None, None)))
    return None


def _is_png(head: bytes) -> str | None:
    whole = head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR" and len(head) >= 24
    return "image/png" if whole else None


def _png(stream: BinaryIO) -> Size:
    stream.seek(16)
    return struct.unpack(">II", stream.read(8))


def _is_gif(head: bytes) -> str | None:
    return "image/gif" if head[:6] in {b"GIF87a", b"GIF89a"} and len(head) >= 13 else None


def _gif(stream: BinaryIO) -> Size:
    stream.seek(6)
    return struct.unpack("<HH", stream.read(4))


def _is_jpeg(head: bytes) -> str | None:
    return "image/jpeg" if head.startswith(b"\xff\xd8\xff") and len(head) > 4 and head[3] not in {0, 0xD8} else None


def _jpeg(stream: BinaryIO) -> Size:
    """Walk the segments to the frame header (SOF0-15 without DHT, JPG and DAC)."""
    at = 2
    for _ in range(LONGEST_WALK):
        stream.seek(at)
        opening = stream.read(9)
        if len(opening) < 9 or opening[0] != 0xFF:
            return None
        if opening[1] == 0xFF:  # fill bytes
            at += 1
            continue
        marker, length = opening[1], struct.unpack(">H", opening[2:4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", opening[5:9])
            return width, height
        if marker in {0xD9, 0xDA}:  # the image ended, or its data began, without a frame header
            return None
        at += 2 + length
    return None


def _is_webp(head: bytes) -> str | None:
    needed = {b"VP8 ": 30, b"VP8L": 25, b"VP8X": 30}.get(head[12:16])
    whole = head[:4] == b"RIFF" and head[8:12] == b"WEBP" and needed is not None and len(head) >= needed
    return "image/webp" if whole else None


def _webp(stream: BinaryIO) -> Size:
    stream.seek(0)
    head = stream.read(30)
    match head[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            width, height = struct.unpack("<HH", head[26:30])
            return width & 0x3FFF, height & 0x3FFF


FORMATS: tuple[tuple[Callable[[bytes], str | None], Callable[[BinaryIO], Size]], ...] = (
    (_is_png, _png),
    (_is_gif, _gif),
    (_is_jpeg, _jpeg),
    (_is_webp, _webp),
    (boxes.image_type, boxes.image_size),
    *others.FORMATS,
)

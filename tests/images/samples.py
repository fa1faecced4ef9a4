"""Images made by hand, byte by byte: their headers are whole, their pixels need not be."""

import base64
import struct

from tests.conftest import make_jpg, make_png

GIF = b"GIF89a" + struct.pack("<HH", 5, 7) + b"\x80\x00\x00\x00\x00\x00\xff\xff\xff;"
LOSSY = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")  # 1 x 1
LOSSLESS = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")  # 1 x 1
SMALLEST = base64.b64decode("UklGRhIAAABXRUJQVlA4TAYAAAAvQWxvAGs=")  # lossless, 26 bytes: browsers are asked with it


def segment(marker: int, data: bytes) -> bytes:
    """One segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def frame(marker: int, width: int, height: int) -> bytes:
    """The frame header of a JPEG."""
    return segment(marker, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00")


def jpeg(*segments: bytes, start: bytes = b"\xff\xd8") -> bytes:
    """A JPEG of these segments, with an end that has image data in it."""
    return start + b"".join(segments) + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\x34\xff\xd9"


def box(name: bytes, *contents: bytes) -> bytes:
    """One box of an ISO media file."""
    data = b"".join(contents)
    return struct.pack(">I", len(data) + 8) + name + data


def ispe(width: int, height: int) -> bytes:
    """The size of one item."""
    return box(b"ispe", struct.pack(">III", 0, width, height))


def avif(*properties: bytes, brand: bytes = b"avif", compatible: bytes = b"mif1miaf", data: bytes = b"") -> bytes:
    """An AVIF with these item properties."""
    kind = box(b"ftyp", brand, bytes(4), compatible)
    handler = box(b"hdlr", bytes(8), b"pict", bytes(13))
    meta = box(b"meta", bytes(4), handler, box(b"iprp", box(b"ipco", *properties)))
    return kind + meta + box(b"mdat", data)


def webp(name: bytes, data: bytes) -> bytes:
    """A WebP of one chunk."""
    chunk = name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def extended(width: int, height: int) -> bytes:
    """A WebP with an extended header: alpha, animation, metadata."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\x10\0\0\0" + size) + b"ALPH" + bytes(20)


def lossy(width: int, height: int) -> bytes:
    """A key frame; the two upper bits of each number are a scale, not a size."""
    return webp(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height | 0x8000) + bytes(20))


def lossless(width: int, height: int) -> bytes:
    """A lossless image."""
    bits = (width - 1) | (height - 1) << 14 | 1 << 28
    return webp(b"VP8L", b"\x2f" + bits.to_bytes(4, "little") + bytes(20))


WHOLE = {
    "png": make_png(640, 3),
    "jpeg": make_jpg(16, 12),
    "progressive": jpeg(segment(0xE1, b"Exif\0\0" + bytes(50)), frame(0xC2, 300, 200)),
    "gif": GIF,
    "lossy": lossy(11, 22),
    "lossless": lossless(33, 44),
    "extended": extended(55, 66),
    "avif": avif(ispe(77, 88)),
}

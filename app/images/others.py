"""Images that are recognised so that they can be named, and that no kind but `file` takes unless a setting says so."""

import struct
from collections.abc import Callable
from typing import BinaryIO

Size = tuple[int, ...] | None  # width, height

JXL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
TIFF = {b"II*\0": "<", b"MM\0*": ">"}
MOST_TAGS = 200
BITMAPS = {40, 52, 56, 64, 108, 124}  # lengths of the headers that name 32-bit sizes


def _is_bmp(head: bytes) -> str | None:
    known = int.from_bytes(head[14:18], "little") in BITMAPS and head[26:28] == b"\x01\0"
    return "image/bmp" if head[:2] == b"BM" and known else None


def _bmp(stream: BinaryIO) -> Size:
    """A height below zero: the rows stand in the other order."""
    stream.seek(18)
    width, height = struct.unpack("<ii", stream.read(8))
    return width, abs(height)


def _is_tiff(head: bytes) -> str | None:
    return "image/tiff" if head[:4] in TIFF and len(head) >= 8 else None


def _tiff(stream: BinaryIO) -> Size:
    """Tags 256 and 257 of the first directory."""
    stream.seek(0)
    head = stream.read(8)
    order = TIFF[head[:4]]
    stream.seek(struct.unpack(f"{order}I", head[4:])[0])
    count = int.from_bytes(stream.read(2), "little" if order == "<" else "big")
    found = {}
    for _ in range(min(count, MOST_TAGS)):
        if len(entry := stream.read(12)) < 12:
            break
        tag, form = struct.unpack(f"{order}HH", entry[:4])
        found[tag] = struct.unpack(f"{order}{'H' if form == 3 else 'I'}", entry[8 : 10 if form == 3 else 12])[0]
    return (found[256], found[257]) if {256, 257} <= set(found) else None


def _is_icon(head: bytes) -> str | None:
    """An empty word, 1 or 2, a count, and the first entry: a size, colours, an empty byte."""
    plausible = (
        head[:2] == b"\0\0" and head[2:4] in {b"\1\0", b"\2\0"} and 0 < int.from_bytes(head[4:6], "little") < 100
    )
    return "image/x-icon" if plausible and len(head) >= 22 and head[9] == 0 else None


def _icon(stream: BinaryIO) -> Size:
    """The largest entry; 0 means 256."""
    stream.seek(4)
    count = int.from_bytes(stream.read(2), "little")
    entries = [stream.read(16) for _ in range(count)]
    return max(((entry[0] or 256, entry[1] or 256) for entry in entries if len(entry) == 16), default=None)


def _is_psd(head: bytes) -> str | None:
    return "image/vnd.adobe.photoshop" if head[:4] == b"8BPS" and head[4:6] in {b"\0\1", b"\0\2"} else None


def _psd(stream: BinaryIO) -> Size:
    stream.seek(14)
    data = stream.read(8)
    return tuple(reversed(struct.unpack(">II", data))) if len(data) == 8 else None


def _is_jxl(head: bytes) -> str | None:
    return "image/jxl" if head.startswith(JXL) else None


def _unknown(_stream: BinaryIO) -> Size:
    """Its size is packed in bits whose meaning changes on the way."""
    return None


FORMATS: tuple[tuple[Callable[[bytes], str | None], Callable[[BinaryIO], Size]], ...] = (
    (_is_bmp, _bmp),
    (_is_tiff, _tiff),
    (_is_icon, _icon),
    (_is_psd, _psd),
    (_is_jxl, _unknown),
)

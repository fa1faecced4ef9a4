"""What a file is, by its first bytes: type of resource, format, width and height."""

import struct
from collections.abc import Callable

Size = tuple[int, int]

MARKS = (  # offset, mark, resource type, format
    (0, b"\x89PNG\r\n\x1a\n", "image", "png"),
    (0, b"\xff\xd8\xff", "image", "jpg"),
    (0, b"GIF87a", "image", "gif"),
    (0, b"GIF89a", "image", "gif"),
    (8, b"WEBP", "image", "webp"),
    (4, b"ftypavif", "image", "avif"),
    (4, b"ftypavis", "image", "avif"),
    (0, b"%PDF-", "image", "pdf"),
    (4, b"ftypqt", "video", "mov"),
    (4, b"ftyp", "video", "mp4"),
    (0, b"\x1aE\xdf\xa3", "video", "webm"),
    (8, b"AVI ", "video", "avi"),
    (8, b"WAVE", "video", "wav"),
    (0, b"OggS", "video", "ogg"),
    (0, b"ID3", "video", "mp3"),
)
RIFF = {b"WEBP", b"AVI ", b"WAVE"}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG segments that say the size


def recognise(head: bytes) -> tuple[str, str]:
    """Resource type and format; what nobody knows is raw, without a format."""
    for offset, mark, resource_type, name in MARKS:
        if head.startswith(mark, offset) and (mark not in RIFF or head.startswith(b"RIFF")):
            return resource_type, name
    text = head[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in head.lower()):
        return "image", "svg"
    return "raw", ""


def measure(name: str, head: bytes) -> Size:
    """Width and height in pixels; (1, 1) when the header doesn't tell."""
    try:
        return READERS.get(name, _unknown)(head)
    except (struct.error, IndexError):
        return 1, 1


def _unknown(_head: bytes) -> Size:
    return 1, 1


def _page(_head: bytes) -> Size:
    return 612, 792  # points of a letter page


def _png(head: bytes) -> Size:
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _gif(head: bytes) -> Size:
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def _jpg(head: bytes) -> Size:
    place = 2
    while place + 9 <= len(head):
        mark, length = head[place + 1], int.from_bytes(head[place + 2 : place + 4], "big")
        if mark in FRAMES:
            height, width = struct.unpack_from(">HH", head, place + 5)
            return width, height
        place += 2 + length
    return 1, 1


def _webp(head: bytes) -> Size:
    kind = head[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", head, 26)
    return width & 0x3FFF, height & 0x3FFF


def _avif(head: bytes) -> Size:
    place = head.index(b"ispe") if b"ispe" in head else len(head)
    width, height = struct.unpack_from(">II", head, place + 8)
    return width, height


READERS: dict[str, Callable[[bytes], Size]] = {
    "png": _png,
    "gif": _gif,
    "jpg": _jpg,
    "webp": _webp,
    "avif": _avif,
    "pdf": _page,
}

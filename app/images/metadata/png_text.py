"""Texts in a PNG: which of them tell the place, and XMP among them without it."""

import zlib
from collections.abc import Callable

from app.images.metadata import xmp

PACKET = b"XML:com.adobe.xmp"
PROFILE = b"raw profile type "  # how older programs wrote blocks of other formats, in hexadecimal
PROFILES = {b"exif": "exif", b"app1": "exif", b"iptc": "iptc", b"8bim": "iptc", b"xmp": "xmp"}
LONGEST_KEYWORD = 79  # bytes
LARGEST = 2 * 2**20  # bytes of a text when it is inflated
METHOD = 1  # byte, which says how a text is compressed; there is one way


def judged(opening: bytes) -> str:
    """The first bytes of a text -> "packet" for XMP, a word for what goes whole, nothing for what stays."""
    keyword = opening.partition(b"\0")[0]
    if keyword == PACKET:
        return "packet"
    if keyword.lower().startswith(PROFILE):
        return PROFILES.get(keyword.lower().removeprefix(PROFILE).strip(), "")
    return "text" if xmp.tells(keyword.decode("latin-1")) else ""


def without_places(name: bytes, data: bytes) -> bytes | None:
    """The data of a text chunk that holds XMP, without places; None if it is not understood."""
    match name:
        case b"tEXt":
            return _changed(data, len(PACKET) + 1, xmp.without_places)
        case b"zTXt":
            return _changed(data, len(PACKET) + 1 + METHOD, _inflated)
        case _:
            return _international(data)


def _international(data: bytes) -> bytes | None:
    """Two bytes say whether it is compressed; a language and a translated keyword come before the text."""
    start = len(PACKET) + 1 + 2 * METHOD
    for _ in range(2):
        start = data.find(b"\0", start) + 1
        if not start:
            return None
    return _changed(data, start, _inflated if data[len(PACKET) + 1] else xmp.without_places)


def _changed(data: bytes, start: int, change: Callable[[bytes], bytes | None]) -> bytes | None:
    new = change(data[start:])
    return None if new is None else data[:start] + new


def _inflated(deflated: bytes) -> bytes | None:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(deflated, LARGEST)
    except zlib.error:
        return None
    if not stream.eof:
        return None
    new = xmp.without_places(text)
    if new is None or new == text:
        return None if new is None else deflated
    return zlib.compress(new)

"""The parts that formats are made of, written by hand: whatever no program would write."""

import struct
import zlib
from typing import TypeAlias

Value: TypeAlias = "tuple[int, int, bytes] | dict[int, Value]"  # type, count, bytes; or a directory of its own
GPS, EXIF, ORIENTATION, MAKE = 0x8825, 0x8769, 0x0112, 0x010F


def tiff(entries: dict[int, Value], order: str = "<") -> bytes:
    """A block of Exif without its signature."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", 8) + _directory(entries, order, 8)


def _directory(entries: dict[int, Value], order: str, at: int) -> bytes:
    rows, extra = b"", b""
    free = at + 2 + 12 * len(entries) + 4
    for tag, value in sorted(entries.items()):
        if isinstance(value, dict):
            kind, count, data = 4, 1, struct.pack(order + "I", free + len(extra))
            extra += _directory(value, order, free + len(extra))
        else:
            kind, count, data = value
        if len(data) > 4:
            extra, data = extra + data, struct.pack(order + "I", free + len(extra))
        rows += struct.pack(order + "HHI", tag, kind, count) + data.ljust(4, b"\0")
    return struct.pack(order + "H", len(entries)) + rows + bytes(4) + extra


def short(number: int, order: str = "<") -> Value:
    """A number of two bytes."""
    return 3, 1, struct.pack(order + "H", number)


def text(value: bytes) -> Value:
    """A text."""
    return 2, len(value) + 1, value + b"\0"


def place(order: str = "<") -> dict[int, Value]:
    """A directory that tells a position: 48° 51' 30" N, and a name."""
    return {1: text(b"N"), 2: (5, 3, struct.pack(order + "6I", 48, 1, 51, 1, 30, 1)), 0x1C: text(b"place mark")}


def segment(marker: int, data: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Right after the start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """Right after the header."""
    return png[:33] + b"".join(chunks) + png[33:]


def piece(name: bytes, data: bytes) -> bytes:
    """A chunk of a WebP."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def with_pieces(webp: bytes, *pieces: bytes) -> bytes:
    """At the end."""
    return webp[:4] + struct.pack("<I", len(webp) + sum(map(len, pieces)) - 8) + webp[8:] + b"".join(pieces)


def extension(label: int, *blocks: bytes) -> bytes:
    """An extension of a GIF."""
    return bytes([0x21, label]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def with_extensions(gif: bytes, *extensions: bytes) -> bytes:
    """Before the first one; the colours' table has been passed over."""
    at = 13 + (3 * 2 ** (gif[10] % 8 + 1) if gif[10] & 0x80 else 0)
    return gif[:at] + b"".join(extensions) + gif[at:]


def box(name: bytes, *contents: bytes) -> bytes:
    """A box of an AVIF."""
    data = b"".join(contents)
    return struct.pack(">I", len(data) + 8) + name + data


def packet(properties: str, attributes: str = "") -> bytes:
    """XMP with these properties."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpNote="http://ns.adobe.com/xmp/note/" '
        f"{attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
    ).encode()

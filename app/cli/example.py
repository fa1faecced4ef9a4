"""A small logo to try the service with: a disc on a transparent ground."""

import struct
import zlib
from pathlib import Path

SIDE = 128  # pixels
DISC, GROUND = b"\x2f\x6f\xde\xff", b"\x00\x00\x00\x00"  # RGBA


def example_logo(folder: Path) -> Path:
    """Write the logo once; its path."""
    path = (folder / "example-logo.png").absolute()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png())
    return path


def _png() -> bytes:
    rows = b"".join(b"\0" + b"".join(_pixel(x, y) for x in range(SIDE)) for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)  # 8 bits a channel, RGBA
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _pixel(x: int, y: int) -> bytes:
    middle = SIDE // 2
    return DISC if (x - middle) ** 2 + (y - middle) ** 2 < (middle - 4) ** 2 else GROUND


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

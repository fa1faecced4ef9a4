"""Animations made by hand: their blocks are whole, their pixels need not be."""

import struct
import zlib

from tests.images.samples import avif, box, ispe

COLOURS = b"\x80\0\0" + bytes(6)  # flags of a table of two colours, and the table
PICTURE = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\0"
PAUSE = b"\x21\xf9\x04\0\x0a\0\0\0"


def gif(frames: int, *, before: bytes = b"", picture: bytes = PAUSE + PICTURE) -> bytes:
    """So many frames, each with its pause."""
    return b"GIF89a" + struct.pack("<HH", 1, 1) + COLOURS + before + picture * frames + b";"


def chunk(name: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def apng(frames: int, *, before: bytes = b"") -> bytes:
    """A PNG whose control chunk says so many."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    control = chunk(b"acTL", struct.pack(">II", frames, 0)) if frames else b""
    data = chunk(b"IDAT", zlib.compress(bytes(4)))
    return b"\x89PNG\r\n\x1a\n" + header + before + control + data + chunk(b"IEND", b"")


def webp(frames: int, *, animated: bool = True) -> bytes:
    """An extended header and so many frames of 11 bytes."""
    head = b"VP8X" + struct.pack("<I", 10) + bytes([2 if animated else 0]) + bytes(9)
    frame = b"ANMF" + struct.pack("<I", 11) + bytes(12)
    body = b"WEBP" + head + frame * frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def sequence(*tracks: int, late: bool = False) -> bytes:
    """An AVIF sequence whose tracks have so many samples; `late`: behind the data."""
    tables = [box(b"stbl", box(b"stsz", struct.pack(">III", 0, 0, count))) for count in tracks]
    movie = box(b"moov", *[box(b"trak", box(b"mdia", box(b"minf", table))) for table in tables])
    data = box(b"mdat", bytes(300_000))
    still = avif(ispe(8, 6), brand=b"avis")
    return still + (data + movie if late else movie + data)

"""What is in an OLE file (legacy Office), by the names of its streams: [MS-CFB]."""

import struct
from typing import BinaryIO

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST = 64  # sectors of the directory that are read
INSTALLER = b"\x84\x10\x0c\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"  # the class of an .msi
# A name in the directory -> the type; the first that is there decides.
TYPES = {
    "installer": "application/x-msi",
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "Book": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "VisioDocument": "application/vnd.visio",
    "__properties_version1.0": "application/vnd.ms-outlook",
}


def names(stream: BinaryIO) -> set[str]:
    """The names in the directory, as far as its sectors are at hand; `installer` for the class of installers."""
    stream.seek(0)
    header = stream.read(512)
    shift = int.from_bytes(header[30:32], "little") if len(header) == 512 else 0
    if shift not in {9, 12}:
        return set()
    found: set[str] = set()
    sector = int.from_bytes(header[48:52], "little")
    for _ in range(MOST):
        data = _sector(stream, sector, shift)
        for at in range(0, len(data), 128):
            found.update(_entry(data[at : at + 128]))
        if not data or (following := _next(stream, header, sector, shift)) is None:
            break
        sector = following
    return found


def _entry(entry: bytes) -> set[str]:
    length = int.from_bytes(entry[64:66], "little")
    if len(entry) < 128 or not 2 <= length <= 64:
        return set()
    name = entry[: length - 2].decode("utf-16-le", "replace")
    return {name, "installer"} if entry[66] == 5 and entry[80:96] == INSTALLER else {name}


def _sector(stream: BinaryIO, number: int, shift: int) -> bytes:
    stream.seek((number + 1) << shift)
    return stream.read(1 << shift)


def _next(stream: BinaryIO, header: bytes, sector: int, shift: int) -> int | None:
    """The sector that follows, by the file's allocation table; its first 109 sectors are named in the header."""
    table, slot = divmod(sector, 1 << (shift - 2))
    if table >= 109:
        return None
    (place,) = struct.unpack("<I", header[76 + 4 * table : 80 + 4 * table])
    stream.seek(((place + 1) << shift) + 4 * slot)
    number = stream.read(4)
    following = int.from_bytes(number, "little")
    return following if len(number) == 4 and following < 0xFFFFFFFA else None

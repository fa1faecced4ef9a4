"""What is in a ZIP file, by name: nothing is unpacked (APPNOTE 6.3.10)."""

import struct
from typing import BinaryIO

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
LOCAL, END = b"PK\x03\x04", b"PK\x05\x06"
MOST = 10_000  # entries
LARGEST_DIRECTORY = 4 * 1024 * 1024  # bytes
LONGEST_END = 65_557  # bytes: the record with the longest comment


def first_entries(head: bytes) -> tuple[frozenset[str], str]:
    """The names of the entries that begin in the head, and what an entry `mimetype` at the very beginning says."""
    names, at, mimetype = set(), 0, ""
    for _ in range(MOST):
        if at < 0 or at + 30 > len(head) or head[at : at + 4] != LOCAL:
            break
        size, length, extra = struct.unpack("<18xI4xHH", head[at : at + 30])
        name = head[at + 30 : at + 30 + length].decode("utf-8", "replace")
        names.add(name)
        start = at + 30 + length + extra
        if at == 0 and name == "mimetype":
            mimetype = head[start : start + min(size, 100)].decode("ascii", "replace")
        at = head.find(LOCAL, start + (0 if size == 0xFFFFFFFF else size))  # behind a descriptor, if there is one
    return frozenset(names), mimetype


def directory(stream: BinaryIO) -> frozenset[str] | None:
    """The names in the central directory; None if there is none to be read, or it is too large to be a document's."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - LONGEST_END))
    tail = stream.read(LONGEST_END)
    at = tail.rfind(END)
    if at < 0 or at + 22 > len(tail):
        return None
    length, start = struct.unpack("<12xII2x", tail[at : at + 22])
    if length > LARGEST_DIRECTORY or start + length > size:
        return None
    stream.seek(start)
    return _names(stream.read(length))


def _names(records: bytes) -> frozenset[str] | None:
    names: set[str] = set()
    at = 0
    while at + 46 <= len(records):
        if records[at : at + 4] != b"PK\x01\x02" or len(names) > MOST:
            return None
        length, extra, comment = struct.unpack("<28xHHH12x", records[at : at + 46])
        names.add(records[at + 46 : at + 46 + length].decode("utf-8", "replace"))
        at += 46 + length + extra + comment
    return frozenset(names)

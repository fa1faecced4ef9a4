"""AVIF files made of a real picture and of items that lie wherever a test wants them."""

import struct
from dataclasses import dataclass

from tests.images.metadata.parts import box
from tests.images.metadata.samples import picture, saved

SOURCE = saved(picture(), "AVIF")
IMAGE, EXIF, XMP = 1, 2, 3  # numbers of items


@dataclass(frozen=True)
class Item:
    """An item of metadata. Its data lie in `parts` pieces, in the `idat` box or in the file."""

    number: int
    kind: bytes
    data: bytes
    parts: int = 1
    inside: bool = False

    @property
    def pieces(self) -> list[bytes]:
        """The data, cut."""
        step = -(-len(self.data) // self.parts)
        return [self.data[at : at + step] for at in range(0, len(self.data), step)]


def exif_item(block: bytes, *, parts: int = 1, inside: bool = False) -> Item:
    """Exif: where the block begins, JPEG's signature, the block."""
    return Item(EXIF, b"Exif", b"\0\0\0\6Exif\0\0" + block, parts, inside)


def xmp_item(packet: bytes, *, parts: int = 1, inside: bool = False, encoding: bytes = b"") -> Item:
    """XMP."""
    return Item(XMP, b"mime\0application/rdf+xml\0" + encoding, packet, parts, inside)


def avif(*items: Item, version: int = 1, more: bytes = b"", meta: bytes = b"", onto: int | None = None) -> bytes:
    """The picture with these items, more boxes at its end and in `meta`. `onto`: where Exif's offset points instead."""
    pixels = _data(SOURCE, b"mdat")
    idat = b"".join(b"".join(item.pieces) for item in items if item.inside)
    length = len(_built(items, version, 0, idat, meta, onto))
    head = _built(items, version, length + 8, idat, meta, onto)
    outside = b"".join(piece + b"gap" for item in items if not item.inside for piece in item.pieces)
    return head + box(b"mdat", pixels, outside) + more


def _built(items: tuple[Item, ...], version: int, at: int, idat: bytes, more: bytes, onto: int | None) -> bytes:
    """Everything before the pixels, which will lie at a place."""
    listed = [_entry(IMAGE, b"av01"), *(_entry(item.number, item.kind) for item in items)]
    pixels = len(_data(SOURCE, b"mdat"))
    rows, free, inner = [_row(IMAGE, version, 0, [(at, pixels)])], at + pixels, 0
    for item in items:
        places = []
        for piece in item.pieces:
            places.append((inner if item.inside else free, len(piece)))
            inner, free = (inner + len(piece), free) if item.inside else (inner, free + len(piece) + 3)
        if onto is not None and item.number == EXIF:
            places = [(max(0, at + onto), len(item.data))]
        rows.append(_row(item.number, version, int(item.inside), places))
    counts = ">I" if version == 2 else ">H"
    iloc = box(b"iloc", bytes([version, 0, 0, 0, 0x44, 0]), struct.pack(counts, len(rows)), *rows)
    iinf = box(b"iinf", bytes(4), struct.pack(">H", len(listed)), *listed)
    kept = [_whole(SOURCE, name) for name in (b"hdlr", b"pitm", b"iprp")]
    return _whole(SOURCE, b"ftyp") + box(
        b"meta", bytes(4), *kept, iloc, iinf, box(b"idat", idat) if idat else b"", more
    )


def _entry(number: int, kind: bytes) -> bytes:
    name, _, rest = kind.partition(b"\0")
    return box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), name, b"\0", rest, b"\0" if rest else b"")


def _row(number: int, version: int, method: int, places: list[tuple[int, int]]) -> bytes:
    opening = struct.pack(">I" if version == 2 else ">H", number)
    opening += struct.pack(">H", method) if version else b""
    return opening + struct.pack(">HH", 0, len(places)) + b"".join(struct.pack(">II", *place) for place in places)


def _whole(data: bytes, name: bytes) -> bytes:
    at = data.index(name) - 4
    return data[at : at + int.from_bytes(data[at : at + 4])]


def _data(data: bytes, name: bytes) -> bytes:
    return _whole(data, name)[8:]

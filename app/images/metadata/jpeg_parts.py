"""What a segment of a JPEG holds, told by its marker and first bytes."""

from collections.abc import Iterable, Iterator
from typing import Literal

from app.images.metadata import exif
from app.images.metadata.blocks import Block, Name
from app.images.metadata.jpeg_walk import APP0, COM, Segment

APP1, APP2, APP6, APP11, APP12, APP13, APP14 = 0xE1, 0xE2, 0xE6, 0xEB, 0xEC, 0xED, 0xEE
PACKET, PART, RESOURCES = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0", b"Photoshop 3.0\0"
PROFILE, THUMBNAIL = b"ICC_PROFILE\0", b"JFXX\0"
BLOCKS: tuple[tuple[int, bytes, Name], ...] = (
    (APP1, exif.PREFIX, "exif"),
    (APP1, PACKET, "xmp"),
    (APP13, RESOURCES, "iptc"),
)
# No positions in them. MPF lists several images, the one after it describes gain maps.
HARMLESS = (
    *((APP0, b""), (APP12, b""), (APP14, b""), (COM, b"")),
    *((APP2, PROFILE), (APP2, b"MPF\0"), (APP2, b"urn:iso:std:iso:ts:21496:-1\0")),
)
OPAQUE = {APP1, APP6, APP11, APP13}  # metadata of unknown form, tracks, thermal images, provenance: they may tell it
TIFF = (b"II*\0", b"MM\0*")


def begins(segment: Segment, marker: int, signature: bytes) -> bool:
    """Is it that marker with that signature?"""
    return segment.marker == marker and segment.head.startswith(signature)


def block_of(segment: Segment) -> tuple[Name, range] | None:
    """The block, or the part of one, that a segment holds; a part of extended XMP is not meant."""
    for marker, signature, name in BLOCKS:
        if begins(segment, marker, signature):
            return name, segment.data(len(signature))
    return None


def blocks_of(segments: Iterable[Segment], name: Name) -> list[range]:
    """Where the blocks of a name lie."""
    return [block[1] for block in map(block_of, segments) if block and block[0] == name]


def exif_blocks(segments: Iterable[Segment]) -> Iterator[Block]:
    """Exif may go on in the next segment: one that does not open as a block of its own."""
    extents: list[range] = []
    for segment in segments:
        if begins(segment, APP1, exif.PREFIX):
            if extents and segment.head.startswith(TIFF, len(exif.PREFIX)):
                yield Block("exif", tuple(extents))
                extents = []
            extents.append(segment.data(len(exif.PREFIX)))
    if extents:
        yield Block("exif", tuple(extents))


def judged(segment: Segment) -> Literal["known", "opaque", "unknown"]:
    """May it tell the place? What is known is harmless, or dealt with as a block."""
    harmless = any(begins(segment, marker, signature) for marker, signature in HARMLESS)
    if harmless or block_of(segment) or begins(segment, APP1, PART):
        return "known"
    return "opaque" if segment.marker in OPAQUE else "unknown"


def word(segment: Segment) -> str:
    """What is said of a segment that goes."""
    block = block_of(segment)
    if block or begins(segment, APP1, PART):
        return block[0] if block else "xmp"
    if segment.marker == COM:
        return "comment"
    return "thumbnail" if begins(segment, APP0, b"JF") else "other"

"""Where the pictures of a film lie, in an AVIF or HEIC that moves (ISO/IEC 14496-12)."""

import struct

from app.images.metadata.draft import Damaged, Source
from app.images.metadata.heif_boxes import Box, Fields, inside

OFFSETS = {b"stco": ("I", 4), b"co64": ("Q", 8)}  # a number's form and bytes


def samples(source: Source, tracks: list[Box]) -> list[range]:
    """For each track a place that has all of its pictures, and may be larger than they are."""
    return [_place(source, track) for track in tracks]


def _place(source: Source, track: Box) -> range:
    tables = [
        box for name in (*OFFSETS, b"stsz", b"stz2") for box in inside(source, [track], b"mdia", b"minf", b"stbl", name)
    ]
    starts = [start for box in tables if box.name in OFFSETS for start in _offsets(source, box)]
    if not starts:
        return range(0)
    sizes = [_size(source, box) for box in tables if box.name not in OFFSETS]
    return range(min(starts), min(max(starts) + sum(sizes), source.size))


def _offsets(source: Source, box: Box) -> tuple[int, ...]:
    fields, (form, width) = Fields(source, box), OFFSETS[box.name]
    count = fields.number(4)
    return struct.unpack(f">{count}{form}", fields.raw(width * count))


def _size(source: Source, box: Box) -> int:
    """Bytes of all pictures of a track."""
    fields = Fields(source, box)
    if box.name != b"stsz":
        raise Damaged
    each, count = fields.number(4), fields.number(4)
    return each * count if each else sum(struct.unpack(f">{count}I", fields.raw(4 * count)))

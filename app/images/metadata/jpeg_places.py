"""JPEG: without places. Nothing changes its length, for further images are found by their offsets.

Sources: XMP part 3 (extended packets), CIPA DC-007 (several images in a file).
"""

import hashlib
import re
from itertools import accumulate

from app.images.metadata import blocks
from app.images.metadata.blocks import Block
from app.images.metadata.draft import PIECE, Damaged, Draft, Source
from app.images.metadata.jpeg_parts import APP1, PART, begins, blocks_of, exif_blocks, judged
from app.images.metadata.jpeg_walk import Image, Segment, read_image

NAME, OPENING = 32, 40  # bytes: an extended packet's name (its MD5); that, its length, and this part's offset in it
MOST_IMAGES, MOST_NAMES = 64, 8
FILL = 2  # bytes
NOT_ZERO = re.compile(rb"[^\0]")


def clear(draft: Draft, image: Image) -> int:
    """The image and those that follow it: previews, gain maps. Gives the end of the last."""
    _clear_image(draft, image)
    end = image.stop
    for _ in range(MOST_IMAGES):
        try:
            image = read_image(draft.source, _past_zeros(draft.source, end))
        except Damaged:
            break
        _clear_image(draft, image)
        end = image.stop
    return end


def _clear_image(draft: Draft, image: Image) -> None:
    for gap in image.gaps:
        _empty(draft, gap)
    for segments in (image.before, image.after):
        for block in exif_blocks(segments):
            blocks.clear_places(draft, block)
        blocks.clear_places(draft, Block("iptc", tuple(blocks_of(segments, "iptc"))))
        _clear_packets(draft, segments)
        for segment in segments:
            judgement = judged(segment)
            if judgement == "opaque" and segments is image.before:
                draft.blank(segment.data(), "other")
            elif judgement != "known":  # between scans, in a damaged file, it may be a part of the image
                draft.leave("unknown")


def _empty(draft: Draft, gap: range) -> None:
    """Fill bytes first, which may stand before any marker: by two after its start many tell that a file is a JPEG."""
    fill = gap[:FILL]
    draft.overwrite([fill], b"\xff" * len(fill), "other")
    draft.blank(gap[FILL:], "other")


def _clear_packets(draft: Draft, segments: list[Segment]) -> None:
    """XMP. A packet of more than 64 KB goes on in parts that bear its MD5 as a name; the first packet names it too."""
    named: dict[bytes, list[Segment]] = {}
    for segment in segments:
        if begins(segment, APP1, PART):
            named.setdefault(segment.head[len(PART) : len(PART) + NAME], []).append(segment)
    if len(named) > MOST_NAMES:
        raise Damaged
    names = {name: _clear_extended(draft, name, parts) for name, parts in named.items()}
    for place in blocks_of(segments, "xmp"):
        old = draft.source.block([place]) or b""
        new, words = blocks.without_places("xmp", old)
        for name, other in names.items():
            new = new.replace(name, other)
        draft.overwrite([place], new, *words)


def _clear_extended(draft: Draft, name: bytes, parts: list[Segment]) -> bytes:
    """Gives the name that the packet has now."""
    parts = sorted(parts, key=_offset)
    extents = [part.data(len(PART) + OPENING) for part in parts]
    ends = list(accumulate(map(len, extents), initial=0))
    data = draft.source.block(extents) if ends[:-1] == list(map(_offset, parts)) else None
    if data is None or len(name) != NAME:
        blocks.blank(draft, extents, "xmp")
        return name
    new, words = blocks.without_places("xmp", data)
    if new == data:
        return name
    other = hashlib.md5(new, usedforsecurity=False).hexdigest().upper().encode()
    for part, place in zip(parts, extents, strict=True):
        draft.overwrite([part.data(len(PART))[:NAME]], other, *words)
        draft.overwrite([place], new[_offset(part) : _offset(part) + len(place)], *words)
    return other


def _offset(part: Segment) -> int:
    """Where in its packet a part belongs."""
    return int.from_bytes(part.head[len(PART) + OPENING - 4 : len(PART) + OPENING])


def _past_zeros(source: Source, at: int) -> int:
    """Where something follows; the end of the file if nothing does."""
    while data := source.upto(at, PIECE):
        found = NOT_ZERO.search(data)
        if found is not None:
            return at + found.start()
        at += len(data)
    return source.size

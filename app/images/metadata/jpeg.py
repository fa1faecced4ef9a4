"""JPEG: without anything but the image. Sources: ITU T.81, JFIF 1.02, Adobe Technical Note 5116, ICC.1."""

from app.images.metadata import exif, jpeg_places
from app.images.metadata.draft import Draft, Source
from app.images.metadata.jpeg_parts import APP1, APP2, APP14, PART, PROFILE, begins, block_of, exif_blocks, word
from app.images.metadata.jpeg_walk import APP0, Image, Segment, read_image

# What decoders look at: so many bytes. JFIF's end with the size of a thumbnail that follows them.
LOOKED_AT = ((APP0, b"JFIF\0", 14), (APP14, b"Adobe", 12))
THUMBNAIL_SIZE = 2  # bytes


def edit(draft: Draft) -> None:
    """One image, and what follows it in the file."""
    image = read_image(draft.source, 0)
    end = image.stop
    if draft.everything:
        _strip(draft, image)
        _strip_between_scans(draft, image)
    else:
        end = jpeg_places.clear(draft, image)
    if end < draft.source.size:
        draft.replace(end, draft.source.size, b"", "trailer")


def _strip(draft: Draft, image: Image) -> None:
    """Only what decoders look at stays, and the orientation, in the place of the first Exif."""
    turned = _orientation(draft.source, image)
    for gap in image.gaps:
        draft.replace(gap.start, gap.stop, b"", "other")
    for segment in image.before:
        if begins(segment, APP2, PROFILE):
            continue
        new = _looked_at(segment)
        if turned and begins(segment, APP1, exif.PREFIX):
            new, turned = _segment(APP1, exif.PREFIX + turned), b""
        if new != draft.source.upto(segment.start, segment.stop - segment.start):
            draft.replace(segment.start, segment.stop, new, word(segment))


def _strip_between_scans(draft: Draft, image: Image) -> None:
    """Their lengths stay, and what nobody knows: in a damaged file the decoder stops at them, and skips them."""
    for segment in image.after:
        block = block_of(segment)
        if block or begins(segment, APP1, PART):
            draft.blank(block[1] if block else segment.data(len(PART)), word(segment))
        elif not begins(segment, APP2, PROFILE):
            draft.leave(word(segment))


def _orientation(source: Source, image: Image) -> bytes:
    """The orientation as a block of its own, if there is any."""
    first = next(exif_blocks(image.before), None)
    return exif.orientation_alone(source.block(first.extents) or b"") if first else b""


def _looked_at(segment: Segment) -> bytes:
    """What stays of a segment that is neither Exif nor a profile."""
    for marker, signature, length in LOOKED_AT:
        if begins(segment, marker, signature) and len(segment.data()) >= length:
            data = segment.head[:length]
            return _segment(marker, data if marker == APP14 else data[:-THUMBNAIL_SIZE] + bytes(THUMBNAIL_SIZE))
    return b""


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2) + data

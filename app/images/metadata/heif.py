"""AVIF and HEIC: metadata is overwritten where it lies, for everything else is found by its offset.

Sources: ISO/IEC 14496-12, 23008-12 (HEIF), AVIF 1.2.
"""

from app.images.metadata import blocks, exif
from app.images.metadata.blocks import Block
from app.images.metadata.draft import LONGEST_WALK, Damaged, Draft, Source
from app.images.metadata.heif_boxes import FULL, Box, boxes, contents, inside
from app.images.metadata.heif_items import Item, read_items
from app.images.metadata.heif_tracks import samples
from app.images.metadata.ranges import Ranges

IMAGES = frozenset(b"ftyp meta mdat moov moof mfra sidx styp pdin wide".split())
SPACE = frozenset({b"free", b"skip"})
TELLING = frozenset({b"uuid", b"mpvd", b"udta", b"xml ", b"bxml"})  # provenance and XMP, a video, what its camera says
TEXTS = frozenset({b"udes", b"crtt", b"mdft"})  # properties of an item: a description, when it was made and changed
PACKET = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # opens a `uuid` box that holds XMP
DATA = frozenset({b"mdat", b"idat"})
OFFSET = 4  # bytes, which say where an Exif item's block begins


def edit(draft: Draft) -> None:
    """Items first, then boxes; what an image lies in is not touched."""
    source = draft.source
    top, end = _top(source)
    films = [box for box in top if box.name == b"moov"]
    tracks = inside(source, films, b"trak")
    metas = [box for box in top if box.name == b"meta"] + inside(source, [*films, *tracks], b"meta")
    items = [item for meta in metas for item in read_items(source, meta)]
    images = [extent for item in items if item.is_image for extent in item.extents]
    if not metas or any(extent.stop > end for extent in images) or (films and end < source.size):
        raise Damaged
    shown = Ranges([*images, *samples(source, tracks)])
    data = [box.data for box in [*top, *inside(source, metas, b"idat")] if box.name in DATA]
    _edit_items(draft, items, shown, Ranges(data))
    for box in top:
        _edit_top(draft, box, shown)
    for box in _inner(source, [*metas, *films, *tracks]):
        _edit_inner(draft, box, shown)
    if any(item.meaning == "unknown" for item in items):
        draft.leave("unknown")
    if draft.everything:
        _forget_times(draft, films, tracks, shown)
        if inside(source, metas, b"iref", b"thmb"):
            draft.leave("thumbnail")
    if end < source.size:
        draft.replace(end, source.size, b"", "trailer")


def _top(source: Source) -> tuple[list[Box], int]:
    """The boxes of the file, and where those end that can be followed."""
    found: list[Box] = []
    try:
        found.extend(boxes(source, range(source.size)))  # those before the damage are kept
    except Damaged:
        if len(found) >= LONGEST_WALK:
            raise
    names = [box.name for box in found]
    if names[:1] != [b"ftyp"] or names.count(b"meta") > 1 or b"moof" in names:
        raise Damaged
    return found, found[-1].data.stop


def _inner(source: Source, parents: list[Box]) -> list[Box]:
    """What lies in the boxes of metadata and of films, and the properties of items."""
    children = _children(source, parents)
    properties = inside(source, [box for box in children if box.name == b"iprp"], b"ipco")
    return children + _children(source, properties)


def _children(source: Source, parents: list[Box]) -> list[Box]:
    return [box for parent in parents for box in boxes(source, contents(parent))]


def _edit_items(draft: Draft, items: list[Item], shown: Ranges, data: Ranges) -> None:
    for item in dict.fromkeys(item for item in items if not item.is_image):  # a film's items are listed twice
        word = "xmp" if item.meaning == "packed" else item.meaning
        if any(shown.touches(extent) or not data.covers(extent) for extent in item.extents):
            draft.leave(word)
        elif item.meaning == "exif":
            _edit_exif(draft, item)
        elif item.meaning == "xmp":
            change = blocks.empty if draft.everything else blocks.clear_places
            change(draft, Block("xmp", item.extents))
        elif item.meaning == "packed" or draft.everything:
            blocks.blank(draft, item.extents, word)
        else:
            draft.leave("unknown")


def _edit_exif(draft: Draft, item: Item) -> None:
    """Before the block stands where it begins, counted from there, and sometimes JPEG's signature."""
    data = draft.source.block(item.extents)
    if data is None:
        blocks.blank(draft, item.extents, "exif")
        return
    start = OFFSET + int.from_bytes(data[:OFFSET])
    if data[OFFSET:start] not in {b"", exif.PREFIX}:
        start = OFFSET
    block, opening = data[start:], data[:start]
    new, words = (exif.emptied(block), {"exif"}) if draft.everything else exif.without_places(block)
    draft.overwrite(item.extents, opening + new, *words)


def _edit_top(draft: Draft, box: Box, shown: Ranges) -> None:
    if box.name == b"uuid" and not draft.everything and draft.source.upto(box.data.start, len(PACKET)) == PACKET:
        _edit_packet(draft, box, shown)
    elif box.name in TELLING or (draft.everything and box.name not in IMAGES):
        _free(draft, box, shown)
    elif box.name not in IMAGES | SPACE:
        draft.leave("unknown")


def _edit_packet(draft: Draft, box: Box, shown: Ranges) -> None:
    if shown.touches(box.place):
        draft.leave("xmp")
    else:
        blocks.clear_places(draft, Block("xmp", (box.data[len(PACKET) :],)))


def _edit_inner(draft: Draft, box: Box, shown: Ranges) -> None:
    if box.name in TELLING or (draft.everything and box.name in TEXTS | SPACE):
        _free(draft, box, shown)


def _forget_times(draft: Draft, films: list[Box], tracks: list[Box], shown: Ranges) -> None:
    """When a film was made and changed."""
    source = draft.source
    headers = (
        inside(source, films, b"mvhd") + inside(source, tracks, b"tkhd") + inside(source, tracks, b"mdia", b"mdhd")
    )
    for box in headers:
        (version,) = source.read(box.data.start, 1)
        times = box.data[FULL : FULL + (2 * 8 if version else 2 * 4)]
        if not shown.touches(box.place):
            draft.blank(times, "time")


def _free(draft: Draft, box: Box, shown: Ranges) -> None:
    """Make it a box of free space, full of zeros."""
    if shown.touches(box.place):
        draft.leave("other")
        return
    if box.name not in SPACE:
        draft.replace(box.start + 4, box.start + 8, b"free", "other")
    draft.blank(box.data, "other")

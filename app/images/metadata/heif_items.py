"""The items that a `meta` box lists: images and metadata, and where their bytes lie (ISO/IEC 14496-12)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from app.images.metadata.draft import LONGEST_WALK, Damaged, Source
from app.images.metadata.heif_boxes import Box, Fields, boxes, contents

IN_FILE, IN_BOX = 0, 1  # how an item's bytes are found: by offsets in the file, or in the `idat` box
OLD, SHORT = 2, 3  # versions of `infe`: before 2 an item has no type, before 3 a short number
LONG_LISTS = 2  # version of `iloc` in which numbers are long
WIDTHS = {0, 4, 8}  # bytes of an offset or a length
Meaning = Literal["exif", "xmp", "packed", "other", "image", "unknown"]  # packed: XMP that is compressed
PACKETS = {b"application/rdf+xml", b"application/xmp+xml", b"text/xml"}
CODED = b"av01 hvc1 hev1 lhv1 hvt1 avc1 svc1 mvc1 vvc1 vvs1 evc1 evs1 jpeg j2k1 unci mski"
DERIVED = b"grid iovl iden tmap tili"
PICTURES: dict[bytes, Meaning] = dict.fromkeys(CODED.split() + DERIVED.split(), "image")
KINDS: dict[bytes, Meaning] = {b"Exif": "exif", b"uri ": "other", **PICTURES}


@dataclass(frozen=True, slots=True)
class Item:
    """What it is and where it lies."""

    meaning: Meaning
    extents: tuple[range, ...]

    @property
    def is_image(self) -> bool:
        """Is it a picture, or a part of one? What nobody knows may be."""
        return self.meaning in {"image", "unknown"}


def read_items(source: Source, meta: Box) -> list[Item]:
    """All items of a `meta` box; Damaged if one cannot be followed, for it might lie where another one is changed."""
    listed = list(boxes(source, contents(meta)))
    single = {name: [box for box in listed if box.name == name] for name in (b"iinf", b"iloc", b"idat")}
    if any(len(found) > 1 for found in single.values()):
        raise Damaged
    meanings = {number: what for box in single[b"iinf"] for number, what in _meanings(source, box).items()}
    idat = single[b"idat"][0].data if single[b"idat"] else range(0)
    places = {number: where for box in single[b"iloc"] for number, where in _places(source, box, idat).items()}
    if any(extent.stop > source.size for extents in places.values() for extent in extents):
        raise Damaged
    return [Item(meanings.get(number, "unknown"), extents) for number, extents in places.items()]


def _meanings(source: Source, iinf: Box) -> dict[int, Meaning]:
    fields = Fields(source, iinf)
    fields.number(4 if fields.version else 2)  # how many there are; the boxes tell as much
    start = iinf.data.start + (8 if fields.version else 6)
    listed: dict[int, Meaning] = {}
    for box in boxes(source, range(start, iinf.data.stop)):
        number, meaning = _meaning(Fields(source, box))
        if box.name != b"infe" or number in listed:
            raise Damaged
        listed[number] = meaning
    return listed


def _meaning(fields: Fields) -> tuple[int, Meaning]:
    number = fields.number(4 if fields.version >= SHORT else 2)
    fields.number(2)  # protection
    kind = fields.raw(4) if fields.version >= OLD else b"mime"
    fields.text()  # its name
    if kind == b"mime":
        content_type, encoding = fields.text().lower(), fields.text()
        packet: Meaning = "packed" if encoding else "xmp"
        return number, packet if content_type in PACKETS else "other"
    return number, KINDS.get(kind, "unknown")


def _places(source: Source, iloc: Box, idat: range) -> dict[int, tuple[range, ...]]:
    fields = Fields(source, iloc)
    widths = _Widths(*fields.halves(), *fields.halves())
    if not WIDTHS.issuperset((widths.offset, widths.length, widths.base)):
        raise Damaged
    long = fields.version >= LONG_LISTS
    places: dict[int, tuple[range, ...]] = {}
    room = LONGEST_WALK
    for _ in range(fields.number(4 if long else 2)):
        number = fields.number(4 if long else 2)
        where = fields.number(2) if fields.version else IN_FILE
        if fields.number(2) or where not in {IN_FILE, IN_BOX} or number in places:  # in another file, or another item
            raise Damaged
        base, count = fields.number(widths.base), fields.number(2)
        room -= count
        if room < 0:
            raise Damaged
        extents = [_extent(fields, widths, base) for _ in range(count)]
        places[number] = tuple(extents if where == IN_FILE else [_shifted(extent, idat) for extent in extents])
    return places


class _Widths(NamedTuple):
    """Bytes in which offsets, lengths, base offsets and indexes are told."""

    offset: int
    length: int
    base: int
    number: int


def _extent(fields: Fields, widths: _Widths, base: int) -> range:
    if fields.version:
        fields.number(widths.number)
    start, length = base + fields.number(widths.offset), fields.number(widths.length)
    if not length:  # the whole file, whatever it is
        raise Damaged
    return range(start, start + length)


def _shifted(extent: range, idat: range) -> range:
    if extent.stop > len(idat):
        raise Damaged
    return range(idat.start + extent.start, idat.start + extent.stop)

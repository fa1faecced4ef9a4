"""AVIF and HEIC: items are overwritten where they lie, never a byte of a picture."""

import struct

import pytest

from tests.images.metadata.films import SOURCE, Item, avif, exif_item, xmp_item
from tests.images.metadata.parts import GPS, MAKE, ORIENTATION, box, packet, place, short, text, tiff
from tests.images.metadata.shown import cleaned, shown

KIND = "image/avif"
BLOCK = tiff({MAKE: text(b"A camera"), ORIENTATION: short(6), GPS: place()})
CITY = packet("<dc:title>A title</dc:title><photoshop:City>place mark</photoshop:City>")
PLAIN = avif()
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@pytest.mark.parametrize("remove", ["gps", "all"])
@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("parts", [1, 7])
@pytest.mark.parametrize("inside", [False, True])
def test_items_wherever_they_lie(remove: str, version: int, parts: int, *, inside: bool) -> None:
    """In the file or in a box, in one place or several; the file keeps its length."""
    inside = inside and version > 0
    data = avif(exif_item(BLOCK, parts=parts, inside=inside), xmp_item(CITY, parts=parts), version=version)

    stored, said = cleaned(data, KIND, remove)

    assert (len(stored), said.left) == (len(data), ())
    assert said.removed == (("gps", "xmp") if remove == "gps" else ("exif", "xmp"))
    assert shown(stored) == shown(data)
    whole = stored.replace(b"gap", b"") if not inside else stored
    assert b"place mark" not in whole
    assert (b"A camera" in whole) == (remove == "gps")
    assert (b"A title" in whole) == (remove == "gps")


@pytest.mark.parametrize("remove", ["gps", "all"])
@pytest.mark.parametrize("onto", [0, 100, -60, -200])
def test_an_item_that_lies_on_a_picture_is_left(remove: str, onto: int) -> None:
    """Or on the boxes before it: nothing there is changed, and it is said."""
    data = avif(exif_item(BLOCK), onto=onto)

    stored, said = cleaned(data, KIND, remove)

    assert (stored, said.removed, said.left) == (data, (), ("exif",))


@pytest.mark.parametrize(
    ("more", "gps", "everything"),
    [
        (box(b"uuid", bytes(16), b"provenance"), "other", "other"),
        (box(b"uuid", XMP_BOX, CITY), "xmp", "other"),
        (box(b"mpvd", b"a film"), "other", "other"),
        (box(b"free", b"remains"), "", "other"),
        (box(b"sefd", b"a telephone's"), "-unknown", "other"),
        (b"\0\0", "trailer", "trailer"),
        (b"\xff" * 30, "trailer", "trailer"),
    ],
)
def test_other_boxes(more: bytes, gps: str, everything: str) -> None:
    """They become free space; what is no box goes."""
    data = avif(more=more)

    for remove, expected in (("gps", gps), ("all", everything)):
        stored, said = cleaned(data, KIND, remove)
        assert [*said.removed, *(f"-{word}" for word in said.left)] == ([expected] if expected else [])
        assert len(stored) == (len(PLAIN) if expected == "trailer" else len(data))
        assert b"place mark" not in stored
        assert shown(stored) == shown(PLAIN)


def test_a_compressed_packet_goes_whole() -> None:
    """It is not looked into."""
    data = avif(xmp_item(CITY, encoding=b"deflate\0"))

    for remove in ("gps", "all"):
        stored, said = cleaned(data, KIND, remove)
        assert (said.removed, said.left) == (("xmp",), ())
        assert b"place mark" not in stored


@pytest.mark.parametrize("block", [b"no block", b"", BLOCK[:40]])
def test_a_damaged_block_goes_whole(block: bytes) -> None:
    """The item keeps its length."""
    data = avif(exif_item(block))

    stored, said = cleaned(data, KIND, "gps")

    assert len(stored) == len(data)
    assert said.removed == (("exif",) if block else ())
    assert block not in stored or not block


def test_descriptions_go() -> None:
    """Texts and times among the properties."""
    properties = box(b"ipco", box(b"udes", bytes(4), b"fr\0Me\0personal\0\0"), box(b"crtt", bytes(4), b"12345678"))
    data = avif(meta=box(b"iprp", properties))

    stored, said = cleaned(data, KIND, "all")

    assert said.removed == ("other",)
    assert b"personal" not in stored
    assert b"12345678" not in stored
    assert cleaned(data, KIND, "gps")[0] == data


@pytest.mark.parametrize("remove", ["gps", "all"])
def test_an_item_that_nobody_knows_is_told_of(remove: str) -> None:
    """It may be a picture, so that it stays; or anything else."""
    data = avif(exif_item(BLOCK), Item(4, b"note", b"place mark"))

    stored, said = cleaned(data, "image/avif", remove)

    assert said.left == ("unknown",)
    assert b"place mark" in stored


def test_thumbnails_are_told_of() -> None:
    """They are pictures like others: they cannot go without moving the rest."""
    data = avif(meta=box(b"iref", bytes(4), box(b"thmb", struct.pack(">HHH", 1, 1, 1))))

    assert cleaned(data, KIND, "all")[1].left == ("thumbnail",)
    assert cleaned(data, KIND, "gps")[1].left == ()


def changed(old: bytes, new: bytes) -> bytes:
    """A file whose tables say something else."""
    data = avif(exif_item(BLOCK))
    assert old in data
    return data.replace(old, new, 1)


@pytest.mark.parametrize(
    "data",
    [
        SOURCE[: SOURCE.index(b"mdat") - 4],
        changed(b"iloc\1\0\0\0\x44", b"iloc\1\0\0\0\x55"),
        changed(b"iloc\1\0\0\0\x44\0\0\2", b"iloc\1\0\0\0\x44\0\xff\xff"),
        changed(b"iloc\1\0\0\0\x44\0\0\2\0\1\0\0", b"iloc\1\0\0\0\x44\0\0\2\0\1\0\2"),
        changed(b"infe\2\0\0\0\0\2", b"infe\2\0\0\0\0\1"),
        changed(b"ftyp", b"fyyp"),
        changed(b"iinf", b"iloc"),
        box(b"ftyp", b"avifavif") + box(b"moov"),
        box(b"ftyp", b"avifavif") + box(b"meta", bytes(4)) * 2,
    ],
    ids=["no data", "widths", "counts", "in an item", "twice", "no brand", "two tables", "a film alone", "two lists"],
)
def test_a_damaged_file_is_left_alone(data: bytes) -> None:
    """What cannot be followed is said, and nothing is written."""
    stored, said = cleaned(data, KIND, "all")

    assert (stored, said.left) == (data, ("structure",))

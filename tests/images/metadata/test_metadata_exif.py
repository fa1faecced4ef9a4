"""Exif: what goes, what stays where it is, and blocks that are not what they say."""

import struct
import time

import pytest

from app.images.metadata.exif import emptied, orientation_alone, without_places
from app.images.metadata.tiff import Tiff
from tests.images.metadata.parts import EXIF, GPS, MAKE, ORIENTATION, Value, packet, place, short, text, tiff

ORDERS = ["<", ">"]
SECONDS = 20
TURNED = {ORIENTATION: short(6)}
AT = 8  # the first directory


def tags(block: bytes) -> list[int]:
    """Of all directories."""
    return [entry.tag for directory in Tiff(block).directories for entry in directory.entries]


@pytest.mark.parametrize("order", ORDERS)
def test_the_position_goes_and_the_rest_stays(order: str) -> None:
    """Its entry, its directory and its values are gone; every other value lies where it lay."""
    block = tiff({MAKE: text(b"A camera"), ORIENTATION: short(8, order), GPS: place(order)}, order)

    new, words = without_places(block)

    assert words == {"gps"}
    assert len(new) == len(block)
    assert tags(new) == [MAKE, ORIENTATION]
    assert b"place mark" not in new
    assert new.index(b"A camera") == block.index(b"A camera")
    assert without_places(new) == (new, frozenset())


@pytest.mark.parametrize("order", ORDERS)
def test_a_maker_note_goes(order: str) -> None:
    """Nobody can tell whether it holds a position."""
    block = tiff({EXIF: {0x9003: text(b"2026:11:21 10:00:00"), 0x927C: (7, 20, b"somewhere on a beach")}}, order)

    new, words = without_places(block)

    assert words == {"makernote"}
    assert tags(new) == [EXIF, 0x9003]
    assert b"beach" not in new
    assert b"2026:11:21 10:00:00" in new


def test_blocks_in_the_block_lose_their_places() -> None:
    """XMP and IPTC as TIFF files have them; what is no XMP goes whole."""
    xmp, iptc = packet("<photoshop:City>Here</photoshop:City>"), b"\x1c\x02\x5a\0\x04Here" + b"\x1c\x02\x50\0\x02Me\0"
    block = tiff({0x02BC: (1, len(xmp), xmp), 0x83BB: (7, len(iptc), iptc)})
    broken = tiff({0x02BC: (1, len(xmp) - 1, xmp[1:]), MAKE: text(b"A camera")})

    new, words = without_places(block)

    assert words == {"xmp", "iptc"}
    assert b"Here" not in new
    assert b"\x1c\x02\x50\0\x02Me" in new
    assert tags(without_places(broken)[0]) == [MAKE]


@pytest.mark.parametrize("inner", [b"\xff\xd8 pixels", b"\xff\xd8\xff\xe1\0\x20Exif\0\0 a position"])
def test_a_thumbnail_goes_if_it_has_metadata(inner: bytes) -> None:
    """One of pixels alone tells no place."""
    block = tiff({MAKE: text(b"A camera"), 0x0201: (4, 1, bytes(4)), 0x0202: (4, 1, struct.pack("<I", len(inner)))})
    block = block.replace(struct.pack("<HHII", 0x0201, 4, 1, 0), struct.pack("<HHII", 0x0201, 4, 1, len(block))) + inner

    new, words = without_places(block)

    assert (inner in new) == (b"Exif" not in inner)
    assert words == (set() if inner in new else {"thumbnail"})


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_alone(order: str, turn: int) -> None:
    """1 is how every image is shown: then nothing is left of the block."""
    block = tiff({MAKE: text(b"A camera"), ORIENTATION: short(turn, order), GPS: place(order)}, order)

    alone = orientation_alone(block)

    assert (alone == b"") == (turn == 1)
    assert turn == 1 or Tiff(alone).turns() == Tiff(block).turns()
    assert Tiff(emptied(block)).upright() == (turn == 1)
    assert len(emptied(block)) == len(block)


def endless() -> bytes:
    """A directory that is followed by itself."""
    block = bytearray(tiff(TURNED | {GPS: place()}))
    struct.pack_into("<I", block, AT + 2 + 2 * 12, AT)
    return bytes(block)


def overlapping() -> bytes:
    """A position in the bytes of the directory that points at it."""
    block = bytearray(tiff(TURNED | {GPS: place()}))
    struct.pack_into("<I", block, AT + 2 + 12 + 8, AT)
    return bytes(block)


def sharing() -> bytes:
    """A position whose name lies where the camera's name does."""
    block = bytearray(tiff(TURNED | {MAKE: text(b"A camera"), GPS: {0x1C: text(b"place mark")}}))
    struct.pack_into("<I", block, block.index(struct.pack("<HH", 0x1C, 2)) + 8, block.index(b"A camera") + 3)
    return bytes(block)


DAMAGED = {
    "sharing": sharing(),
    "endless": endless(),
    "endless and empty": tiff(TURNED)[:22] + struct.pack("<IHI", 26, 0, 26),
    "overlapping": overlapping(),
    "too many entries": tiff(TURNED)[:8] + b"\xff\xff" + tiff(TURNED)[10:] + bytes(40),
    "cut": tiff(TURNED | {GPS: place()})[:40],
    "nested": tiff(TURNED | {EXIF: (4, 1, b"\xff\xff\xff\xff")}),
    "an odd pointer": tiff(TURNED | {EXIF: (3, 1, b"\x1a\0")}),
}


@pytest.mark.parametrize("block", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_block_keeps_its_orientation_alone(block: bytes) -> None:
    """A reader might still find a position in it, so it goes whole."""
    new, words = without_places(block)

    assert new == emptied(block)
    assert words == {"exif"}
    assert tags(new) == [ORIENTATION]
    assert not Tiff(new).upright()


@pytest.mark.parametrize("block", [b"", b"II*", b"MM*\0\0\0\0\x08", b"Exif", bytes(30), b"II*\0\xff\xff\xff\xff"])
def test_no_block_at_all(block: bytes) -> None:
    """It becomes zeros, or an empty block if there is room."""
    new, _ = without_places(block)

    assert len(new) == len(block)
    assert without_places(new) == (new, frozenset())
    assert orientation_alone(block) == b""


def test_thousands_of_tags_that_point_at_the_same_megabytes() -> None:
    """The time depends on the length of the block alone."""
    many: dict[int, Value] = {tag: (7, 3_000_000, struct.pack("<I", 250_000)) for tag in range(19_000)}
    block = tiff(TURNED | {GPS: many}).ljust(3_900_000, b"x")
    started = time.monotonic()

    _, words = without_places(block)

    assert words == {"gps"}
    assert time.monotonic() - started < SECONDS


def test_thousands_of_tags_that_point_at_the_same_directory() -> None:
    """Directories and their entries are counted."""
    number = 5000
    rows = struct.pack("<HHII", GPS, 4, 1, 100_000) * number
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", number) + rows + bytes(4)
    block = block.ljust(100_000, b"\0") + b"\xff\xff" + bytes(12 * 65_535)
    started = time.monotonic()

    _, words = without_places(block)

    assert words == {"exif"}
    assert time.monotonic() - started < SECONDS

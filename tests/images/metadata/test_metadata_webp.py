"""WebP: the header tells what is left, and how long it is."""

import struct

import pytest

from tests.images.metadata.parts import GPS, MAKE, ORIENTATION, packet, piece, place, short, text, tiff, with_pieces
from tests.images.metadata.samples import moving, picture, saved
from tests.images.metadata.shown import cleaned, shown

KIND = "image/webp"
EXIF = tiff({MAKE: text(b"A camera"), ORIENTATION: short(6), GPS: place()})
UPRIGHT = tiff({MAKE: text(b"A camera"), GPS: place()})
CITY = packet("<photoshop:City>place mark</photoshop:City>")
PLAIN = saved(picture(), "WEBP", lossless=True)
FULL = saved(picture(), "WEBP", lossless=True, exif=EXIF, xmp=CITY, icc_profile=b"profile")
FLAGS, EXIF_FLAG, XMP_FLAG, PROFILE_FLAG = 20, 8, 4, 32


def length(data: bytes) -> int:
    """What the header says, and its own eight bytes."""
    return struct.unpack_from("<I", data, 4)[0] + 8


@pytest.mark.parametrize(("exif", "flags"), [(EXIF, PROFILE_FLAG | EXIF_FLAG), (UPRIGHT, PROFILE_FLAG)])
def test_the_header_tells_what_is_left(exif: bytes, flags: int) -> None:
    """Exif only if it says how the image is turned."""
    data = saved(picture(), "WEBP", lossless=True, exif=exif, xmp=CITY, icc_profile=b"profile")

    stored, said = cleaned(data, KIND, "all")

    assert said.removed == ("exif", "xmp")
    assert (stored[FLAGS], length(stored)) == (flags, len(stored))
    assert shown(stored) == shown(data)


def test_places_go_in_the_same_length() -> None:
    """The header stays as it is."""
    stored, said = cleaned(FULL, KIND, "gps")

    assert said.removed == ("gps", "xmp")
    assert (stored[:30], len(stored)) == (FULL[:30], len(FULL))
    assert b"place mark" not in stored
    assert b"A camera" in stored


@pytest.mark.parametrize(
    ("name", "gps", "everything"),
    [(b"C2PA", "other", "other"), (b"note", "-unknown", "other"), (b"XMP ", "xmp", "xmp")],
)
def test_other_chunks(name: bytes, gps: str, everything: str) -> None:
    """Also in a file that has no header for them."""
    file = with_pieces(PLAIN, piece(name, CITY))

    for remove, expected in (("gps", gps), ("all", everything)):
        stored, said = cleaned(file, KIND, remove)
        assert [*said.removed, *(f"-{word}" for word in said.left)] == [expected]
        assert length(stored) == len(stored)
        assert shown(stored) == shown(file)


def test_chunks_in_a_frame() -> None:
    """No decoder looks at them."""
    data = moving("WEBP")
    at = data.index(b"ANMF")
    size = struct.unpack_from("<I", data, at + 4)[0]
    end = at + 8 + size + size % 2
    frame = data[at + 8 : end] + piece(b"note", b"somebody's")
    whole = data[:at] + b"ANMF" + struct.pack("<I", len(frame)) + frame + data[end:]
    whole = whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]

    stored, said = cleaned(whole, KIND, "all")

    assert (stored, said.removed) == (data, ("other",))


@pytest.mark.parametrize("remove", ["gps", "all"])
def test_what_follows_the_image_goes(remove: str) -> None:
    """And the length is right, whatever else went."""
    clean, _ = cleaned(FULL, KIND, remove)

    stored, said = cleaned(FULL + b"PK\3\4", KIND, remove)

    assert stored == clean
    assert "trailer" in said.removed


def test_the_last_padding_may_be_missing() -> None:
    """Some programs leave it out."""
    data = with_pieces(PLAIN, piece(b"XMP ", CITY + b" " * (1 - len(CITY) % 2)))
    short_of_one = data[:4] + struct.pack("<I", len(data) - 9) + data[8:-1]

    stored, _ = cleaned(short_of_one, KIND, "gps")
    least, _ = cleaned(short_of_one, KIND, "all")

    assert len(CITY) % 2 == 0 or len(stored) == len(short_of_one)
    assert b"place mark" not in stored
    assert least == PLAIN


@pytest.mark.parametrize(
    "data",
    [FULL[:-40], FULL[:9], FULL[:16] + b"\xff\xff" + FULL[18:], FULL[:4] + bytes(4) + FULL[8:], b"RIFF"],
)
def test_a_damaged_image_is_left_alone(data: bytes) -> None:
    """What cannot be followed is said, and nothing is written."""
    stored, said = cleaned(data, KIND, "all")

    assert (stored, said.left) == (data, ("structure",))

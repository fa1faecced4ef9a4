"""GIF: comments, packets and other programs' blocks go; loops and pictures stay."""

import pytest

from tests.images.metadata.parts import extension, packet, with_extensions
from tests.images.metadata.samples import gif
from tests.images.metadata.shown import cleaned, shown

KIND = "image/gif"
PLAIN = gif(plain=True)
MAGIC = bytes([1, *range(255, -1, -1)])
CITY = packet("<dc:title>A title</dc:title><photoshop:City>place mark</photoshop:City>")


def with_packet(data: bytes) -> bytes:
    """As XMP wants it: the bytes themselves, then a slide for readers that take them for lengths."""
    return with_extensions(PLAIN, b"!\xff\x0bXMP DataXMP" + data + MAGIC + b"\0")


def test_a_packet_loses_its_places() -> None:
    """In its length; readers still slide past it."""
    stored, said = cleaned(with_packet(CITY), KIND, "gps")

    assert (said.removed, len(stored)) == (("xmp",), len(with_packet(CITY)))
    assert b"place mark" not in stored
    assert b"A title" in stored
    assert shown(stored) == shown(PLAIN)
    assert cleaned(with_packet(CITY), KIND, "all")[0] == PLAIN


def test_a_packet_that_is_not_understood_goes() -> None:
    """A reader might still find a place in it; the extension stays as long as it was."""
    stored, said = cleaned(with_packet(CITY[:-20]), KIND, "gps")

    assert said.removed == ("xmp",)
    assert b"place mark" not in stored
    assert shown(stored) == shown(PLAIN)


@pytest.mark.parametrize("spaces", range(34))
def test_a_zero_in_a_packet_ends_no_extension(spaces: int) -> None:
    """A reader that takes bytes for lengths may pass over it now, and not when other bytes stand before it."""
    data = with_packet(CITY + b" " * spaces + b"\0")

    stored, said = cleaned(data, KIND, "gps")

    assert said.left in {(), ("structure",)}
    assert cleaned(stored, KIND, "gps")[1].left == said.left
    assert said.left or shown(stored) == shown(PLAIN)


@pytest.mark.parametrize(
    ("data", "gps", "everything"),
    [
        (extension(0xFE, b"a comment", b"in two parts"), "", "comment"),
        (extension(0x01, bytes(12), b"a text"), "", "text"),
        (extension(0xFF, b"MGKIPTC0000", b"\x1c\x02\x5a\0\4Here"), "iptc", "iptc"),
        (extension(0xFF, b"XMP DataXMP", CITY[:250], CITY[250:500]), "xmp", "xmp"),
        (extension(0xFF, b"C2PA_GIF\1\0\0", b"provenance"), "other", "other"),
        (extension(0xFF, b"SOMETHING01", b"?"), "-unknown", "other"),
        (extension(0x77, b"?"), "-unknown", "other"),
        (extension(0xFF, b"ICCRGBG1012", b"a profile"), "", ""),
        (b"\0\0", "", ""),
    ],
)
def test_other_extensions(data: bytes, gps: str, everything: str) -> None:
    """What goes, what stays, and what is told of (here with a dash)."""
    file = with_extensions(PLAIN, data)

    for remove, expected in (("gps", gps), ("all", everything)):
        stored, said = cleaned(file, KIND, remove)
        assert [*said.removed, *(f"-{word}" for word in said.left)] == ([expected] if expected else [])
        assert stored == (file if expected == "" or expected.startswith("-") else PLAIN)


@pytest.mark.parametrize("remove", ["gps", "all"])
def test_what_follows_the_image_goes(remove: str) -> None:
    """A page, for a browser that guesses."""
    stored, said = cleaned(PLAIN + b"<html>", KIND, remove)

    assert (stored, said.removed) == (PLAIN, ("trailer",))


@pytest.mark.parametrize("cut", [1, 5, 400])
def test_a_cut_image_is_cleaned(cut: int) -> None:
    """The last picture may be cut, and the trailer may be missing."""
    file = with_extensions(PLAIN, extension(0xFE, b"a comment"))

    assert cleaned(file[:-cut], KIND, "all")[0] == PLAIN[:-cut]


@pytest.mark.parametrize(
    "data", [b"GIF89a", with_extensions(PLAIN, b"?"), with_extensions(PLAIN, b"")[:790], b"GIF88a"]
)
def test_a_damaged_image_is_left_alone(data: bytes) -> None:
    """What cannot be followed is said, and nothing is written."""
    stored, said = cleaned(data, KIND, "all")

    assert (stored, said.left) == (data, ("structure",))

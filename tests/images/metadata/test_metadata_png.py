"""PNG: which chunks go, which are changed, and what follows the image."""

import zlib

import pytest

from tests.images.metadata.parts import GPS, MAKE, ORIENTATION, chunk, packet, place, short, text, tiff, with_chunks
from tests.images.metadata.samples import moving, picture, png, saved
from tests.images.metadata.shown import cleaned, shown

KIND = "image/png"
PLAIN = png(plain=True)
EXIF = tiff({MAKE: text(b"A camera"), ORIENTATION: short(6), GPS: place()})
UPRIGHT = b"Exif\0\0" + tiff({MAKE: text(b"A camera")})
CITY = packet("<dc:title>A title</dc:title><photoshop:City>place mark</photoshop:City>")
PACKET = b"XML:com.adobe.xmp\0"
RAW = b"Raw profile type exif\0\nexif\n" + b"%8d\n" % len(UPRIGHT) + UPRIGHT.hex().encode()
BROKEN = CITY.replace(b"</rdf:RDF>", b"")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"iTXt", PACKET + b"\0\0\0\0" + CITY),
        (b"iTXt", PACKET + b"\1\0fr\0Titre\0" + zlib.compress(CITY)),
        (b"zTXt", PACKET + b"\0" + zlib.compress(CITY)),
        (b"tEXt", PACKET + CITY),
    ],
    ids=["international", "compressed", "older", "plain"],
)
def test_packets_lose_their_places(name: bytes, data: bytes) -> None:
    """However they are written; the rest of the packet stays, and the checksum is right."""
    stored, said = cleaned(with_chunks(PLAIN, chunk(name, data)), KIND, "gps")

    start = stored.index(name) + 4
    length = int.from_bytes(stored[start - 8 : start - 4])
    value = stored[start : start + length]
    at = value.find(b"\x78\x9c")
    inflated = value if at < 0 else zlib.decompress(value[at:])
    assert said.removed == ("xmp",)
    assert b"A title" in inflated
    assert b"place" not in inflated
    assert zlib.crc32(name + value) == int.from_bytes(stored[start + length :][:4])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (b"iTXt", PACKET + b"\1\0\0\0" + zlib.compress(CITY)[:-9]),
        (b"iTXt", PACKET + b"\1\0\0\0 no stream"),
        (b"iTXt", PACKET + b"\0\0\0\0" + BROKEN),
        (b"iTXt", PACKET + b"\0\0"),
        (b"iTXt", PACKET),
        (b"zTXt", PACKET + b"\0" + zlib.compress(b"<City/>" + bytes(50_000_000))),
    ],
    ids=["cut", "nonsense", "broken", "short", "empty", "a bomb"],
)
def test_a_packet_that_is_not_understood_goes(name: bytes, data: bytes) -> None:
    """A reader might still find a place in it."""
    stored, said = cleaned(with_chunks(PLAIN, chunk(name, data)), KIND, "gps")

    assert (stored, said.removed) == (PLAIN, ("xmp",))


@pytest.mark.parametrize(
    ("name", "data", "gps", "everything"),
    [
        (b"tEXt", RAW, "exif", "text"),
        (b"zTXt", b"Raw profile type iptc\0\0...", "iptc", "text"),
        (b"tEXt", b"exif:GPSLatitude\x0048", "text", "text"),
        (b"tEXt", b"Comment\0 from here", "", "text"),
        (b"tIME", bytes(7), "", "time"),
        (b"caBX", b"provenance", "other", "other"),
        (b"iDOT", bytes(28), "", "other"),
        (b"prVt", b"somebody's", "-unknown", "other"),
        (b"gAMA", b"\0\0\xb1\x8f", "", ""),
        (b"pHYs", b"\0\0\x0e\xc3\0\0\x0e\xc3\1", "", ""),
        (b"cICP", b"\x09\x10\0\1", "", ""),
    ],
)
def test_other_chunks(name: bytes, data: bytes, gps: str, everything: str) -> None:
    """What goes, what stays, and what is told of (here with a dash)."""
    file = with_chunks(PLAIN, chunk(name, data))

    for remove, expected in (("gps", gps), ("all", everything)):
        stored, said = cleaned(file, KIND, remove)
        assert [*said.removed, *(f"-{word}" for word in said.left)] == ([expected] if expected else [])
        assert (name in stored) == (expected == "" or expected.startswith("-"))
        assert shown(stored) == shown(file)


def test_places_of_image_data_go_when_they_are_wrong() -> None:
    """Apple's chunk tells where halves of the data lie; when something before them went, it would mislead."""
    file = with_chunks(PLAIN, chunk(b"iDOT", bytes(28)), chunk(b"tEXt", b"exif:GPSLatitude\x0048"))

    assert cleaned(file, KIND, "gps")[0] == PLAIN


def test_the_first_exif_counts() -> None:
    """Its orientation stays; a second block goes. JPEG's signature before it does no harm."""
    file = with_chunks(PLAIN, chunk(b"eXIf", b"Exif\0\0" + EXIF), chunk(b"eXIf", EXIF))

    fewer, said = cleaned(file, KIND, "gps")
    least, _ = cleaned(file, KIND, "all")

    assert (said.removed, len(fewer)) == (("gps",), len(file))
    assert b"place mark" not in fewer
    assert least.count(b"eXIf") == 1
    assert shown(least).orientation == 6


@pytest.mark.parametrize("remove", ["gps", "all"])
@pytest.mark.parametrize("data", [PLAIN, moving("PNG")], ids=["still", "moving"])
def test_what_follows_the_image_goes(data: bytes, remove: str) -> None:
    """Archives and pages are hidden there."""
    stored, said = cleaned(data + b"PK\3\4<script>", KIND, remove)

    assert (stored, said.removed) == (data, ("trailer",))


@pytest.mark.parametrize(
    "data",
    [
        with_chunks(PLAIN, chunk(b"tEXt", b"a\0b"))[:-12],
        PLAIN[:60],
        with_chunks(PLAIN, chunk(b"NEED", b"?")),
        with_chunks(PLAIN, chunk(b"t\0Xt", b"?")),
        with_chunks(PLAIN, b"\xff\xff\xff\xfftEXt"),
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["no end", "cut", "needed", "no name", "lying length", "a signature"],
)
def test_a_damaged_image_is_left_alone(data: bytes) -> None:
    """What cannot be followed is said, and nothing is written."""
    stored, said = cleaned(data, KIND, "all")

    assert (stored, said.left) == (data, ("structure",))


def test_colours_stay() -> None:
    """A palette with transparency."""
    data = saved(picture().quantize(16), "PNG", transparency=3, exif=EXIF)

    stored, said = cleaned(data, KIND, "all")

    assert said.removed == ("exif",)
    assert shown(stored) == shown(data)

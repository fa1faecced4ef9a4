"""JPEG: several images in a file, profiles and packets of many segments, and what other programs put in."""

import hashlib
import io
import struct

import pytest
from PIL import Image

from app.assets.inspection import inspect_all
from tests.images.metadata.parts import GPS, MAKE, ORIENTATION, packet, place, segment, short, text, tiff, with_segments
from tests.images.metadata.samples import LARGE_PROFILE, jpeg, picture, saved
from tests.images.metadata.shown import cleaned, shown

KIND = "image/jpeg"
EXIF = b"Exif\0\0" + tiff({MAKE: text(b"A camera"), ORIENTATION: short(6), GPS: place()})
XMP, PART = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
PLAIN = jpeg(plain=True)
CITY = "<photoshop:City>place mark</photoshop:City>"


def album() -> bytes:
    """Two images with a position each, as telephones write them."""
    file = io.BytesIO()
    second = picture(90)
    second.encoderinfo = {"exif": EXIF}
    picture().save(file, "MPO", save_all=True, append_images=[second], exif=EXIF)
    return file.getvalue()


def extended(properties: str, *, name: bytes | None = None, parts: int = 3) -> list[bytes]:
    """A packet that goes on in further segments, named by its MD5."""
    more = packet(properties)
    name = name or hashlib.md5(more).hexdigest().upper().encode()
    step = -(-len(more) // parts)
    first = segment(0xE1, XMP + packet("", f'xmpNote:HasExtendedXMP="{name.decode()}"'))
    return [first] + [
        segment(0xE1, PART + name + struct.pack(">II", len(more), at) + more[at : at + step])
        for at in range(0, len(more), step)
    ]


def resources(*found: tuple[int, bytes]) -> bytes:
    """Photoshop's resources."""
    padded = ((number, data, b"\0" * (len(data) % 2)) for number, data in found)
    return b"".join(b"8BIM" + struct.pack(">HHI", n, 0, len(data)) + data + pad for n, data, pad in padded)


def test_further_images_stay_without_their_places() -> None:
    """They are found by their offsets, so the file keeps its length; without `all` there is one image."""
    data = album()

    stored, said = cleaned(data, KIND, "gps")
    single, _ = cleaned(data, KIND, "all")

    assert b"place mark" in data
    assert b"place mark" not in stored
    assert (len(stored), said.removed, said.left) == (len(data), ("gps",), ())
    assert shown(stored) == shown(data)
    assert len(shown(stored).frames) == 2
    assert shown(single).frames == shown(data).frames[:1]
    assert Image.open(io.BytesIO(single)).format == "JPEG"


@pytest.mark.parametrize("remove", ["gps", "all"])
@pytest.mark.parametrize("trailer", [b"\0\0\0\x18ftypmp42 film", b"<?php", bytes(100), b"\xff\xd8\xff\xe1 no image"])
def test_what_follows_the_image_goes(trailer: bytes, remove: str) -> None:
    """A film, a script, padding, a damaged image."""
    stored, said = cleaned(PLAIN + trailer, KIND, remove)

    assert (stored, said.removed, said.left) == (PLAIN, ("trailer",), ())


def test_a_profile_of_many_segments_stays() -> None:
    """In both modes, byte for byte."""
    data = saved(picture(), "JPEG", icc_profile=LARGE_PROFILE, exif=EXIF)

    for remove in ("gps", "all"):
        stored, _ = cleaned(data, KIND, remove)
        assert shown(stored).profile == LARGE_PROFILE


def test_a_packet_of_many_segments_loses_its_places() -> None:
    """It is named by its MD5, which the first packet tells too."""
    data = with_segments(PLAIN, *extended("<dc:title>A title</dc:title>" + CITY))

    stored, said = cleaned(data, KIND, "gps")

    assert (said.removed, len(stored)) == (("xmp",), len(data))
    assert b"place" not in stored
    parts = [part[38:] for part in stored.split(PART)[1:]]
    name = stored.split(PART)[1][:32]
    more = b"".join(part[2 : 2 + len(packet("<dc:title>A title</dc:title>" + CITY)) // 3 + 1] for part in parts)
    assert b"A title" in more
    assert stored.count(name) == 4
    assert name not in data


@pytest.mark.parametrize("spoil", ["order", "hole"])
def test_a_packet_that_cannot_be_joined_goes_whole(spoil: str) -> None:
    """The order of its segments doesn't matter, but all must be there."""
    first, *parts = extended(CITY + "<dc:title>A title</dc:title>")
    parts = parts[::-1] if spoil == "order" else parts[1:]

    stored, said = cleaned(with_segments(PLAIN, first, *parts), KIND, "gps")

    assert said.removed == ("xmp",)
    assert b"place" not in stored
    assert (b"A title" in stored) == (spoil == "order")


def test_photoshops_resources_lose_their_places() -> None:
    """IPTC and XMP among them; a copy of Exif goes; the digest that Photoshop compares is a new one."""
    records = b"\x1c\x02\x50\0\x02Me" + b"\x1c\x02\x5a\0\x0aplace mark"
    block = resources(
        (0x0404, records), (0x0425, hashlib.md5(records).digest()), (0x0424, packet(CITY)), (0x0422, EXIF)
    )
    half = len(block) // 2
    halves = [segment(0xED, b"Photoshop 3.0\0" + part) for part in (block[:half], block[half:])]

    stored, said = cleaned(with_segments(PLAIN, *halves), KIND, "gps")

    assert said.removed == ("iptc",)
    assert b"place" not in stored
    assert b"\x1c\x02\x50\0\x02Me" in stored
    assert hashlib.md5(b"\x1c\x02\x50\0\x02Me".ljust(len(records), b"\0")).digest() in stored


@pytest.mark.parametrize(
    ("data", "gps", "everything"),
    [
        (segment(0xE1, b"FLIR\0 a thermal image"), "other", "other"),
        (segment(0xE6, b"GoPro\0 a track"), "other", "other"),
        (segment(0xEB, b"JP provenance"), "other", "other"),
        (segment(0xE5, b"something"), "-unknown", "other"),
        (segment(0xEC, b"Ducky\0 quality"), "", "other"),
        (segment(0xFE, b"a comment"), "", "comment"),
        (segment(0xE0, b"JFXX\0\x10 a thumbnail"), "", "thumbnail"),
        (segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\1\1abc"), "", "thumbnail"),
        (segment(0xEE, b"Adobe\0\x64\0\0\0\0\1 and more"), "", "other"),
        (segment(0xDD, b"\0\0") + b"stray bytes", "other", "other"),
        (b"\xff\xff\xff", "", ""),
    ],
)
def test_other_segments(data: bytes, gps: str, everything: str) -> None:
    """What may tell the place goes, what cannot be looked into is told of (here with a dash)."""
    file = with_segments(PLAIN, data)

    for remove, expected in (("gps", gps), ("all", everything)):
        stored, said = cleaned(file, KIND, remove)
        assert [*said.removed, *(f"-{word}" for word in said.left)] == ([expected] if expected else [])
        assert shown(stored) == shown(file)


def test_exif_in_two_segments() -> None:
    """The second goes on where the first ended, or is a block of its own."""
    half = len(EXIF) // 2
    joined = with_segments(PLAIN, segment(0xE1, EXIF[:half]), segment(0xE1, b"Exif\0\0" + EXIF[half:]))
    double = with_segments(PLAIN, segment(0xE1, EXIF), segment(0xE1, EXIF))

    for data in (joined, double):
        stored, said = cleaned(data, KIND, "gps")
        assert said.removed == ("gps",)
        assert b"place mark" not in stored
        assert b"A camera" in stored
        assert shown(cleaned(data, KIND, "all")[0]).orientation == 6


@pytest.mark.parametrize("remove", ["gps", "all"])
def test_segments_between_scans_keep_their_lengths(remove: str) -> None:
    """A decoder may stop there: after a scan only the contents of known blocks change."""
    whole = jpeg(plain=True, progressive=True)
    at = whole.rindex(b"\xff\xda")
    data = whole[:at] + segment(0xE1, EXIF) + segment(0xE5, b"?") + whole[at:]

    stored, said = cleaned(data, KIND, remove)

    assert len(stored) == len(data)
    assert b"place mark" not in stored
    assert said.left == (("unknown",) if remove == "gps" else ("other",))
    assert shown(stored) == shown(data)


@pytest.mark.parametrize("remove", ["gps", "all"])
def test_a_cut_image_is_cleaned(remove: str) -> None:
    """It may end within its data; viewers show what there is."""
    data = with_segments(PLAIN, segment(0xE1, EXIF))[:-200]

    stored, said = cleaned(data, KIND, remove)

    assert said.removed == (("gps",) if remove == "gps" else ("exif",))
    assert stored[-200:] == data[-200:]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:300],
        PLAIN[:2] + PLAIN,
        with_segments(PLAIN, b"\xff\xe1\0\1"),
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8",
        b"",
        with_segments(PLAIN, segment(0xF0, b"?")),
    ],
    ids=["cut in a segment", "two starts", "no length", "no image", "a start", "nothing", "unknown"],
)
def test_a_damaged_image_is_left_alone(data: bytes) -> None:
    """What cannot be followed is said, and nothing is written."""
    stored, said = cleaned(data, KIND, "all")

    assert (stored, said.left) == (data, ("structure",))


@pytest.mark.parametrize("junk", [b"\xff", b"\xff\xff", b"\xff\xff\0\0\0FIF", b"\xff\xff\0place mark"])
@pytest.mark.parametrize("remove", ["gps", "all"])
def test_junk_at_the_front_goes_and_it_is_a_jpeg_still(junk: bytes, remove: str) -> None:
    """Programs tell a JPEG by the byte that follows its start, and so do we."""
    data = PLAIN[:2] + junk + PLAIN[2:]

    stored, _ = cleaned(data, KIND, remove)

    assert inspect_all(data).content_type == inspect_all(stored).content_type == KIND
    assert b"place mark" not in stored
    assert cleaned(stored, KIND, remove)[0] == stored
    assert shown(stored).frames == shown(PLAIN).frames


def test_four_colours_stay() -> None:
    """Adobe's segment says how they are mixed."""
    data = saved(picture().convert("CMYK"), "JPEG", exif=EXIF)

    stored, said = cleaned(data, KIND, "all")

    assert said.removed == ("exif",)
    assert shown(stored) == shown(data)

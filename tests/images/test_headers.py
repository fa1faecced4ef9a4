"""What the header of an image says: type, width and height, whatever else the file holds."""

import io
import random
import struct
import time

import pytest

from app.images.headers import ImageHeader, read_header, read_image
from tests.conftest import make_jpg, make_png
from tests.images.samples import (
    GIF,
    LOSSLESS,
    LOSSY,
    SMALLEST,
    WHOLE,
    avif,
    box,
    extended,
    frame,
    ispe,
    jpeg,
    lossless,
    lossy,
    segment,
)

FRAMES = [0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF]


def size(data: bytes) -> tuple[int | None, int | None] | None:
    """Width and height; None when it is no image."""
    header = read_header(data)
    return None if header is None else (header.width, header.height)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (make_png(640, 3), ImageHeader("image/png", 640, 3)),
        (make_jpg(16, 12), ImageHeader("image/jpeg", 16, 12)),
        (GIF, ImageHeader("image/gif", 5, 7)),
        (b"GIF87a" + GIF[6:], ImageHeader("image/gif", 5, 7)),
        (LOSSY, ImageHeader("image/webp", 1, 1)),
        (LOSSLESS, ImageHeader("image/webp", 1, 1)),
        (lossy(16_383, 2), ImageHeader("image/webp", 16_383, 2)),
        (lossless(16_384, 3), ImageHeader("image/webp", 16_384, 3)),
        (extended(16_777_216, 4), ImageHeader("image/webp", 16_777_216, 4)),
        (avif(ispe(8, 6)), ImageHeader("image/avif", 8, 6)),
        (avif(ispe(8, 6), brand=b"avis"), ImageHeader("image/avif", 8, 6)),
        (avif(ispe(8, 6), brand=b"mif1", compatible=b"miafavif"), ImageHeader("image/avif", 8, 6)),
    ],
    ids=range(12),
)
def test_each_format_says_its_size(data: bytes, expected: ImageHeader) -> None:
    """Width first, in pixels."""
    assert read_header(data) == expected


@pytest.mark.parametrize("marker", FRAMES, ids=hex)
def test_every_kind_of_jpeg_has_a_frame(marker: int) -> None:
    """Baseline, progressive, lossless, arithmetic."""
    assert size(jpeg(frame(marker, 300, 200))) == (300, 200)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC, 0xDB, 0xDD, 0xE0, 0xFE], ids=hex)
def test_what_is_no_frame_is_passed_over(marker: int) -> None:
    """Tables and comments, though their bytes look like a frame."""
    assert size(jpeg(frame(marker, 9, 9), frame(0xC0, 300, 200))) == (300, 200)


def test_large_segments_are_passed_over() -> None:
    """Profiles and previews of cameras: 200 KB, with a small JPEG in them, before the frame."""
    preview = segment(0xE1, b"Exif\0\0" + make_jpg(160, 120))
    profiles = [segment(0xE2, b"ICC_PROFILE\0" + bytes(65_000)) for _ in range(3)]

    assert size(jpeg(preview, *profiles, frame(0xC2, 4000, 3000))) == (4000, 3000)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_fill_bytes_may_stand_before_a_marker(count: int) -> None:
    """ITU T.81, B.1.1.2."""
    assert size(jpeg(segment(0xE0, bytes(20)), b"\xff" * count, frame(0xC0, 300, 200))) == (300, 200)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_fill_bytes_may_stand_before_the_first_marker(count: int) -> None:
    """It is a JPEG all the same."""
    assert size(jpeg(b"\xff" * count, frame(0xC0, 300, 200))) == (300, 200)


def test_image_data_before_a_frame_is_the_end() -> None:
    """Nothing is guessed from what follows."""
    assert size(b"\xff\xd8" + segment(0xDA, bytes(6)) + frame(0xC0, 9, 9)) == (None, None)
    assert size(b"\xff\xd8" + segment(0xE0, bytes(6)) + b"\xff\xd9" + frame(0xC0, 9, 9)) == (None, None)


def test_what_stands_between_segments_is_no_marker() -> None:
    """A segment whose length is wrong: no size is better than a wrong one."""
    assert size(jpeg(segment(0xE0, bytes(6)), b"\0\0\0\0", frame(0xC0, 9, 9))) == (None, None)


def test_the_smallest_webp_is_one() -> None:
    """26 bytes: what browsers are asked with whether they know the format."""
    assert read_header(SMALLEST) == ImageHeader("image/webp", 11_330, 446)


def test_a_thumbnail_is_not_the_image() -> None:
    """An AVIF holds the sizes of its thumbnails and tiles too, in any order: the largest counts."""
    assert size(avif(ispe(160, 120), ispe(4000, 3000), ispe(512, 512))) == (4000, 3000)


def test_pixels_do_not_say_a_size() -> None:
    """Four letters in the compressed data, or in what a camera wrote, are no item property."""
    evil = ispe(30_000, 30_000)

    assert size(avif(ispe(8, 6), data=bytes(100) + evil)) == (8, 6)
    assert size(avif(ispe(8, 6)) + box(b"free", evil)) == (8, 6)


def test_an_avif_may_be_larger_than_its_boxes() -> None:
    """Without its size at hand it is an AVIF all the same."""
    assert read_header(avif()) == ImageHeader("image/avif", None, None)
    assert read_header(avif(ispe(8, 6))[:60]) == ImageHeader("image/avif", None, None)


@pytest.mark.parametrize("brand", [b"mp42", b"isom", b"M4V ", b"qt  "])
def test_other_media_files_are_no_avif(brand: bytes) -> None:
    """The same boxes, another brand."""
    assert read_header(avif(ispe(8, 6), brand=brand, compatible=b"isommp41")) is None


@pytest.mark.parametrize("numbers", [(2**31, 1), (1, 2**32 - 1), (0, 5), (5, 0)], ids=str)
def test_an_absurd_size_is_none(numbers: tuple[int, int]) -> None:
    """PNG allows 1 to 2^31 - 1; a row of Postgres keeps no more, whichever format says so."""
    png = make_png()[:16] + struct.pack(">II", *numbers) + make_png()[24:]

    assert read_header(png) == ImageHeader("image/png", None, None)
    assert read_header(avif(ispe(*numbers))) == ImageHeader("image/avif", None, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff",
        b"\xff\xd8\x00\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(20),
        b"\x89PNG\n\x1a\n" + make_png()[8:],
        b"GIF88a" + GIF[6:],
        b"RIFF\x24\0\0\0WAVE" + bytes(40),
        b"RIFF\x24\0\0\0WEBPJUNK" + bytes(40),
        b"BM" + bytes(60),
        b"II+\0" + bytes(60),
        b"8BPS" + bytes(60),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b" " + make_png(),
        b"\0\0\0\x10ftypavif",
        b"\0\0\0\x08ftyp" + bytes(20),
        b"\xff\xff\xff\xffftypavif" + bytes(20),
        b"\0\0\0\0ftypavif" + bytes(20),
    ],
    ids=range(19),
)
def test_anything_else_is_no_image(data: bytes) -> None:
    """Other formats, half signatures, signatures in the wrong place."""
    assert read_header(data) is None


@pytest.mark.parametrize("name", WHOLE)
def test_every_beginning_of_an_image_is_read_or_not(name: str) -> None:
    """Cut anywhere: unknown at first, then without a size, then with the right one, and never another."""
    whole = read_header(WHOLE[name])
    assert whole is not None
    seen = [read_header(WHOLE[name][:end]) for end in range(len(WHOLE[name]) + 1)]
    without = ImageHeader(whole.content_type, None, None)
    order = {None: 0, without: 1, whole: 2}

    assert set(seen) <= set(order)
    assert [order[header] for header in seen] == sorted(order[header] for header in seen)
    assert (seen[0], seen[-1]) == (None, whole)


def test_no_bytes_break_it() -> None:
    """2,000 that are random, or an image with some bytes changed and cut."""
    chance = random.Random(9)
    for _ in range(2_000):
        data = bytearray(chance.choice([*WHOLE.values(), chance.randbytes(200)]))
        for _ in range(chance.randrange(8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        header = read_header(bytes(data[: chance.randrange(len(data) + 1)]))

        assert header is None or (header.width is None) == (header.height is None)


HEAD = 256 * 1024  # bytes that are looked at
LONG = {
    "fill bytes": b"\xff\xd8\xff\xe0\x00\x04\0\0" + b"\xff" * HEAD,
    "empty segments": b"\xff\xd8" + b"\xff\xe0\0\2" * (HEAD // 4),
    "segments without a length": b"\xff\xd8" + b"\xff\xe0\0\0" * (HEAD // 4),
    "empty boxes": avif()[:24] + box(b"meta") * (HEAD // 8),
    "nested boxes": avif()[:24] + b"\0\0\0\0meta\0\0\0\0" + b"\0\0\0\0iprp" + box(b"ipco") * (HEAD // 8),
    "items": avif(*[ispe(1, 1)] * (HEAD // 20)),
}


@pytest.mark.parametrize("name", LONG)
def test_no_header_takes_long(name: str) -> None:
    """It is read on the event loop: whatever was made to be slow takes a few milliseconds all the same."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        assert read_header(LONG[name][:HEAD]) is not None
        took.append(time.perf_counter() - began)

    assert min(took) < 0.25


def test_a_walk_has_an_end() -> None:
    """A JPEG of ten thousand empty segments, such as no program writes: its size is not looked for behind them."""
    endless = jpeg(*[segment(0xE1, b"")] * 10_000, frame(0xC0, 40, 30))

    assert read_image(io.BytesIO(endless)) == ImageHeader("image/jpeg", None, None)

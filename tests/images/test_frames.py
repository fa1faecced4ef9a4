"""How many frames an animation has, without decoding one."""

import io
import random
import time
import tracemalloc

import pytest

from app.images.frames import count_frames
from app.images.headers import read_header
from tests.conftest import make_jpg, make_png
from tests.images.animations import PAUSE, PICTURE, apng, chunk, gif, sequence, webp
from tests.images.samples import WHOLE

LIMIT = 100
MAKERS = {"image/gif": gif, "image/png": apng, "image/webp": webp, "image/avif": sequence}


def frames(data: bytes, limit: int = LIMIT) -> int | None:
    """As a file would be counted."""
    header = read_header(data)
    assert header is not None
    return count_frames(io.BytesIO(data), header.content_type, limit=limit)


@pytest.mark.parametrize("content_type", MAKERS)
@pytest.mark.parametrize("count", [1, 2, 99, 100])
def test_frames_are_counted(content_type: str, count: int) -> None:
    """In each format that has them."""
    assert frames(MAKERS[content_type](count)) == count


@pytest.mark.parametrize("content_type", MAKERS)
@pytest.mark.parametrize("count", [101, 102, 5_000])
def test_counting_ends_one_above_the_limit(content_type: str, count: int) -> None:
    """Nobody needs to know how many too many there are."""
    assert frames(MAKERS[content_type](count)) == LIMIT + 1


@pytest.mark.parametrize("name", WHOLE)
def test_a_still_image_has_one_frame(name: str) -> None:
    """Or none, if it is only a header."""
    assert frames(WHOLE[name]) == (0 if name == "gif" else 1)


def test_what_is_no_image_has_no_frames() -> None:
    """They are not asked for."""
    assert count_frames(io.BytesIO(b"text"), "text/plain", limit=LIMIT) is None
    assert frames(make_jpg()) == 1


def test_comments_between_frames_are_passed_over() -> None:
    """Also those that look like frames."""
    comment = b"\x21\xfe" + b"\x10" + PICTURE.ljust(16, b"\x2c") + b"\0"

    assert frames(gif(3, before=comment)) == 3
    assert frames(gif(3, picture=comment + PAUSE + PICTURE)) == 3
    assert frames(apng(7, before=chunk(b"tEXt", b"a\0acTL" + bytes(70_000)))) == 7


def test_each_frame_may_have_its_own_colours() -> None:
    """Their table is passed over."""
    own = PICTURE[:9] + b"\x87" + bytes(768) + PICTURE[10:]

    assert frames(gif(5, picture=own)) == 5


def test_a_control_chunk_behind_the_data_counts_for_nothing() -> None:
    """Decoders don't look there."""
    assert frames(make_png() + chunk(b"acTL", b"\0\0\xff\xff" * 2)) == 1


def test_a_webp_that_is_not_animated_has_one_frame() -> None:
    """Whatever chunks it has."""
    assert frames(webp(500, animated=False)) == 1


def test_a_sequence_is_as_long_as_its_longest_track() -> None:
    """Colours and alpha are tracks of their own; they may stand behind the data."""
    assert frames(sequence(3, 40, 7)) == 40
    assert frames(sequence(3, 40, late=True)) == 40


@pytest.mark.parametrize("content_type", MAKERS)
def test_every_beginning_of_an_animation_is_counted(content_type: str) -> None:
    """Cut anywhere: as many frames as begin in it, or as many as it says."""
    whole = MAKERS[content_type](3)[:2_000]
    seen = [frames(whole[:end]) for end in range(40, len(whole) + 1)]

    assert seen == sorted(seen)
    assert set(seen) <= {0, 1, 2, 3}


@pytest.mark.parametrize("content_type", MAKERS)
def test_no_bytes_break_the_count(content_type: str) -> None:
    """1,000 animations with some bytes changed."""
    chance = random.Random(content_type)
    whole = MAKERS[content_type](20)[:3_000]
    for _ in range(1_000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        counted = count_frames(io.BytesIO(bytes(data)), content_type, limit=10)

        assert counted in range(12)


SLOW = {
    "tiny blocks": gif(0)[:-1] + b"\x2c" + bytes(9) + b"\x02" + b"\x01\x00" * 5_000_000,
    "tiny parts": gif(0)[:-1] + b"\x21\xfe" + b"\x01a" * 5_000_000,
    "extensions": gif(0)[:-1] + b"\x21\xfe\0" * 3_000_000,
    "chunks": webp(0) + b"JUNK\0\0\0\0" * 1_000_000,
    "empty chunks": make_png()[:33] + chunk(b"tEXt", b"") * 500_000,
    "boxes": sequence(1) + b"\0\0\0\x08free" * 1_000_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_no_animation_takes_long_or_much(name: str) -> None:
    """What is made of too many tiny parts has too many frames; memory stays flat."""
    content_type = read_header(SLOW[name]).content_type
    stream = io.BytesIO(SLOW[name])
    tracemalloc.start()
    began = time.perf_counter()
    counted = count_frames(stream, content_type, limit=LIMIT)
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert took < 10
    assert peak < 1024 * 1024
    assert counted == (1 if name == "boxes" else LIMIT + 1)
    assert not stream.closed

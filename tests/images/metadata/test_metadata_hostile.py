"""Files that are made to hang or to fill memory: an answer in little time and little memory, whatever is claimed."""

import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.images.metadata import clean, plan
from app.images.metadata.draft import LARGEST_BLOCK, LARGEST_SUM, PIECE
from tests.images.metadata.films import avif
from tests.images.metadata.parts import box, chunk, extension, packet, piece, segment, with_chunks, with_segments
from tests.images.metadata.samples import gif, jpeg, picture, png, saved

SECONDS = 30
LARGE = 16 * 2**20  # bytes
JPEG, PNG, GIF, WEBP = jpeg(plain=True), png(plain=True), gif(plain=True), saved(picture(), "WEBP", lossless=True)
XMP = b"http://ns.adobe.com/xap/1.0/\0"
PART = b"http://ns.adobe.com/xmp/extension/\0"
BOMB = zlib.compress(b"<City/>" + bytes(64 * 2**20))
CITY = packet("<photoshop:City>place mark</photoshop:City>")


def riff(*pieces: bytes) -> bytes:
    """A WebP of these chunks."""
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def extents(number: int) -> bytes:
    """An AVIF that claims so many extents of no length in no bytes at all."""
    iloc = box(b"iloc", bytes([1, 0, 0, 0, 0, 0]), struct.pack(">H", 60_000), struct.pack(">HHHH", 1, 0, 0, number))
    return box(b"ftyp", b"avif", bytes(4), b"avifmif1") + box(b"meta", bytes(4), iloc)


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "jpeg: segments": ("image/jpeg", lambda: JPEG[:2] + b"\xff\xe5\0\2" * 4_000_000 + JPEG[2:]),
    "jpeg: comments": ("image/jpeg", lambda: JPEG[:2] + segment(0xFE, bytes(100)) * 90_000 + JPEG[2:]),
    "jpeg: markers": ("image/jpeg", lambda: JPEG[:-2] + b"\xff\1" * 8_000_000),
    "jpeg: fill": ("image/jpeg", lambda: JPEG[:2] + b"\xff" * LARGE + JPEG[2:]),
    "jpeg: zeros": ("image/jpeg", lambda: JPEG[:2] + bytes(LARGE) + JPEG[2:]),
    "jpeg: data": ("image/jpeg", lambda: JPEG[:-2] + b"\xff\0" * (LARGE // 2)),
    "jpeg: packets": ("image/jpeg", lambda: with_segments(JPEG, segment(0xE1, XMP + CITY.ljust(65_000)) * 200)),
    "jpeg: parts": ("image/jpeg", lambda: JPEG[:2] + segment(0xE1, PART + bytes(40) + b"x") * 90_000 + JPEG[2:]),
    "jpeg: names": (
        "image/jpeg",
        lambda: JPEG[:2] + b"".join(segment(0xE1, PART + b"%032d" % n + bytes(9)) for n in range(90_000)) + JPEG[2:],
    ),
    "jpeg: exif": ("image/jpeg", lambda: with_segments(JPEG, segment(0xE1, b"Exif\0\0" + b"x" * 65_000) * 240)),
    "jpeg: images": ("image/jpeg", lambda: JPEG * 10_000),
    "png: chunks": ("image/png", lambda: with_chunks(PNG, chunk(b"tEXt", b"a\0b") * 500_000)),
    "png: a large text": ("image/png", lambda: with_chunks(PNG, chunk(b"tEXt", b"XML:com.adobe.xmp\0" + bytes(LARGE)))),
    "png: a bomb": ("image/png", lambda: with_chunks(PNG, chunk(b"zTXt", b"XML:com.adobe.xmp\0\0" + BOMB))),
    "png: large exif": ("image/png", lambda: with_chunks(PNG, chunk(b"eXIf", b"II*\0" + bytes(LARGE)))),
    "webp: chunks": ("image/webp", lambda: riff(piece(b"note", b"") * 2_000_000)),
    "webp: large exif": ("image/webp", lambda: riff(WEBP[12:], piece(b"EXIF", b"II*\0" + bytes(LARGE)))),
    "webp: packets": ("image/webp", lambda: riff(WEBP[12:], *[piece(b"XMP ", CITY.ljust(2_000_000))] * 8)),
    "gif: blocks": ("image/gif", lambda: GIF[:-1] + b"!\xfe" + b"\1x" * 8_000_000 + b"\0;"),
    "gif: extensions": ("image/gif", lambda: GIF[:-1] + extension(0xFE, b"x") * 300_000 + b";"),
    "gif: zeros": ("image/gif", lambda: GIF[:-1] + bytes(LARGE)),
    "avif: boxes": ("image/avif", lambda: avif(more=box(b"free") * 2_000_000)),
    "avif: free space": ("image/avif", lambda: avif(more=box(b"free", b"x" * LARGE))),
    "avif: extents": ("image/avif", lambda: extents(65_535)),
    "avif: a large list": ("image/avif", lambda: avif(meta=box(b"xml ", b"x" * LARGE))),
}

GREEDY = ["jpeg: comments", "jpeg: packets", "jpeg: names", "jpeg: exif", "png: a large text", "png: large exif"]
GREEDY += [
    "png: a bomb",
    "webp: chunks",
    "webp: packets",
    "avif: boxes",
    "avif: free space",
    "avif: extents",
    "avif: a large list",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("remove", ["gps", "all"])
def test_hostile_files(name: str, remove: str) -> None:
    """They are cleaned or left alone."""
    content_type, make = HOSTILE[name]
    data = make()
    started = time.monotonic()

    said = clean(io.BytesIO(data), content_type, remove=remove, write=lambda _: None)

    assert time.monotonic() - started < SECONDS
    assert said.changed or said.left or not said.removed


@pytest.mark.parametrize("name", GREEDY)
def test_hostile_files_take_little_memory(name: str, tmp_path: Path) -> None:
    """No more than the blocks that are looked into, one of them twice, whatever is claimed."""
    content_type, make = HOSTILE[name]
    data = make()
    path = tmp_path / "hostile"
    path.write_bytes(data)

    with path.open("rb") as source:
        tracemalloc.start()
        clean(source, content_type, remove="gps", write=lambda _: None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < LARGEST_SUM + 2 * LARGEST_BLOCK


def test_a_large_image_takes_little_memory(tmp_path: Path) -> None:
    """Pieces are written as they are read; the plan knows the size before."""
    data = with_segments(
        JPEG[:-2] + bytes(15 * 2**20) + JPEG[-2:], segment(0xE1, XMP + CITY), segment(0xFE, b"a comment")
    )
    (tmp_path / "large").write_bytes(data)
    sizes: list[int] = []

    with (tmp_path / "large").open("rb") as source:
        tracemalloc.start()
        planned = plan(source, "image/jpeg", remove="all")
        said = clean(source, "image/jpeg", remove="all", write=lambda piece: sizes.append(len(piece)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert said.removed == ("comment", "xmp")
    assert (planned.size, max(sizes)) == (sum(sizes), PIECE)
    assert peak < 2**20


def test_a_file_that_becomes_shorter_is_an_error() -> None:
    """A half file never looks like a whole one."""
    data = with_segments(JPEG, segment(0xFE, b"a comment"))
    planned = plan(io.BytesIO(data), "image/jpeg", remove="all")

    with pytest.raises(OSError, match="shorter"):
        list(planned.pieces(io.BytesIO(data[:-10])))

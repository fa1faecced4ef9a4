"""Images that are recognised so that they can be named."""

import io
import struct

import pytest

from app.images.headers import ImageHeader, read_header, read_image
from tests.images.samples import avif, box, frame, ispe, jpeg, segment

BMP = b"BM" + struct.pack("<IIIIiiHH", 100, 0, 54, 40, 30, -20, 1, 24) + bytes(24)
ICON = b"\0\0\1\0\2\0" + bytes([16, 16, 0, 0, 1, 0, 32, 0]) + bytes(8) + bytes([0, 48, 0, 0, 1, 0, 32, 0]) + bytes(8)
PSD = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 20, 30, 8, 3)


def tiff(order: str, *, at: int = 8) -> bytes:
    """One directory with a width as a short and a height as a long number."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    width = struct.pack(f"{order}HHIHH", 256, 3, 1, 30, 0)
    height = struct.pack(f"{order}HHII", 257, 4, 1, 20)
    return mark + struct.pack(f"{order}I", at) + bytes(at - 8) + struct.pack(f"{order}H", 2) + width + height + bytes(4)


WHOLE = {
    "bmp": (BMP, "image/bmp", 30, 20),
    "icon": (ICON, "image/x-icon", 256, 48),
    "psd": (PSD, "image/vnd.adobe.photoshop", 30, 20),
    "tiff": (tiff("<"), "image/tiff", 30, 20),
    "tiff the other way": (tiff(">", at=300), "image/tiff", 30, 20),
    "jxl": (b"\xff\x0a\xfa\x1f", "image/jxl", None, None),
    "jxl in boxes": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20), "image/jxl", None, None),
    "heic": (avif(ispe(30, 20), brand=b"heic", compatible=b"mif1heic"), "image/heic", 30, 20),
    "heic by a compatible brand": (avif(ispe(30, 20), brand=b"mif1", compatible=b"miafheix"), "image/heic", 30, 20),
    "heif": (avif(ispe(30, 20), brand=b"mif1", compatible=b"miafmsf1"), "image/heif", 30, 20),
}


@pytest.mark.parametrize("name", WHOLE)
def test_other_images_are_named(name: str) -> None:
    """With their size, where it is told."""
    data, content_type, width, height = WHOLE[name]

    assert read_header(data) == ImageHeader(content_type, width, height)


@pytest.mark.parametrize("name", WHOLE)
def test_every_beginning_of_them_is_read_or_not(name: str) -> None:
    """Cut anywhere: never another size."""
    data, content_type, width, height = WHOLE[name]
    known = {None, ImageHeader(content_type, None, None), ImageHeader(content_type, width, height)}
    seen = {read_header(data[:end]) for end in range(len(data))}

    assert {header for header in seen if header not in known} <= (
        {ImageHeader(content_type, 16, 16)} if name == "icon" else set()
    )


@pytest.mark.parametrize(
    "data",
    [
        b"BM is short for something",
        b"BM" + bytes(60),
        bytes(30),
        b"\0\0\1\0" + bytes(30),
        b"II* a text",
        b"8BPS\0\3" + bytes(30),
    ],
    ids=range(6),
)
def test_what_only_begins_like_one_is_none(data: bytes) -> None:
    """Two letters are no proof."""
    assert read_header(data) is None


def test_a_size_behind_large_metadata_is_found_in_the_whole_file() -> None:
    """A phone's JPEG with megabytes of depth before its frame; an AVIF whose boxes stand behind the data."""
    photo = jpeg(*[segment(0xE1, bytes(65_000))] * 60, frame(0xC0, 4000, 3000))
    late = avif(brand=b"avif")[:24] + box(b"mdat", bytes(400_000)) + avif(ispe(8, 6))[24:]

    for data, found in ((photo, ImageHeader("image/jpeg", 4000, 3000)), (late, ImageHeader("image/avif", 8, 6))):
        assert read_header(data[: 256 * 1024]) == ImageHeader(found.content_type, None, None)
        assert read_image(io.BytesIO(data)) == found

"""Personal metadata taken out of images that are spoiled: nothing grows, nothing is left, once is as good as twice."""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path

from PIL import Image

from app.assets.inspection import inspect_all
from app.images.metadata import CLEANED_TYPES, Remove
from tests.fuzz.target import Target, check, stretched
from tests.images.metadata.exiftool import ExifTool
from tests.images.metadata.parts import packet
from tests.images.metadata.samples import IMAGES, PERSONAL, PLACE, tagged
from tests.images.metadata.shown import cleaned

TYPES = sorted(CLEANED_TYPES)
GPS = 0x8825
MORE = 64  # bytes by which a file may grow: a block that holds the orientation alone


def execute(data: bytes) -> None:
    """What is removed, what it is called if it is nothing, and the file."""
    how, file = data[0] if data else 0, data[1:]
    remove: Remove = "all" if how & 1 else "gps"
    found = inspect_all(file).content_type
    content_type = found if found in CLEANED_TYPES else TYPES[how // 2 % len(TYPES)]
    stored, said = cleaned(file, content_type, remove)
    check(said.changed == (stored != file), "what is said to be changed is changed, and nothing else")
    check(len(stored) <= len(file) + MORE, "a cleaned file is no longer than it was")
    check(inspect_all(stored).content_type == found, "a cleaned file is what it was")
    check(said.left or PLACE not in stored or not _told(stored, remove), "who says nothing is left leaves no place")
    if not said.changed:
        return
    again, more = cleaned(stored, content_type, remove)
    check(again == stored, "cleaning twice is cleaning once")
    check(not more.removed, "there is nothing to remove from a cleaned file")
    check(set(more.left) <= set(said.left), "nothing more is left of a cleaned file than was said")


def _told(data: bytes, remove: Remove) -> bool:
    """Whether another reader finds the place in what it takes for metadata; with `gps`, for a position.

    A spoiled file may have it among its pixels or in its colour profile, which stay, and where no field names it; or
    in a field that tells something else.
    """
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            exif = image.getexif()
            others = [value for name, value in image.info.items() if name not in {"exif", "icc_profile"}]
            told = [exif.get_ifd(GPS), *([dict(exif), others] if remove == "all" else [])]
            return PLACE in repr(told).encode()
    return False


def seeds() -> list[bytes]:
    """One of each format with every tag that it takes, in both byte orders, plain, and long."""
    with ExifTool() as exiftool, tempfile.TemporaryDirectory() as folder:
        files = [
            tagged(exiftool, make(), Path(folder), order=order) for _, make in IMAGES.values() for order in ("II", "MM")
        ]
    plain = [make(plain=True) for _, make in IMAGES.values()]
    both = [bytes([how]) + file for file in files for how in (0, 1)]
    long = [stretched(file, len(file) // 3, 8, 30_000) for file in both[::3]]
    filled = [b"\0" + file[:2] + b"\xff\xff\0\0" + file[2:] for file in plain if file.startswith(b"\xff\xd8")]
    return [*filled, *both, *[b"\1" + file for file in plain], *long]


TOKENS = (
    *(
        b"Exif\0\0",
        b"II*\0\x08\0\0\0",
        b"MM\0*\0\0\0\x08",
        b"http://ns.adobe.com/xap/1.0/\0",
        b"Photoshop 3.0\0",
        b"8BIM\4\4",
    ),
    *(b"\xff\xe1", b"\xff\xed", b"\xff\xfe", b"\xff\xda", b"\xff\xd9", b"\xff\xd8", b"\xff\xff", b"ICC_PROFILE\0\1\1"),
    *(
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"eXIf",
        b"tIME",
        b"IEND",
        b"IDAT",
        b"EXIF",
        b"XMP ",
        b"VP8X",
        b"ANMF",
        b"ICCP",
        b"iCCP",
    ),
    *(
        b"!\xfe",
        b"!\xff\x0bXMP DataXMP",
        b"!\xff\x0bNETSCAPE2.0",
        b";",
        b"iloc",
        b"iinf",
        b"infe",
        b"mime",
        b"idat",
        b"mdat",
    ),
    *(
        b"\x25\x88\0\4",
        b"\x69\x87\0\4",
        b"\x92\x7c",
        b"\x88\x25",
        PLACE,
        PERSONAL,
        packet("<exif:GPSLatitude>1</exif:GPSLatitude>"),
    ),
)
TARGET = Target(execute, seeds, TOKENS)

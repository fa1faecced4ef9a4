"""What a file is, by its contents: any bytes give a type and the size of an image, or none."""

import io
import re

from app.assets.inspection import Inspection, complete, inspect, inspect_all
from app.images.headers import LARGEST_SIDE, read_image
from tests.assets.contents import DOCUMENTS, POLYGLOTS
from tests.conftest import make_png
from tests.fuzz.target import Target, check, stretched
from tests.images import animations
from tests.images.samples import WHOLE
from tests.images.svgs import HARMLESS, svg

TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*(?:; charset=utf-16)?")
FRAMES = 100
NAMES = ("", "a", "a.csv", "a.json", "a.png", "a.tsv", "a.html", "a.")
DECLARED = ("", "text/csv", "application/json", "image/png; x", "text/html", ";", "text/tab-separated-values", "\xff")


def execute(data: bytes) -> None:
    """What the client calls it, how much of it is at hand at first, and the file."""
    claims, share, file = data[:1] or b"\0", data[1:2] or b"\0", data[2:]
    said = {"filename": NAMES[claims[0] & 7], "declared": DECLARED[claims[0] >> 3 & 7]}
    head = file[: len(file) * share[0] // 200]
    first = inspect(head, whole=len(head) >= len(file), **said)
    _sane(first)
    seen = complete(first, io.BytesIO(file), max_frames=FRAMES)
    _sane(seen)
    whole = inspect_all(file, max_frames=FRAMES, **said)
    _sane(whole)
    check(whole == inspect_all(file, max_frames=FRAMES, **said), "the same file is the same thing twice")
    image = read_image(io.BytesIO(file))
    check(image is None or image.content_type == whole.content_type, "an image is what its header says")
    if len(head) >= len(file):
        check(seen == whole, "who has seen all of it knows what it is")


def _sane(seen: Inspection) -> None:
    check(TYPE.fullmatch(seen.content_type), "a type is a media type")
    for side in (seen.width, seen.height):
        check(side is None or 0 < side <= LARGEST_SIDE, "a side has some pixels, and a column can keep it")
    check((seen.width is None) == (seen.height is None), "there are two sides or none")
    check(seen.frames is None or 1 <= seen.frames <= FRAMES + 1 or seen.frames == 0, "frames are counted to the limit")


def seeds() -> list[bytes]:
    """Images, animations, documents, polyglots, texts; and some of them made long."""
    moving = [animations.gif(3), animations.apng(3), animations.webp(3), animations.sequence(3, 4)]
    documents = [content for content, _ in (DOCUMENTS | POLYGLOTS).values() if len(content) < 20_000]
    texts = [
        b"a,b\n1,2\n3,4\n",
        b'{"a": [1, 2]}',
        b"<?xml version='1.0'?><!-- x --><svg/>",
        b"%!PS",
        b"\xef\xbb\xbftext",
    ]
    images = [*WHOLE.values(), make_png(8, 8), *moving]
    files = [*images, *documents, *texts, svg(HARMLESS["shapes"])]
    whole = [bytes([n % 64, 255]) + file for n, file in enumerate(files)]
    halves = [bytes([n % 64, 100]) + file for n, file in enumerate(files[::4])]
    long = [stretched(file, len(file) // 2, 3, 80_000) for file in whole[::5]]
    deep = stretched(bytes([NAMES.index("a.json"), 255]) + b"[", 2, 1, 100_000)
    return [*whole, *halves, *long, deep]


TOKENS = (
    *(b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"RIFF", b"WEBPVP8X", b"ftypavif", b"ftypheic", b"PK\x03\x04"),
    *(
        b"PK\x05\x06",
        b"PK\x01\x02",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"%PDF-1",
        b"{\\rtf1",
        b"<svg",
        b"<?xml",
        b"<!--",
    ),
    *(
        b"-->",
        b"<!doctype ",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"8BPS\0\1",
        b"\0\0\1\0\1\0",
        b"\xff\xda",
        b"\xff\xc0",
        b"IHDR",
    ),
    *(b"acTL", b"IDAT", b"ANMF", b"moov", b"trak", b"stsz", b"iloc", b"ispe", b"meta", b"iprp", b"ipco", b"\x21\xf9\4"),
    *(
        b"[Content_Types].xml",
        b"word/",
        b"mimetype",
        b"META-INF/MANIFEST.MF",
        b'"',
        b",",
        b"\n",
        b"\xff\xfe",
        b"{",
        b"[",
    ),
)
TARGET = Target(execute, seeds, TOKENS)

"""What a file is, by its contents: never by its name or by what the client says."""

import codecs
import re
from dataclasses import dataclass

from app.images.headers import read_header

TEXT = "text/plain"
HTML = "text/html"
SVG = "image/svg+xml"
UNKNOWN = "application/octet-stream"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
MARKUP = re.compile(r"<[a-z!?/]")
PROLOGUE = {"<!--": "-->", "<?": "?>", "<!doctype": ">"}  # what may stand before the first tag
SNIFFED = 4096  # characters in which markup must begin


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the first bytes say: a media type of our own choosing, and the size of an image in pixels."""

    content_type: str
    width: int | None = None
    height: int | None = None


def inspect(head: bytes, *, whole: bool) -> Inspection:
    """The first bytes of a file -> what it is; `whole` when they are all there are."""
    if image := read_header(head):
        return Inspection(image.content_type, image.width, image.height)
    if b"%PDF-" in head[:1024]:
        return Inspection("application/pdf")
    text = _text(head, whole=whole)
    return Inspection(UNKNOWN if text is None else _kind_of_text(text))


def _text(head: bytes, *, whole: bool) -> str | None:
    """The head as UTF-8, if it is that and has no control characters; a character cut at its end is forgiven."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole)
    except UnicodeDecodeError:
        return None
    return None if CONTROLS.search(text) else text


def _kind_of_text(text: str) -> str:
    """Plain text, unless a browser could take it for something that runs."""
    rest = text[:SNIFFED].lstrip().lower()
    if not MARKUP.match(rest):
        return TEXT
    while (opening := next((mark for mark in PROLOGUE if rest.startswith(mark)), None)) is not None:
        if rest.startswith("<!doctype svg"):
            return SVG
        rest = rest.partition(PROLOGUE[opening])[2].lstrip()
    return SVG if re.match(r"<(?:[\w-]+:)?svg\b", rest) else HTML

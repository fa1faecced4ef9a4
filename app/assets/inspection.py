"""What a file is, by its contents: never by its name or by what the client says."""

import io
from dataclasses import dataclass, replace
from typing import BinaryIO

from app.assets.claims import called, contradiction
from app.assets.documents import by_structure, by_whole
from app.assets.signatures import by_signature
from app.assets.texts import by_text, goes_on
from app.images.frames import count_frames
from app.images.headers import read_header, read_image

UNKNOWN = "application/octet-stream"
MAX_FRAMES = 100  # that are counted if nobody says


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the bytes say: a media type of our own choosing, and the size of an image in pixels."""

    content_type: str
    width: int | None = None
    height: int | None = None
    frames: int | None = None  # counted only as far as one beyond what is allowed
    said: str | None = None  # what the client called it, where the contents are something else
    complete: bool = False  # all of the file was looked at, not only its first bytes


def inspect(head: bytes, *, whole: bool, filename: str = "", declared: str = "") -> Inspection:
    """The first bytes of a file -> what it is; `whole` when they are all there are.

    The name and the declared type decide nothing that matters: only whether a text of rows is called a table, and
    a text of JSON is called that.
    """
    if image := read_header(head):
        seen = Inspection(image.content_type, image.width, image.height)
    else:
        text_called = called(filename, declared)
        found = by_structure(head) or by_text(head, whole=whole, called=text_called) or by_signature(head)
        seen = Inspection(found or UNKNOWN)
    return replace(seen, said=contradiction(seen.content_type, filename, declared))


def complete(seen: Inspection, stream: BinaryIO, *, max_frames: int = MAX_FRAMES) -> Inspection:
    """What only the whole file says: frames, a size behind large metadata, what a ZIP holds, where a text ends.

    Reads little of a file and keeps less. Blocks: not for the event loop.
    """
    whole = replace(seen, complete=True)
    if seen.content_type.startswith("image/") and (image := read_image(stream)):
        frames = count_frames(stream, seen.content_type, limit=max_frames)
        return replace(whole, width=image.width, height=image.height, frames=frames)
    if seen.content_type.startswith("text/") and not goes_on(stream, seen.content_type):
        return replace(whole, content_type=UNKNOWN)
    return replace(whole, content_type=by_whole(stream, seen.content_type))


def inspect_all(data: bytes, *, filename: str = "", declared: str = "", max_frames: int = MAX_FRAMES) -> Inspection:
    """A whole file in memory -> what it is, with all that can be known."""
    seen = inspect(data, whole=True, filename=filename, declared=declared)
    return complete(seen, io.BytesIO(data), max_frames=max_frames)

"""The one way in: a plan of what is taken out of a file, made before the first byte is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from app.images.metadata import gif, heif, jpeg, png, webp
from app.images.metadata.draft import Damaged, Draft, Plan, Remove, Source

FORMATS: dict[str, Callable[[Draft], None]] = {
    "image/jpeg": jpeg.edit,
    "image/png": png.edit,
    "image/webp": webp.edit,
    "image/gif": gif.edit,
    "image/avif": heif.edit,
    "image/heic": heif.edit,
    "image/heif": heif.edit,
}
CLEANED_TYPES = frozenset(FORMATS)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What came of it. Nothing was written if `changed` is false: the file is fine as it is, or `left` says why not.

    Words: exif, gps, makernote, xmp, iptc, text, comment, time, thumbnail, trailer (what follows the image) and
    other; in `left` also unknown (a part that nobody can look into), and structure (a file that cannot be followed,
    or of a type that is not cleaned: it is as it came).
    """

    changed: bool
    removed: tuple[str, ...]
    left: tuple[str, ...]


def plan(source: BinaryIO, content_type: str, *, remove: Remove) -> Plan:
    """Look, and write nothing. The source can seek; it is read from its beginning, wherever it stands.

    `gps` takes out what tells the place: positions, place names, maker notes (nobody can tell what they hold), and
    what is appended to the image unless it is an image itself. A block that may tell the place and cannot be
    understood goes whole, but for the orientation. `all` takes out whatever is not needed to show the image.
    Raises what the source raises, and nothing else.
    """
    draft = Draft(Source(source), remove)
    try:
        FORMATS[content_type](draft)
        return draft.plan()
    except (Damaged, KeyError):
        return draft.unfit()


def clean(source: BinaryIO, content_type: str, *, remove: Remove, write: Callable[[bytes], object]) -> Cleaned:
    """Write the file without its personal metadata, in pieces of at most 256 KiB; nothing if there is nothing to do.

    Pixels, orientation and colour profile are those that came. Raises OSError, and what `write` raises.
    """
    planned = plan(source, content_type, remove=remove)
    if planned.changed:
        for piece in planned.pieces(source):
            write(piece)
    return Cleaned(planned.changed, planned.removed, planned.left)

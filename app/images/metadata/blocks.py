"""The blocks that formats carry, Exif, XMP and Photoshop's: how each loses its places, or all of it, in its length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.images.metadata import exif, iptc, xmp
from app.images.metadata.draft import Draft

Name = Literal["exif", "xmp", "iptc"]


@dataclass(frozen=True, slots=True)
class Block:
    """A block, and where in the file it lies."""

    name: Name
    extents: tuple[range, ...]

    @property
    def length(self) -> int:
        """Bytes."""
        return sum(map(len, self.extents))


def without_places(name: Name, data: bytes) -> tuple[bytes, frozenset[str]]:
    """A block of the same length that doesn't tell the place, and the words for what it lost."""
    if name == "exif":
        return exif.without_places(data)
    new = xmp.without_places(data) if name == "xmp" else iptc.resources_without_places(data)
    new = EMPTIED[name](data) if new is None else new
    return new, frozenset({name} if new != data else ())


def clear_places(draft: Draft, block: Block) -> None:
    """Overwrite what tells the place; a block that is too large to be looked into goes whole."""
    data = draft.source.block(block.extents)
    if data is None:
        blank(draft, block.extents, block.name)
    else:
        new, words = without_places(block.name, data)
        draft.overwrite(block.extents, new, *words)


def empty(draft: Draft, block: Block) -> None:
    """Overwrite all of it but the orientation."""
    data = draft.source.block(block.extents)
    if data is None:
        blank(draft, block.extents, block.name)
    else:
        draft.overwrite(block.extents, EMPTIED[block.name](data), block.name)


def blank(draft: Draft, extents: Sequence[range], word: str) -> None:
    """Overwrite with zeros."""
    for place in extents:
        draft.blank(place, word)


def _zeros(data: bytes) -> bytes:
    return bytes(len(data))


EMPTIED: dict[Name, Callable[[bytes], bytes]] = {"exif": exif.emptied, "xmp": xmp.emptied, "iptc": _zeros}

"""GIF: blocks and extensions. Sources: GIF89a, XMP part 3 (its place in a GIF)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.images.metadata import xmp
from app.images.metadata.draft import PIECE, Damaged, Draft, Source

HEADER, FRAME = 13, 10  # bytes: signature and screen; an image's separator, place and flags
COLOURS = 0x80  # the flag of a table of colours; the lowest three bits tell its size
IMAGE, EXTENSION, TRAILER, STRAY = b",", b"!", b";", b"\0"
CONTROL, COMMENT, TEXT, APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
NAME = 11  # bytes of an application's name and code
SHOWN = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})  # loops, colour profile
PACKET = b"XMP DataXMP"
# A packet is no chain of sub-blocks. A reader that takes its bytes for lengths lands here, wherever it comes from.
MAGIC = bytes([1, *range(255, -1, -1), 0])
OPAQUE = re.compile(rb"MGK|C2PA")  # blocks of other formats, as a program writes them; provenance
MOST_STEPS = 600_000  # sub-blocks; those of 100 MB are fewer


@dataclass(frozen=True, slots=True)
class Extension:
    """A label, an application's name if it is one's, and where the extension and its sub-blocks lie."""

    label: int
    name: bytes
    start: int
    data: int
    stop: int


def edit(draft: Draft) -> None:
    """Extension by extension; images are copied."""
    walk = _Walk(draft.source)
    for extension in walk.extensions():
        if extension.label == CONTROL or extension.name in SHOWN:
            continue
        if draft.everything:
            draft.replace(extension.start, extension.stop, b"", _word(extension))
        else:
            _clear(draft, extension)
    if walk.at < draft.source.size:
        draft.replace(walk.at, draft.source.size, b"", "trailer")


def _clear(draft: Draft, extension: Extension) -> None:
    """What tells the place goes: in place, or the whole extension."""
    if extension.name == PACKET:
        _clear_packet(draft, extension)
    elif OPAQUE.match(extension.name):
        draft.replace(extension.start, extension.stop, b"", _word(extension))
    elif extension.label not in {COMMENT, TEXT}:
        draft.leave("unknown")


def _clear_packet(draft: Draft, extension: Extension) -> None:
    end = extension.stop - len(MAGIC)
    place = range(extension.data, max(extension.data, end))
    known = draft.source.upto(end, len(MAGIC)) == MAGIC
    old = draft.source.block([place]) if known else None
    if old is None or b"\0" in old:  # a zero would end the extension
        draft.replace(extension.start, extension.stop, b"", "xmp")
        return
    new = xmp.without_places(old)
    draft.overwrite([place], xmp.emptied(old) if new is None else new, "xmp")


def _word(extension: Extension) -> str:
    if extension.label == COMMENT:
        return "comment"
    if extension.label == TEXT:
        return "text"
    if extension.name == PACKET:
        return "xmp"
    return "iptc" if extension.name.startswith((b"MGKIPTC", b"MGK8BIM")) else "other"


class _Walk:
    """From block to block. `at` is where the image ends when the walk is over."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._window, self._window_at = b"", 0
        self._steps = 0
        header = source.read(0, HEADER)
        if header[:6] not in {b"GIF87a", b"GIF89a"}:
            raise Damaged
        self.at = HEADER + _colours(header[10])

    def extensions(self) -> Iterator[Extension]:
        """Up to the trailer, or the file's end. A last image may be cut, an extension may not."""
        while (introducer := self._take(1)) not in {TRAILER, b""}:
            self._step()
            if introducer == IMAGE:
                self._pass_image()
            elif introducer == EXTENSION:
                yield self._extension()
            elif introducer != STRAY:  # decoders pass over zeros; what they make of other bytes differs
                raise Damaged

    def _pass_image(self) -> None:
        frame = self._take(FRAME - 1)
        if len(frame) == FRAME - 1:
            self.at += _colours(frame[-1]) + 1  # the table, and how many bits a code has
        self._pass_sub_blocks()
        self.at = min(self.at, self._source.size)

    def _extension(self) -> Extension:
        start, label = self.at - 1, self._take(1)
        opening = self._source.upto(self.at, 1 + NAME)
        name = opening[1:] if label == bytes([APPLICATION]) and opening[:1] == bytes([NAME]) else b""
        data = self.at + len(opening)
        self._pass_sub_blocks()
        if self.at > self._source.size or not label:
            raise Damaged
        return Extension(label[0], name, start, data, self.at)

    def _pass_sub_blocks(self) -> None:
        while self.at < self._source.size:
            self._step()
            (length,) = self._take(1)
            if not length:
                return
            self.at += length
        self.at = self._source.size + 1  # there was no end

    def _take(self, length: int) -> bytes:
        offset = self.at - self._window_at
        if not 0 <= offset <= len(self._window) - length:
            self._window, self._window_at, offset = self._source.upto(self.at, PIECE), self.at, 0
        self.at += length
        return self._window[offset : offset + length]

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise Damaged


def _colours(flags: int) -> int:
    """Bytes of a table of colours, if there is one."""
    return 3 * 2 ** (flags % 8 + 1) if flags & COLOURS else 0

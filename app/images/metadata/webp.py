"""WebP: chunks of a RIFF file. Sources: WebP container specification (RFC 9649), XMP part 3."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from app.images.metadata import blocks, exif
from app.images.metadata.blocks import Block
from app.images.metadata.draft import LONGEST_WALK, Damaged, Draft, Source

HEADER, OPENING, FRAME = 12, 8, 16  # bytes; a frame's own header stands before its chunks
SHOWN = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
IN_FRAME = frozenset({b"ALPH", b"VP8 ", b"VP8L"})
OPAQUE = frozenset({b"C2PA"})  # provenance: it tells places, and a change breaks its signature
EXIF_FLAG, XMP_FLAG = 0x08, 0x04
WORDS = {b"EXIF": "exif", b"XMP ": "xmp"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A name, where the chunk lies with its length and padding, and where its data lie."""

    name: bytes
    start: int
    stop: int
    data: range


def edit(draft: Draft) -> None:
    """Chunk by chunk; the header then says how long the file is and what it holds."""
    source = draft.source
    mark, size, kind = struct.unpack("<4sI4s", source.read(0, HEADER))
    end = size + OPENING
    if (mark, kind) != (b"RIFF", b"WEBP") or not HEADER < end <= source.size:
        raise Damaged
    chunks = list(_chunks(source, range(HEADER, end)))
    if draft.everything:
        _strip(draft, chunks)
    else:
        for chunk in chunks:
            _clear(draft, chunk)
    if draft.moves:
        draft.replace(4, 8, struct.pack("<I", draft.plan().size - (source.size - end) - OPENING))
    if end < source.size:
        draft.replace(end, source.size, b"", "trailer")


def _chunks(source: Source, within: range) -> Iterator[Chunk]:
    at = within.start
    for _ in range(LONGEST_WALK):
        if at == within.stop:
            return
        name, length = struct.unpack("<4sI", source.read(at, OPENING))
        start, stop = at + OPENING, at + OPENING + length
        if stop > within.stop:
            raise Damaged
        stop = min(stop + length % 2, within.stop)  # some programs leave out the last padding
        yield Chunk(name, at, stop, range(start, start + length))
        at = stop
    raise Damaged


def _strip(draft: Draft, chunks: list[Chunk]) -> None:
    """What shows the image stays, and the orientation in the place of the first Exif."""
    turned = _orientation(draft.source, chunks)
    new = b"EXIF" + struct.pack("<I", len(turned)) + turned if turned else b""
    for chunk in chunks:
        if chunk.name == b"VP8X":
            _say(draft, chunk, EXIF_FLAG if turned else 0)
        elif chunk.name == b"ANMF":
            _strip_frame(draft, chunk)
        elif chunk.name == b"EXIF":
            _put(draft, chunk, new, "exif")
            new = b""
        elif chunk.name not in SHOWN:
            _put(draft, chunk, b"", WORDS.get(chunk.name, "other"))


def _orientation(source: Source, chunks: list[Chunk]) -> bytes:
    first = next((chunk for chunk in chunks if chunk.name == b"EXIF"), None)
    return exif.orientation_alone((source.block([first.data]) or b"").removeprefix(exif.PREFIX)) if first else b""


def _put(draft: Draft, chunk: Chunk, data: bytes, word: str) -> None:
    length = chunk.stop - chunk.start
    if len(data) != length or data != draft.source.upto(chunk.start, length):
        draft.replace(chunk.start, chunk.stop, data, word)


def _say(draft: Draft, header: Chunk, held: int) -> None:
    """The extended header's first byte says whether there are Exif and XMP."""
    (flags,) = draft.source.read(header.data.start, 1)
    new = flags & ~(EXIF_FLAG | XMP_FLAG) | flags & held
    if new != flags:
        draft.replace(header.data.start, header.data.start + 1, bytes([new]))


def _strip_frame(draft: Draft, frame: Chunk) -> None:
    """Chunks that no decoder knows are allowed in a frame too."""
    inner = _chunks(draft.source, range(frame.data.start + FRAME, frame.stop))
    others = [chunk for chunk in inner if chunk.name not in IN_FRAME]
    if others:
        length = frame.stop - frame.data.start - sum(chunk.stop - chunk.start for chunk in others)
        draft.replace(frame.start + 4, frame.data.start, struct.pack("<I", length))
    for chunk in others:
        draft.replace(chunk.start, chunk.stop, b"", "other")


def _clear(draft: Draft, chunk: Chunk) -> None:
    """Exif and XMP without places, as long as they were."""
    if chunk.name == b"EXIF":
        start = exif.start(draft.source.upto(chunk.data.start, min(len(chunk.data), len(exif.PREFIX))))
        blocks.clear_places(draft, Block("exif", (chunk.data[start:],)))
    elif chunk.name == b"XMP ":
        blocks.clear_places(draft, Block("xmp", (chunk.data,)))
    elif chunk.name in OPAQUE:
        draft.replace(chunk.start, chunk.stop, b"", "other")
    elif chunk.name not in SHOWN:
        draft.leave("unknown")

"""PNG and APNG: chunks. Sources: PNG third edition, PNG extensions 1.5.0, XMP part 3."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from app.images.metadata import exif, png_text
from app.images.metadata.draft import LONGEST_WALK, Damaged, Draft, Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
OPENING, CRC, LARGEST = 8, 4, 2**31 - 1  # bytes
# Colour, size on paper, transparency, animation: what decides how the image is shown.
SHOWN = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV mDCv cLLI cLLi bKGD hIST pHYs sPLT sTER "
    b"acTL fcTL fdAT".split()
)
TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# No positions in them: a time, scales and offsets on paper, marks of programs, places of image data.
HARMLESS = frozenset(b"tIME oFFs pCAL sCAL gIFg gIFx gIFt vpAg iDOT orNT".split())
OFFSETS = b"iDOT"  # says where halves of the image data lie: wrong when anything before them changed its length
OPAQUE = frozenset({b"caBX", b"dSIG"})  # provenance, which tells places, and signatures, which a change breaks
SMALL = 0x20  # the bit that makes a letter small: a chunk of such a name may be left out
WORDS = {b"eXIf": "exif", b"tIME": "time"}


@dataclass(frozen=True, slots=True)
class Chunk:
    """A name, and where the chunk lies with its length and checksum."""

    name: bytes
    start: int
    stop: int

    @property
    def data(self) -> range:
        """Where its data lie."""
        return range(self.start + OPENING, self.stop - CRC)


def edit(draft: Draft) -> None:
    """Chunk by chunk; Exif keeps its orientation in the place of the first eXIf chunk."""
    chunks = list(_chunks(draft.source))
    first = next((chunk for chunk in chunks if chunk.name == b"eXIf"), None)
    for chunk in chunks:
        if chunk.name in SHOWN:
            continue
        if draft.everything:
            _strip(draft, chunk, turns=chunk is first)
        else:
            _clear(draft, chunk)
    for chunk in chunks:
        if chunk.name == OFFSETS and draft.moves and not draft.everything:
            draft.replace(chunk.start, chunk.stop)
    end = chunks[-1].stop
    if end < draft.source.size:
        draft.replace(end, draft.source.size, b"", "trailer")


def _chunks(source: Source) -> Iterator[Chunk]:
    """All up to IEND; Damaged if there is no such end, or a chunk that no decoder may pass over."""
    if source.read(0, len(SIGNATURE)) != SIGNATURE:
        raise Damaged
    at = len(SIGNATURE)
    for _ in range(LONGEST_WALK):
        length, name = struct.unpack(">I4s", source.read(at, OPENING))
        stop = at + OPENING + length + CRC
        if length > LARGEST or stop > source.size or not name.isalpha() or not (name in SHOWN or name[0] & SMALL):
            raise Damaged
        yield Chunk(name, at, stop)
        if name == b"IEND":
            return
        at = stop
    raise Damaged


def _strip(draft: Draft, chunk: Chunk, *, turns: bool) -> None:
    """The chunk goes, but for the orientation."""
    data = b""
    if turns:
        data = exif.orientation_alone((draft.source.block([chunk.data]) or b"").removeprefix(exif.PREFIX))
    _put(draft, chunk, data, "text" if chunk.name in TEXT else WORDS.get(chunk.name, "other"))


def _clear(draft: Draft, chunk: Chunk) -> None:
    """What tells the place goes."""
    if chunk.name == b"eXIf":
        _clear_exif(draft, chunk)
    elif chunk.name in TEXT:
        _clear_text(draft, chunk)
    elif chunk.name in OPAQUE:
        draft.replace(chunk.start, chunk.stop, b"", "other")
    elif chunk.name not in HARMLESS:
        draft.leave("unknown")


def _clear_exif(draft: Draft, chunk: Chunk) -> None:
    data = draft.source.block([chunk.data])
    if data is None:
        _put(draft, chunk, b"", "exif")
        return
    start = exif.start(data)
    new, words = exif.without_places(data[start:])
    _put(draft, chunk, data[:start] + new, *words)


def _clear_text(draft: Draft, chunk: Chunk) -> None:
    opening = draft.source.upto(chunk.data.start, min(len(chunk.data), png_text.LONGEST_KEYWORD + 1))
    match png_text.judged(opening):
        case "packet":
            data = draft.source.block([chunk.data])
            new = None if data is None else png_text.without_places(chunk.name, data)
            _put(draft, chunk, new or b"", "xmp")
        case word if word:
            _put(draft, chunk, b"", word)


def _put(draft: Draft, chunk: Chunk, data: bytes, *words: str) -> None:
    """Other data in the chunk, or no chunk if there are none."""
    if len(data) == len(chunk.data) and data == draft.source.block([chunk.data]):
        return
    length, check = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(chunk.name + data))
    draft.replace(chunk.start, chunk.stop, length + chunk.name + data + check if data else b"", *words)

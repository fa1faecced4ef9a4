"""How many frames an animation has: blocks are jumped over by their length, and none is decoded."""

import io
from collections.abc import Callable
from typing import BinaryIO, cast

from app.images import boxes

BLOCKS = 1_000_000  # parts of blocks of a GIF; one of 100 MB has 400,000
OTHERS = 1_000  # chunks and extensions that are no frames, besides ten to a frame


def count_frames(stream: BinaryIO, content_type: str, *, limit: int) -> int | None:
    """How many frames a whole file has, counted to `limit + 1` at most; None for what is no image that we know.

    Memory is flat and time bounded: what is made of too many tiny parts counts as too many frames. Blocks.
    """
    count = COUNTERS.get(content_type)
    if count is None:
        return 1 if content_type == "image/jpeg" else None
    stream.seek(0)
    buffered = io.BufferedReader(cast("io.RawIOBase", stream))
    try:
        return min(count(buffered, limit), limit + 1)
    finally:
        buffered.detach()


def _gif(stream: BinaryIO, limit: int) -> int:
    """Image descriptors; extensions are passed over."""
    flags = stream.read(13)[10]
    stream.seek(_colours(flags), 1)
    found, budget = 0, BLOCKS
    for _ in range(_most(limit)):
        match stream.read(1):
            case b"\x2c":
                found += 1
                descriptor = stream.read(9)
                if found > limit or len(descriptor) < 9:
                    return found
                stream.seek(_colours(descriptor[8]) + 1, 1)
            case b"\x21":
                stream.seek(1, 1)
            case _:  # the end, or nothing that we know
                return found
        if not (budget := _pass_blocks(stream, budget)):
            return limit + 1
    return limit + 1


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _pass_blocks(stream: BinaryIO, budget: int) -> int:
    """Go behind the empty block; what is left of the budget, 0 when it is used up."""
    while budget and (length := stream.read(1)) not in {b"", b"\0"}:
        stream.seek(length[0], 1)
        budget -= 1
    return budget


def _png(stream: BinaryIO, limit: int) -> int:
    """What the animation control chunk says; it stands before the data."""
    stream.seek(8)
    for _ in range(OTHERS):
        opening = stream.read(8)
        if len(opening) < 8 or opening[4:] == b"IDAT":
            return 1
        if opening[4:] == b"acTL":
            return max(1, int.from_bytes(stream.read(4), "big"))
        stream.seek(int.from_bytes(opening[:4], "big") + 4, 1)
    return limit + 1


def _webp(stream: BinaryIO, limit: int) -> int:
    """ANMF chunks, if the extended header says that it is animated."""
    head = stream.read(30)
    if head[12:16] != b"VP8X" or not head[20] & 2:
        return 1
    found = 0
    for _ in range(_most(limit)):
        opening = stream.read(8)
        found += opening[:4] == b"ANMF"
        if len(opening) < 8 or found > limit:
            return found
        length = int.from_bytes(opening[4:], "little")
        stream.seek(length + length % 2, 1)
    return limit + 1


def _sequence(stream: BinaryIO, _limit: int) -> int:
    return max(1, boxes.samples(stream))


def _most(limit: int) -> int:
    return OTHERS + 10 * (limit + 1)


COUNTERS: dict[str, Callable[[BinaryIO, int], int]] = {
    "image/gif": _gif,
    "image/png": _png,
    "image/webp": _webp,
    "image/avif": _sequence,
    "image/heic": _sequence,
    "image/heif": _sequence,
}

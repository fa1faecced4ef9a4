"""What is uploaded: files that can be made again from their number, each unlike every other."""

import hashlib
import random
from dataclasses import dataclass

from tests.conftest import PDF, make_png

KEY = {"Authorization": "Bearer crash-key"}
API_KEYS = "crash:crash-key"

SMALL = (200, 60_000)  # bytes
LARGE = (300_000, 2_000_000)
BLOCK = random.Random(0).randbytes(LARGE[1])


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make one file again."""

    name: str  # unlike every other in this run
    kind: str  # logo | photo | document | file
    size: int  # bytes, about

    def bake(self) -> bytes:
        """The contents."""
        unlike = hashlib.sha256(self.name.encode()).digest()
        head = {"document": PDF, "file": b"\0"}.get(self.kind) or make_png(noise=unlike)
        rest = max(0, self.size - len(head) - len(unlike))
        return head + unlike + BLOCK[:rest]


def any_size(rng: random.Random, *, large: bool) -> int:
    """Small ones stay in memory, large ones are spooled."""
    return rng.randint(*(LARGE if large else SMALL))

"""What is fuzzed: a name, samples to begin with, and one function that takes any bytes."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

BY_BYTES = ("multipart", "inspection", "metadata", "svg", "names")  # one file each in targets/
ALL = (*BY_BYTES, "api")

STRETCH = b"\xf5*"  # opens an input of which one piece is repeated: what takes the square of a length shows itself
LONGEST = 256 * 1024  # bytes of a stretched input
SECONDS = 2.0  # of the processor, for one execution


class Broken(AssertionError):
    """A promise that one input broke."""


@dataclass(frozen=True, slots=True)
class Target:
    """`execute` raises for a finding, whatever it raises; refusals that are documented are its own to catch."""

    execute: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...]  # what a mutation may put in


def load(name: str) -> Target:
    """The target of `targets/<name>.py`."""
    target: Target = importlib.import_module(f"tests.fuzz.targets.{name}").TARGET
    return target


def stretched(data: bytes, at: int, length: int, times: int) -> bytes:
    """An input that stands for `data` with `length` bytes from `at` on so many times."""
    head = at.to_bytes(3, "big") + length.to_bytes(2, "big") + times.to_bytes(3, "big")
    return STRETCH + head + data


def meant(data: bytes) -> bytes:
    """The bytes that an input stands for."""
    if not data.startswith(STRETCH) or len(data) < len(STRETCH) + 8:
        return data
    head, rest = data[2:10], data[10:]
    at = int.from_bytes(head[:3], "big") % (len(rest) + 1)
    piece = rest[at : at + int.from_bytes(head[3:5], "big")]
    times = min(int.from_bytes(head[5:], "big"), LONGEST // max(1, len(piece)))
    return rest[:at] + piece * times + rest[at + len(piece) :]


def check(kept: object, promise: str) -> None:
    """Raise `Broken` unless the promise is kept."""
    if not kept:
        raise Broken(promise)

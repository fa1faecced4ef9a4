"""Inputs made of samples by chance alone: the same seed makes the same ones."""

import random
from collections.abc import Callable, Iterator, Sequence

from tests.fuzz.target import stretched

MOST_CHANGES = 6
LARGEST = 64 * 1024  # bytes of one input
POOL = 200  # inputs that are remembered and changed further
ENDS = (b" ", b">", b"/>", b"<", b'"', b";", b",", b"}", b"\r\n")
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


class Mutator:
    """Takes a sample, or something made before, and spoils it in up to six ways."""

    def __init__(self, seed: int, samples: Sequence[bytes], tokens: Sequence[bytes]) -> None:
        self._rng = random.Random(seed)
        self._samples = list(samples)
        self._made: list[bytes] = []
        self._tokens = list(tokens) or [b""]
        self._ways: tuple[Callable[[bytes, int], bytes], ...] = (
            self._flip,
            self._set,
            self._number,
            self._token,
            self._insert,
            self._drop,
            self._repeat,
            self._move,
            self._splice,
            lambda data, at: data[:at],
        )

    def inputs(self, count: int) -> Iterator[bytes]:
        """The samples as they are, then so many as are missing."""
        yield from self._samples[:count]
        for _ in range(count - len(self._samples)):
            yield self._one()

    def _one(self) -> bytes:
        rng = self._rng
        data = rng.choice(self._made if self._made and rng.random() < 0.2 else self._samples)
        for _ in range(rng.randint(1, MOST_CHANGES)):
            data = rng.choice(self._ways)(data, self._place(data))[:LARGEST]
        if rng.random() < 0.05:
            self._remember(data)
        if rng.random() < 0.02:
            return stretched(data, self._place(data), rng.randint(1, 64), rng.choice((100, 5_000, 100_000)))
        return data

    def _remember(self, data: bytes) -> None:
        if len(self._made) < POOL:
            self._made.append(data)
        else:
            self._made[self._rng.randrange(POOL)] = data

    def _place(self, data: bytes) -> int:
        """Anywhere, more often near the beginning, where headers are."""
        end = len(data) if self._rng.random() < 0.6 else min(64, len(data))
        return self._rng.randint(0, end)

    def _flip(self, data: bytes, at: int) -> bytes:
        return data[:at] + bytes(byte ^ 1 << self._rng.randrange(8) for byte in data[at : at + 1]) + data[at + 1 :]

    def _set(self, data: bytes, at: int) -> bytes:
        new = self._rng.randbytes(self._rng.randint(1, 4))
        return data[:at] + new + data[at + len(new) :]

    def _number(self, data: bytes, at: int) -> bytes:
        """A length or an offset that is none."""
        width = self._rng.choice((1, 2, 4))
        number = self._rng.choice((*NUMBERS, len(data), len(data) - at)) % (1 << 8 * width)
        return data[:at] + number.to_bytes(width, self._rng.choice(("big", "little"))) + data[at + width :]

    def _token(self, data: bytes, at: int) -> bytes:
        """A word of the format, half of the time where words end."""
        token = self._rng.choice(self._tokens)
        if self._rng.random() < 0.5 and (end := data.find(self._rng.choice(ENDS), at)) >= 0:
            return data[:end] + token + data[end:]
        return data[:at] + token + data[at + self._rng.choice((0, len(token))) :]

    def _insert(self, data: bytes, at: int) -> bytes:
        return data[:at] + self._rng.randbytes(self._rng.randint(1, 16)) + data[at:]

    def _drop(self, data: bytes, at: int) -> bytes:
        return data[:at] + data[at + self._rng.choice((1, 2, 4, 16, 64, 512)) :]

    def _repeat(self, data: bytes, at: int) -> bytes:
        length = self._rng.choice((1, 4, 16, 64, 256))
        return data[:at] + data[at : at + length] * self._rng.randint(1, 20) + data[at:]

    def _move(self, data: bytes, at: int) -> bytes:
        """A piece from elsewhere, over what is there or before it."""
        start, length = self._place(data), self._rng.choice((2, 8, 32, 128))
        piece = data[start : start + length]
        return data[:at] + piece + data[at + self._rng.choice((0, len(piece))) :]

    def _splice(self, data: bytes, at: int) -> bytes:
        other = self._rng.choice(self._samples)
        return data[:at] + other[self._place(other) :]

"""A readable part of an open file."""

import io
import os
from typing import BinaryIO, Self, cast

from app.storage.folders import translated


class Window(io.RawIOBase):
    """The bytes of a descriptor from one offset to another; closing it closes the descriptor."""

    def __init__(self, fd: int, start: int, end: int) -> None:
        super().__init__()
        self._fd, self._at, self._end = fd, start, end

    @classmethod
    def of(cls, fd: int, start: int, end: int) -> BinaryIO:
        """As the type that backends promise."""
        return cast("BinaryIO", cls(fd, start, end))

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill `buffer`, by its own offset: nobody else's reading moves it."""
        with translated():
            data = os.pread(self._fd, min(len(buffer), max(0, self._end - self._at)), self._at)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Once."""
        if not self.closed:
            os.close(self._fd)
        super().close()

    def __enter__(self) -> Self:
        return self

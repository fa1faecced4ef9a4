"""An object on its way from a cloud: taken up again where it broke off, never silently short."""

import contextlib
import io
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol, cast

from app.errors import StorageTimeout, StorageUnavailable

RESUMPTIONS = 2


class Source(Protocol):
    """What SDKs give to read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""

    def close(self) -> None:
        """Give the connection back."""


# From an offset in the wanted range: the bytes from there on, and how many they are if the store says.
Connect = Callable[[int], tuple[Source, int | None]]


class Download(io.RawIOBase):
    """The bytes of a range. The first connection is made at once, so that what is missing is known at once."""

    def __init__(self, connect: Connect) -> None:
        super().__init__()
        self._connect = connect
        self._at, self._resumptions = 0, 0
        self._source, left = connect(0)
        self._end = left

    @classmethod
    def of(cls, connect: Connect) -> BinaryIO:
        """As the type that backends promise."""
        return cast("BinaryIO", cls(connect))

    def readable(self) -> bool:
        """It is for reading only."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill some of `buffer`; 0 at the end."""
        if self.closed:
            raise ValueError("The download is closed.")
        data = self._read(len(buffer) if self._end is None else min(len(buffer), self._end - self._at))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Once; a connection that can't be closed in good order is dropped."""
        if not self.closed:
            self._let_go()
        super().close()

    def _let_go(self) -> None:
        with contextlib.suppress(Exception):
            self._source.close()

    def _read(self, size: int) -> bytes:
        """What came; after a failure the rest is asked for anew."""
        while size > 0:
            try:
                if data := self._source.read(size):
                    self._at += len(data)
                    return data
                if self._end is None:
                    break
                raise StorageUnavailable("The store's answer ended too early.")  # noqa: TRY301 - as if it had said so
            except (StorageUnavailable, StorageTimeout):
                self._resumptions += 1
                if self._resumptions > RESUMPTIONS:
                    raise
                self._let_go()
                self._source, _ = self._connect(self._at)
        return b""

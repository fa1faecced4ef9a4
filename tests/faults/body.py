"""A body in whose middle something happens."""

from collections.abc import Callable
from typing import Any, BinaryIO

Act = Callable[[], object]


class Watched:
    """Something happens in its middle, once: when it is read so often that far."""

    def __init__(self, body: BinaryIO, middle: int, act: Act, passes: int) -> None:
        self._body, self._middle, self._act, self._passes = body, middle, act, passes
        self._beyond = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def read(self, size: int = -1, /) -> bytes:
        """Never across the middle at once: the backend has the first half when it happens."""
        rest = self._middle - self._body.tell()
        if rest <= 0:
            self._pass()
            return self._body.read(size)
        self._beyond = False
        first = self._body.read(rest if size < 0 else min(size, rest))
        return first + self.read() if size < 0 else first

    def _pass(self) -> None:
        if not self._beyond:
            self._beyond, self._passes = True, self._passes - 1
            if self._passes == 0:
                self._act()

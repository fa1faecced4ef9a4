"""Turns: what is asked for while one piece of work runs is done together in the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.errors import Busy

T = TypeVar("T")

MOST = 64  # entries in one turn: it takes milliseconds, whoever waits for it
WAITING = 512  # entries that may wait for theirs before the answer is 503


class Turns(Generic[T]):
    """Hands entries to `work`, which tells whoever waits for them and raises nothing. One turn after the other."""

    def __init__(self, name: str, work: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._name, self._work = name, work
        self._waiting: list[T] = []
        self._running: asyncio.Task[None] | None = None

    def enter(self, entry: T) -> None:
        """It is in a turn that begins after this; `Busy` when too many are waiting."""
        if len(self._waiting) >= WAITING:
            raise Busy(f"Too many operations are waiting ({self._name}).")
        self._waiting.append(entry)
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                turn, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._work(turn)
        finally:
            self._running = None

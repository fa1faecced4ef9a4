"""Small puts that arrive while others are made are made together in the next turn, by one thread."""

import asyncio
from collections.abc import Callable, Sequence

from app.lanes import Lane
from app.storage.backend import Put, Stored
from app.turns import Turns

SMALL = 64 * 1024  # bytes: what is larger would keep its neighbours waiting

Entry = tuple[Put, asyncio.Future[Stored]]


class SmallPuts:
    """One thread and one turn for many files: what many threads do in turns costs more than what they do."""

    def __init__(self, name: str, put_all: Callable[[Sequence[Put]], Sequence[Stored | Exception]]) -> None:
        self._put_all = put_all
        self._lane = Lane(f"{name}-small", threads=1, waiting=1)
        self._turns = Turns(f"{name}-small", self._work)

    async def put(self, put: Put) -> Stored:
        """As the backend's own: what was entered is done, whoever still waits for it."""
        stored: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._turns.enter((put, stored))
        return await asyncio.shield(stored)

    def close(self) -> None:
        """Wait for the turn that runs."""
        self._lane.close()

    async def _work(self, turn: Sequence[Entry]) -> None:
        outcomes: Sequence[Stored | Exception]
        try:
            outcomes = await self._lane.run(self._put_all, [put for put, _ in turn])
        except Exception as failure:  # noqa: BLE001 - it is told to whoever waits
            outcomes = [failure] * len(turn)
        for (_, stored), outcome in zip(turn, outcomes, strict=True):
            if isinstance(outcome, Exception):
                stored.set_exception(outcome)
                stored.exception()  # looked at: its request may have gone
            else:
                stored.set_result(outcome)

"""A lane: the one way from the event loop to a thread, bounded in threads and in waiting work."""

import asyncio
import contextvars
import functools
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from app.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 1.0  # seconds that cleaning up may hold an answer back


class Lane:
    """A few threads and a short queue before them, in which nothing waits for longer than `patience` (seconds).

    `run` raises `Busy` at once when the queue is full: waiting longer than a client does helps nobody.
    What was handed to a thread is never dropped when the caller is cancelled: it is done, or it was never accepted.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, patience: float = math.inf) -> None:
        self.name = name
        self._patience = patience
        self._limit = threads + waiting
        self._under_way = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        """Hand `function` to a thread; await the future behind `asyncio.shield`."""
        if self._under_way >= self._limit:
            raise Busy(f"Too many operations are waiting ({self.name}).")
        since, call = time.monotonic(), functools.partial(function, *args, **kwargs)
        return self._hand_over(self._in_time, since, call)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking `function` in a thread and wait for what it returns."""
        return await asyncio.shield(self.submit(function, *args, **kwargs))

    async def clean(self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Give back what was taken: never refused, and not waited for when the threads are stuck."""
        try:
            await asyncio.wait([self._hand_over(function, *args, **kwargs)], timeout=PATIENCE)
        except Busy:
            function(*args, **kwargs)

    def close(self) -> None:
        """Let what runs end, take nothing new."""
        self._pool.shutdown(wait=True)

    def _in_time(self, since: float, call: Callable[[], T]) -> T:
        """In the thread: what has waited too long is not begun."""
        if time.monotonic() - since > self._patience:
            raise Busy(f"It waited too long for a thread ({self.name}).")
        return call()

    def _hand_over(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        self._under_way += 1
        call = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
        try:
            future = asyncio.get_running_loop().run_in_executor(self._pool, call)
        except RuntimeError:  # closed: the service stops
            self._under_way -= 1
            raise Busy("The service is stopping.") from None
        future.add_done_callback(self._done)
        return future

    def _done(self, future: asyncio.Future[T]) -> None:
        self._under_way -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that nobody is told about a failure whose caller has gone

"""Patience with a store that is away: a few tries with pauses, all inside one deadline."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.errors import StorageTimeout, StorageUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on, in seconds, how often, and how long to wait after the first failure (doubled each time)."""

    seconds: float
    tries: int = 4
    pause: float = 0.2

    def start(self) -> "Deadline":
        """The clock runs from now."""
        return Deadline(self, time.monotonic() + self.seconds)


@dataclass(slots=True)
class Deadline:
    """One operation's time, shared by all the calls that it makes."""

    patience: Patience
    at: float

    def run(self, call: Callable[[], T]) -> T:
        """`call`, again while the store is only away; what it raises at last leaves as it is.

        Pauses are random within their bound: clients that failed together don't come back together.
        """
        for attempt in range(self.patience.tries - 1):
            self.check()
            try:
                return call()
            except (StorageUnavailable, StorageTimeout):
                wait = random.uniform(0, self.patience.pause * 2**attempt)  # noqa: S311 - no secret
                if time.monotonic() + wait > self.at:
                    raise
                time.sleep(wait)
        self.check()
        return call()

    def left(self) -> float:
        """Seconds until then, at least none."""
        return max(0.0, self.at - time.monotonic())

    def check(self) -> None:
        """Raise `StorageTimeout` when the time is over."""
        if time.monotonic() > self.at:
            raise StorageTimeout

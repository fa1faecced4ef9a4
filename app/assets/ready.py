"""Whether the service can do its work: database, store, migrations."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic

from app.db.database import Database
from app.db.revisions import is_current
from app.errors import StowageError
from app.storage.storage import Stores

SECONDS = 1.0  # for each check
CACHED = 5.0  # seconds that the store's answer is good for


@dataclass(frozen=True, slots=True)
class Check:
    """One answer; `reason` says why it is not ok, in a sentence without secrets."""

    ok: bool
    reason: str | None = None


OK = Check(ok=True)
STOPPING = Check(ok=False, reason="The service is stopping.")


class Readiness:
    """Asks the parts, each for at most a second; the store is asked at most every five."""

    def __init__(self, database: Database, stores: Stores) -> None:
        self._database = database
        self._stores = stores
        self._storage: tuple[float, Check] | None = None
        self._ping: asyncio.Task[Check] | None = None
        self.stopping = False  # set at the first signal: no new traffic, please

    async def checks(self) -> dict[str, Check]:
        """Name -> answer."""
        database, storage, migrations = await asyncio.gather(
            _bounded(self._ask_database()), self._cached_storage(), _bounded(self._ask_migrations())
        )
        checks = {"database": database, "storage": storage, "migrations": migrations}
        return {**checks, "service": STOPPING} if self.stopping else checks

    async def _ask_database(self) -> Check:
        await self._database.ping()
        return OK

    async def _ask_migrations(self) -> Check:
        current = await self._database.read(is_current)
        return (
            OK if current else Check(ok=False, reason="The database is older than this version: run `stowage migrate`.")
        )

    async def _cached_storage(self) -> Check:
        """One ping at a time, whoever asks: one that hangs must not take a thread for each probe."""
        if self._storage is None or monotonic() - self._storage[0] > CACHED:
            if self._ping is None or self._ping.done():
                self._ping = asyncio.create_task(self._ask_storage())
            check = await _bounded(asyncio.shield(self._ping))
            self._storage = (monotonic(), check)
        return self._storage[1]

    async def _ask_storage(self) -> Check:
        try:
            await self._stores.default.ping()
        except StowageError as failure:
            return Check(ok=False, reason=failure.detail)
        return OK


async def _bounded(check: Awaitable[Check]) -> Check:
    try:
        async with asyncio.timeout(SECONDS):
            return await check
    except TimeoutError:
        return Check(ok=False, reason="It did not answer within a second.")
    except StowageError as failure:
        return Check(ok=False, reason=failure.detail)

"""Whether the service can do its work: database, store, migrations; and what its virus scanner says, if it has one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from time import monotonic

from app.assets.scan import Scanner
from app.db.database import Database
from app.db.revisions import is_current
from app.errors import StowageError
from app.storage.storage import Stores

SECONDS = 1.0  # for each check
CACHED = 5.0  # seconds that the store's and the scanner's answers are good for


@dataclass(frozen=True, slots=True)
class Check:
    """One answer; `reason` says why it is not ok, in a sentence without secrets. `needed`: there is no work without."""

    ok: bool
    reason: str | None = None
    needed: bool = True


OK = Check(ok=True)
STOPPING = Check(ok=False, reason="The service is stopping.")


class Readiness:
    """Asks the parts, each for at most a second; store and scanner are asked at most every five."""

    def __init__(self, database: Database, stores: Stores, scanner: Scanner | None = None) -> None:
        self._database = database
        self._storage = Cached(stores.default.ping)
        self._scanner = None if scanner is None else Cached(scanner.ping)
        self.stopping = False  # set at the first signal: no new traffic, please

    async def checks(self) -> dict[str, Check]:
        """Name -> answer."""
        waiting = {
            "database": _bounded(self._ask_database()),
            "storage": self._storage.check(),
            "migrations": _bounded(self._ask_migrations()),
        }
        if self._scanner is not None:
            waiting["scanner"] = self._scanner.check()
        checks = dict(zip(waiting, await asyncio.gather(*waiting.values()), strict=True))
        if "scanner" in checks:  # files are served without it, and whoever sends one is told
            checks["scanner"] = replace(checks["scanner"], needed=False)
        return {**checks, "service": STOPPING} if self.stopping else checks

    async def _ask_database(self) -> Check:
        await self._database.ping()
        return OK

    async def _ask_migrations(self) -> Check:
        current = await self._database.read(is_current)
        return (
            OK if current else Check(ok=False, reason="The database is older than this version: run `stowage migrate`.")
        )


class Cached:
    """One ping at a time, whoever asks: one that hangs must not take a thread for each probe."""

    def __init__(self, ping: Callable[[], Awaitable[object]]) -> None:
        self._ping = ping
        self._told: tuple[float, Check] | None = None
        self._asking: asyncio.Task[Check] | None = None

    async def check(self) -> Check:
        """The answer, at most some seconds old."""
        if self._told is None or monotonic() - self._told[0] > CACHED:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
            check = await _bounded(asyncio.shield(self._asking))
            self._told = (monotonic(), check)
        return self._told[1]

    async def _ask(self) -> Check:
        try:
            await self._ping()
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

"""The handful of objects that a door may use."""

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

from app.assets.callers import Callers
from app.assets.clean import Cleaner
from app.assets.identity import Identities
from app.assets.ingest import Ingest
from app.assets.policy import Policies
from app.assets.ready import Readiness
from app.assets.scan import Scanner
from app.assets.service import AssetService
from app.assets.sweep import Sweeper
from app.assets.tokens import Tokens
from app.db.database import Database
from app.db.migrate import upgrade_when_reachable
from app.errors import StorageError
from app.settings import Settings
from app.storage.spool import Spool
from app.storage.storage import Stores
from app.telemetry import log

STORE_SECONDS, SCANNER_SECONDS = 10.0, 2.0  # that a start waits for the store, and for the virus scanner
FINISH_SECONDS, CLOSE_SECONDS = 3.0, 1.0  # that a stop waits for uploads, and for threads


@dataclass(slots=True)
class Services:
    """Everything that lives as long as the process."""

    settings: Settings
    assets: AssetService
    callers: Callers
    policies: Policies
    ready: Readiness
    sweeper: Sweeper
    spool: Spool
    database: Database
    stores: Stores
    ingest: Ingest
    identities: Identities
    tokens: Tokens
    cleaner: Cleaner
    scanner: Scanner | None = None
    stuck: bool = field(default=False, init=False)
    _background: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    async def start(self) -> None:
        """Migrate if wanted, meet the store and the scanner, then begin to sweep."""
        if self.settings.database.migrate_on_start:
            await asyncio.to_thread(upgrade_when_reachable, self.settings.migrations_url)
        await self.identities.verify()
        await self._meet_the_store()
        if self.scanner is not None:
            await self.scanner.meet(SCANNER_SECONDS)
        self._background = [asyncio.create_task(self.identities.verify_in_the_end())]
        if self.settings.sweep.interval > 0:
            self._background.append(asyncio.create_task(self.sweeper.run_every(self.settings.sweep.interval)))

    async def _meet_the_store(self) -> None:
        """Ask once whether it is there: it may tell its limits, and an operator sees early what is wrong."""
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await self.stores.default.ping()
        except (StorageError, TimeoutError) as reason:
            log("store.unavailable", level=30, store=self.stores.default.name, reason=str(reason) or "No answer.")

    async def close(self) -> None:
        """Let uploads that go on without their clients end, then close everything; all within some seconds.

        What hangs by then is `stuck`: its rows are pending, and the sweeper's.
        """
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.ingest.finish(FINISH_SECONDS)
        closed, loop = asyncio.Event(), asyncio.get_running_loop()
        threading.Thread(target=self._close_threads, args=[loop, closed], daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await closed.wait()
        except TimeoutError:
            self.stuck = True

    def _close_threads(self, loop: asyncio.AbstractEventLoop, closed: asyncio.Event) -> None:
        for store in self.stores:
            store.close()
        self.spool.close()
        self.tokens.close()
        self.cleaner.close()
        self.database.close()
        if self.scanner is not None:  # the last: it may have to wait for clamd
            self.scanner.close()
        with contextlib.suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(closed.set)

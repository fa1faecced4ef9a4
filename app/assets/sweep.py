"""The sweeper: finishes or undoes what replacements, deletes and crashes left."""

import asyncio
import contextlib
from dataclasses import asdict, dataclass
from time import monotonic

from app.assets.keys import is_key
from app.db import claims, leases
from app.db.database import Database
from app.db.records import Leased
from app.errors import StowageError
from app.storage.spool import Spool
from app.storage.storage import Stores
from app.telemetry import log

BATCH = 100  # rows leased at once
LEASE = 600.0  # seconds that another sweeper leaves them alone
BACKOFF = 60.0  # seconds after the first failure, doubled each time
LONGEST_BACKOFF = 6  # doublings
TIDY = 3600.0  # seconds between two looks for parts of uploads


@dataclass(slots=True)
class Report:
    """What one sweep did."""

    deleted: int = 0  # objects and their rows
    failed: int = 0  # objects that their store would not delete; they are tried again later
    spooled: int = 0  # spool files of crashed processes
    claims: int = 0  # old Idempotency-Keys
    parts: int = 0  # uploads to a store that crashed processes began


class Sweeper:
    """Deletes the bytes, then the rows, of doomed assets and of pending ones whose grace is over.

    Any number of sweepers may run: rows are leased by the database's clock. One that dies loses its lease only.
    """

    def __init__(self, database: Database, stores: Stores, spool: Spool, *, grace: float) -> None:
        self._database = database
        self._stores = stores
        self._spool = spool
        self._grace = grace
        self._tidied: float | None = None  # when, by this process's clock

    async def sweep(self) -> Report:
        """Everything that is due now."""
        report = Report()
        while rows := await self._database.run(leases.lease, limit=BATCH, seconds=LEASE):
            done = await asyncio.gather(*[self._delete(row) for row in rows])
            gone = [row.id for row, deleted in zip(rows, done, strict=True) if deleted]
            report.deleted += await self._database.run(leases.drop, gone)
            report.failed += done.count(False)
        report.spooled = await self._spool.sweep(older_than=self._grace)
        report.claims = await self._database.run(claims.forget_old)
        report.parts = await self._tidy()
        if any(asdict(report).values()):
            log("sweep.done", **asdict(report))
        return report

    async def run_every(self, seconds: float) -> None:
        """Sweep again and again; a sweep that fails is logged, and the next one comes."""
        while True:
            try:
                await self.sweep()
            except Exception as failure:  # noqa: BLE001 - a sweeper that ends in silence is worse than any defect in it
                known = isinstance(failure, StowageError)
                log("sweep.interrupted", level=30, reason=str(failure), failure=None if known else failure)
            await asyncio.sleep(seconds)

    async def _tidy(self) -> int:
        """At the first sweep and then once an hour: stores charge for being asked."""
        if self._tidied is not None and monotonic() - self._tidied < TIDY:
            return 0
        self._tidied, parts = monotonic(), 0
        for store in self._stores:
            with contextlib.suppress(StowageError):  # the store's own log line says why; there is a next time
                parts += await store.tidy(older_than=self._grace, ours=is_key)
        return parts

    async def _delete(self, row: Leased) -> bool:
        try:
            await self._stores[row.store].delete(row.key, details=row.details)
        except Exception as failure:  # noqa: BLE001 - whatever goes wrong with one must not stop the others
            wait = BACKOFF * 2 ** min(row.attempts - 1, LONGEST_BACKOFF)
            log("sweep.failed", level=30, store=row.store, key=row.key, attempts=row.attempts, reason=str(failure))
            await self._database.run(leases.put_off, row.id, seconds=wait)
            return False
        return True

"""The ledger: rows of plain uploads that arrive while a commit runs share the next one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from app.db import bulk
from app.db.database import Database
from app.db.records import Draft, Placed
from app.errors import Busy, DatabaseUnavailable
from app.turns import Turns


@dataclass(slots=True, eq=False)
class Entry:
    """What one request wants written: pending rows (step 9), or one row made ready (step 11)."""

    drafts: Sequence[Draft] = ()
    placed: Placed | None = None
    written: asyncio.Future[datetime | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Ledger:
    """Writes for assets that have no slot, no precondition and no Idempotency-Key; nothing is answered before COMMIT.

    The unit is a request: what the database refuses of one is tried again without the others. What it can't do at the
    moment is `DatabaseUnavailable` for all of them, and what became of them is not known.
    """

    def __init__(self, database: Database, *, grace: float) -> None:
        self._database, self._grace = database, grace
        self._turns = Turns("ledger", self._write)

    async def write(self, entry: Entry) -> datetime | None:
        """Rows are pending, all or none; or when an asset was acknowledged, None when its row is pending no more."""
        self._turns.enter(entry)
        return await asyncio.shield(entry.written)  # what was entered is written, whoever still waits for it

    async def _write(self, batch: Sequence[Entry]) -> None:
        try:
            moments = await self._database.run(_commit, batch, grace=self._grace)
        except Exception as failure:  # noqa: BLE001 - it is told to whoever waits
            if len(batch) > 1 and not isinstance(failure, DatabaseUnavailable | Busy):
                for entry in batch:  # one of them is to blame
                    await self._write([entry])
                return
            for entry in batch:
                entry.written.set_exception(failure)
                entry.written.exception()  # looked at: its request may have gone
        else:
            for entry in batch:
                entry.written.set_result(moments.get(entry.placed.id) if entry.placed else None)


def _commit(connection: Connection, batch: Sequence[Entry], *, grace: float) -> Mapping[UUID, datetime]:
    """One transaction, rows in sorted order."""
    drafts = [draft for entry in batch for draft in entry.drafts]
    if drafts:
        bulk.insert_pending(connection, drafts, grace=grace)
    placed = [entry.placed for entry in batch if entry.placed]
    return bulk.make_all_ready(connection, placed) if placed else {}

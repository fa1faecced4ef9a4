"""Reads of single assets that are asked for at the same time share one statement."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from app.db import assets
from app.db.database import WAITING, Database
from app.db.records import Asset
from app.errors import Busy

MOST = 64  # ids in one statement

Asked = tuple[UUID, asyncio.Future[Asset | None]]


class Lookup:
    """Ready assets by id. What is answered was read after it was asked for: a deletion is final at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Asked] = []
        self._turn: asyncio.Task[None] | None = None

    async def find(self, asset_id: UUID) -> Asset | None:
        """A ready asset of any tenant: who may see it is decided above."""
        if len(self._waiting) >= WAITING:
            raise Busy("Too many operations are waiting (lookup).")
        found: asyncio.Future[Asset | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((asset_id, found))
        if self._turn is None:
            self._turn = asyncio.create_task(self._read_all())
        return await found

    async def _read_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._read(batch)
        finally:
            self._turn = None

    async def _read(self, batch: Sequence[Asked]) -> None:
        wanted = {asset_id for asset_id, _ in batch}
        try:
            there = await self._database.read(_by_id, wanted)
        except Exception as failure:  # noqa: BLE001 - it is told to whoever waits
            for _, found in batch:
                if not found.done():  # its request may have gone
                    found.set_exception(failure)
        else:
            for asset_id, found in batch:
                if not found.done():
                    found.set_result(there.get(asset_id))


def _by_id(connection: Connection, wanted: set[UUID]) -> Mapping[UUID, Asset]:
    if len(wanted) == 1:
        one = assets.get(connection, next(iter(wanted)))
        return {one.id: one} if one else {}
    return {asset.id: asset for asset in assets.get_all(connection, sorted(wanted))}

"""Reads of single assets that are asked for at the same time share one statement."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from app.db import assets
from app.db.database import Database
from app.db.records import Asset
from app.turns import Turns

Asked = tuple[UUID, asyncio.Future[Asset | None]]


class Lookup:
    """Ready assets by id. What is answered was read after it was asked for: a deletion is final at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = Turns("lookup", self._read)

    async def find(self, asset_id: UUID) -> Asset | None:
        """A ready asset of any tenant: who may see it is decided above."""
        found: asyncio.Future[Asset | None] = asyncio.get_running_loop().create_future()
        self._turns.enter((asset_id, found))
        return await found

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

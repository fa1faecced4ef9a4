"""Rows compared with the bytes that stores hold, both ways: by listing a store, never by asking for one object."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.assets.keys import is_key
from app.db import audit
from app.db.database import Database
from app.errors import ObjectMissing, StowageError
from app.storage.inventory import Inventory
from app.storage.storage import Storage, Stores

PAGE = 1_000  # rows
DEEP_AT_ONCE = 4  # objects read at the same time

Progress = Callable[[str, int], None]  # what is counted, and how many so far


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: `missing` bytes of a row, an `orphan` without a row, another `size`, another `hash`."""

    finding: str
    store: str
    key: str
    id: UUID | None = None


@dataclass(slots=True)
class Counts:
    """What was compared, and what could not be."""

    rows: int = 0
    objects: int = 0
    foreign: int = 0  # objects whose names are not ours: a bucket may hold other things
    errors: list[str] = field(default_factory=list)


class Checker:
    """Compares, and removes what no row knows.

    A row is there before its bytes are, so an object that was listed and has no row afterwards is an orphan, whatever
    the clocks say. Bytes are there before a row is ready: only rows that were ready before the listing began can miss
    theirs.
    """

    def __init__(self, database: Database, stores: Stores) -> None:
        self._database = database
        self._stores = stores
        self.counts = Counts()

    async def findings(self, *, deep: bool, progress: Progress) -> AsyncIterator[Finding]:
        """Every difference in every store; a store that can't be listed is told in `counts.errors`."""
        configured = {store.name for store in self._stores}
        for name in sorted(configured | set(await self._database.read(audit.stores))):
            try:
                async for finding in self._in_store(self._stores[name], deep=deep, progress=progress):
                    yield finding
            except StowageError as failure:
                self.counts.errors.append(f"{name}: {failure.detail}")

    async def remove(self, orphans: Sequence[Finding]) -> int:
        """Delete objects that have no row now either; how many."""
        known = await self._database.read(audit.known, [orphan.key for orphan in orphans])
        doomed = [orphan for orphan in orphans if orphan.key not in known]
        for orphan in doomed:
            await self._stores[orphan.store].delete(orphan.key)
        return len(doomed)

    async def _in_store(self, store: Storage, *, deep: bool, progress: Progress) -> AsyncIterator[Finding]:
        began = await self._database.read(audit.now)
        inventory = await store.inventory(lambda n: progress(f"{store.name}: objects", n))
        try:
            self.counts.objects += inventory.count
            async for finding in self._of_rows(store, inventory, began, deep=deep, progress=progress):
                yield finding
            async for orphan in self._orphans(store, inventory):
                yield orphan
        finally:
            await asyncio.to_thread(inventory.close)

    async def _of_rows(
        self, store: Storage, inventory: Inventory, began: datetime, *, deep: bool, progress: Progress
    ) -> AsyncIterator[Finding]:
        """Rows page by page: their objects are struck out of the inventory."""
        after = audit.FIRST
        while rows := await self._database.read(audit.kept, store.name, before=began, after=after, limit=PAGE):
            after = rows[-1].id
            self.counts.rows += len(rows)
            sizes = await asyncio.to_thread(inventory.strike, [row.key for row in rows])
            wrong = {row.id: _difference(row, sizes.get(row.key)) for row in rows}
            if deep:
                wrong |= await self._deep(store, [row for row in rows if wrong[row.id] is None])
            there = await self._database.read(audit.still, [asset_id for asset_id, what in wrong.items() if what])
            for row in rows:
                if (what := wrong[row.id]) and row.id in there:
                    yield Finding(what, store.name, row.key, row.id)
            progress(f"{store.name}: rows", self.counts.rows)

    async def _deep(self, store: Storage, rows: Sequence[audit.Kept]) -> dict[UUID, str | None]:
        """Read and hash, a few at a time."""
        gate = asyncio.Semaphore(DEEP_AT_ONCE)

        async def differs(row: audit.Kept) -> str | None:
            async with gate:
                return await _read_difference(store, row)

        found = await asyncio.gather(*map(differs, rows))
        return {row.id: what for row, what in zip(rows, found, strict=True)}

    async def _orphans(self, store: Storage, inventory: Inventory) -> AsyncIterator[Finding]:
        """What was not struck out and has no row in any state."""
        for batch in inventory.left():
            known = await self._database.read(audit.known, batch)
            for key in batch:
                if not is_key(key):
                    self.counts.foreign += 1
                elif key not in known:
                    yield Finding("orphan", store.name, key)


def _difference(row: audit.Kept, size: int | None) -> str | None:
    if size is None:
        return "missing"
    return None if size == row.size else "size"


async def _read_difference(store: Storage, row: audit.Kept) -> str | None:
    digest = hashlib.sha256()
    try:
        async with await store.read(row.key, details=row.details) as blocks:
            async for block in blocks:
                digest.update(block)
    except ObjectMissing:
        return "missing"
    return None if digest.hexdigest() == row.sha256 else "hash"

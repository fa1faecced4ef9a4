"""Rows compared with the bytes that stores hold, both ways: by listing a store; what differs is looked at again."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast
from uuid import UUID

from app.assets.check_listing import Listings
from app.assets.keys import is_key
from app.db import audit
from app.db.database import Database
from app.errors import ObjectMissing, StorageError, StowageError
from app.storage.backend import NOTHING
from app.storage.inventory import Inventory
from app.storage.storage import Storage, Stores

PAGE = 1_000  # rows
AT_ONCE = 4  # objects read at the same time
AGAIN = 1_000  # objects of a store that are looked at again: if more differ, it is another store or database
UNREADABLE = 20  # objects of a store that may fail to be read, before it is the store that fails

Progress = Callable[[str, int], None]  # what is counted, and how many so far; may raise `Interrupted`
T = TypeVar("T")
R = TypeVar("R")


class Interrupted(Exception):
    """Somebody wants it to end here."""


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
    unlisted: int = 0  # objects that are there, and that a listing left out
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What was found in one store."""

    rows: int = 0
    missing: int = 0
    orphans: int = 0
    again: int = 0  # objects that were looked at again, without those that were swept meanwhile
    read: int = 0
    unreadable: int = 0


class Checker:
    """Compares.

    A row is there before its bytes are, and its bytes are there before it is ready. So only rows that were ready before
    the listing began can miss theirs, and an object without a row is an orphan, whatever the clocks say, if it is still
    there: rows and bytes come and go meanwhile, and a listing may have taken hours.
    """

    def __init__(self, database: Database, stores: Stores, listings: Listings | None = None) -> None:
        self._database = database
        self._stores = stores
        self._listings = listings or Listings()
        self.counts = Counts()
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)

    async def findings(self, *, deep: bool, progress: Progress) -> AsyncIterator[Finding]:
        """Every difference in every store; a store that can't be compared is told in `counts.errors`."""
        configured = {store.name for store in self._stores}
        for name in sorted(configured | set(await self._database.read(audit.stores))):
            try:
                async for finding in self._in_store(self._stores[name], deep=deep, progress=progress):
                    self.tallies[name].missing += finding.finding == "missing"
                    self.tallies[name].orphans += finding.finding == "orphan"
                    yield finding
            except StowageError as failure:
                self.counts.errors.append(f"{name}: {failure.detail}")

    async def _in_store(self, store: Storage, *, deep: bool, progress: Progress) -> AsyncIterator[Finding]:
        now = await self._database.read(audit.now)
        listing = partial(progress, f"{store.name}: objects")
        async with self._listings.of(store, now, listing) as (inventory, began):
            self.counts.objects += inventory.count
            async for finding in self._of_rows(store, inventory, began, deep=deep, progress=progress):
                yield finding
            async for orphan in self._orphans(store, inventory, progress):
                yield orphan

    async def _of_rows(
        self, store: Storage, inventory: Inventory, began: datetime, *, deep: bool, progress: Progress
    ) -> AsyncIterator[Finding]:
        """Rows page by page: their objects are struck out of the inventory."""
        after, tally = audit.FIRST, self.tallies[store.name]
        while rows := await self._database.read(audit.kept, store.name, before=began, after=after, limit=PAGE):
            after = rows[-1].id
            tally.rows += len(rows)
            self.counts.rows += len(rows)
            progress(f"{store.name}: rows", tally.rows)
            sizes = await asyncio.to_thread(inventory.strike, [row.key for row in rows])
            wrong = {row.id: _difference(row, sizes.get(row.key)) for row in rows}
            wrong |= await self._unlisted(store, [row for row in rows if wrong[row.id] == "missing"])
            if deep:
                wrong |= await self._deep(store, [row for row in rows if wrong[row.id] is None], progress)
            there = await self._database.read(audit.still, [asset_id for asset_id, what in wrong.items() if what])
            for row in rows:
                if (what := wrong[row.id]) and row.id in there:
                    yield Finding(what, store.name, row.key, row.id)

    async def _orphans(self, store: Storage, inventory: Inventory, progress: Progress) -> AsyncIterator[Finding]:
        """What was not struck out, has no row in any state, and is still there."""
        seen = 0
        for batch in inventory.left():
            seen += len(batch)
            progress(f"{store.name}: objects without a ready row", seen)
            ours = [key for key in batch if is_key(key)]
            self.counts.foreign += len(batch) - len(ours)
            known = await self._database.read(audit.known, ours)
            strays = [key for key in ours if key not in known]
            there = await self._look_again(store, dict.fromkeys(strays, NOTHING))
            self.tallies[store.name].again += sum(there.values())
            for key in strays:
                if there.get(key, True):
                    yield Finding("orphan", store.name, key)

    async def _unlisted(self, store: Storage, rows: Sequence[audit.Kept]) -> dict[UUID, str | None]:
        """Those that the listing left out though they are there: nothing is wrong with them."""
        there = await self._look_again(store, {row.key: row.details for row in rows})
        self.tallies[store.name].again += len(there)
        self.counts.unlisted += sum(there.values())
        return {row.id: None for row in rows if there.get(row.key, False)}

    async def _look_again(self, store: Storage, objects: Mapping[str, Mapping[str, Any]]) -> dict[str, bool]:
        """Key -> whether it is there now, of as many as are looked at again."""
        keys = list(objects)[: AGAIN - self.tallies[store.name].again]
        return dict(zip(keys, await _few(lambda key: _is_there(store, key, objects[key]), keys), strict=True))

    async def _deep(self, store: Storage, rows: Sequence[audit.Kept], progress: Progress) -> dict[UUID, str | None]:
        """Read and hash."""
        tally = self.tallies[store.name]

        async def differs(row: audit.Kept) -> str | None:
            tally.read += 1
            progress(f"{store.name}: read", tally.read)
            try:
                return await _read_difference(store, row)
            except StorageError as failure:
                tally.unreadable += 1
                if tally.unreadable > UNREADABLE:
                    raise
                self.counts.errors.append(f"{store.name}: {row.key}: {failure.detail}")
                return None

        return dict(zip([row.id for row in rows], await _few(differs, rows), strict=True))


async def _few(what: Callable[[T], Awaitable[R]], things: Sequence[T]) -> list[R]:
    """Do it to all, a few at a time; after a failure only those under way are waited for."""
    gate, failed = asyncio.Semaphore(AT_ONCE), list[Exception]()

    async def one(thing: T) -> R | None:
        async with gate:
            try:
                return None if failed else await what(thing)
            except Exception as failure:  # noqa: BLE001 - whatever it is, it is raised below
                failed.append(failure)
                return None

    done = await asyncio.gather(*map(one, things))
    if failed:
        raise failed[0]
    return cast("list[R]", done)


async def _is_there(store: Storage, key: str, details: Mapping[str, Any]) -> bool:
    """By its first byte: no store counts that."""
    try:
        async with await store.read(key, end=1, details=details):
            return True
    except ObjectMissing:
        return False


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

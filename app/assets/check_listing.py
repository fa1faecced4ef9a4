"""How stores are listed to be compared: some count the calls, and then a later run goes on where this one ended."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from app.storage.inventory import Inventory
from app.storage.paged import Allowance, KeptInventory, Paged
from app.storage.storage import Storage

ADMIN_CALLS = 400  # of the 500 an hour that Cloudinary's free plan has: the service needs some, too


class Listings:
    """Lists stores. `resume` is the file that keeps the place of a listing; unset: a temporary one."""

    def __init__(self, *, admin_calls: int = ADMIN_CALLS, resume: Path | None = None) -> None:
        self._allowance = Allowance(admin_calls)
        self._resume = resume
        self.kept: Path | None = None  # the file that a later run goes on from

    @asynccontextmanager
    async def of(
        self, store: Storage, now: datetime, progress: Callable[[int], None]
    ) -> AsyncIterator[tuple[Inventory, datetime]]:
        """All objects of a store, and when the listing began; at the end of the block they are forgotten.

        What fails in the block, or before it, leaves a file to go on from, where the store is one that counts.
        """
        if isinstance(store.backend, Paged):
            kept = await asyncio.to_thread(KeptInventory, self._resume or _temporary(), now)
            async with self._closing(kept):
                await asyncio.to_thread(kept.take_pages, store.backend, self._allowance, progress)
                yield kept, kept.began
        else:
            inventory = await store.inventory(progress)
            async with self._closing(inventory):
                yield inventory, now

    @asynccontextmanager
    async def _closing(self, inventory: Inventory) -> AsyncIterator[None]:
        try:
            yield
            inventory.finish()
        finally:
            self.kept = await asyncio.to_thread(inventory.close) or self.kept


def _temporary() -> Path:
    fd, path = tempfile.mkstemp(prefix="stowage-", suffix=".check")
    os.close(fd)
    return Path(path)

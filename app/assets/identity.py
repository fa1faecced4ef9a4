"""Whether each store is the one that the rows were written for: an empty disk in its place is noticed at start."""

import asyncio

from app.db import identities
from app.db.database import Database
from app.errors import DatabaseUnavailable
from app.storage.backend import Identified
from app.storage.storage import Storage, Stores
from app.telemetry import log

RETRY = 5.0  # seconds
OTHER = (
    "This is not the disk that the files were put on: its marker is another one. "
    "Mount the right one, or run `stowage adopt` if the files are lost or were moved here without it."
)


class Identities:
    """Compares markers with what the database remembers. `ephemeral`: whoever runs it accepts that disks are wiped."""

    def __init__(self, database: Database, stores: Stores, *, ephemeral: bool) -> None:
        self._database, self._stores, self._ephemeral = database, stores, ephemeral
        self._unknown = [store for store in stores if isinstance(store.backend, Identified)]

    async def verify(self) -> None:
        """Close the stores that are others than they were; what can't be compared now is compared the next time."""
        try:
            while self._unknown:
                await self._verify(self._unknown[-1])
                self._unknown.pop()
        except DatabaseUnavailable:
            log("store.not_compared", level=30, store=self._unknown[-1].name)

    async def verify_in_the_end(self) -> None:
        """`verify`, as often as it takes."""
        while self._unknown:
            await asyncio.sleep(RETRY)
            await self.verify()

    async def adopt(self) -> list[str]:
        """From now on the disks that are there are the right ones; the names of those that were others."""
        changed = []
        for store in self._stores:
            if isinstance(store.backend, Identified) and await self._remembered(store, store.backend) is not None:
                await self._database.run(identities.replace, store.name, store.backend.identity)
                changed.append(store.name)
                store.closed = None
        return changed

    async def _verify(self, store: Storage) -> None:
        assert isinstance(store.backend, Identified)  # noqa: S101 - they were chosen for it
        if await self._remembered(store, store.backend) is None:
            return
        if self._ephemeral:
            log("store.wiped", level=30, store=store.name)
            await self._database.run(identities.replace, store.name, store.backend.identity)
            return
        store.closed = OTHER
        log("store.other_disk", level=40, store=store.name, reason=OTHER)

    async def _remembered(self, store: Storage, backend: Identified) -> str | None:
        """The identity that is remembered, if it is another one."""
        remembered = await self._database.run(identities.remember, store.name, backend.identity)
        return None if remembered == backend.identity else remembered

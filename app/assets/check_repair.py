"""What is done about orphans: removed, or moved into a folder; and when nothing must be done about them."""

import asyncio
import os
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.assets.check import Checker, Finding, Progress
from app.db import audit
from app.db.database import Database
from app.errors import ObjectMissing, StowageError
from app.storage.folders import Folders, sync, translated
from app.storage.storage import Storage, Stores

MOST = 100  # orphans that go at once, unless somebody says how many
BATCH = 1_000  # keys asked for at once


def refusal(checker: Checker, orphans: Sequence[Finding], limit: int | None) -> str | None:
    """Why nothing is to be removed: what looks like orphans may be another's bucket, or an older database.

    `orphans` may be cut off one beyond the limit.
    """
    most = MOST if limit is None else limit
    if checker.counts.errors:
        return "a store could not be compared."
    if checker.counts.unlisted:
        return "a listing left out objects that are there. Try again later."
    if len(orphans) > most:
        return f"there are more than {most} orphans. Is this database older than the store? --limit"
    for name in sorted({orphan.store for orphan in orphans}):
        tally = checker.tallies[name]
        if tally.missing > tally.rows // 2:
            return f"most rows of {name} miss their bytes, so this looks like the wrong store or a short listing."
        if limit is None and tally.orphans > tally.rows - tally.missing:
            return f"most of what {name} holds has no row. Is this the right database? --limit"
    return None


class Repair:
    """Takes orphans out of their stores; `folder` is where they go, if they shall not be gone."""

    def __init__(self, database: Database, stores: Stores, folder: Path | None = None) -> None:
        self._database, self._stores, self._folder = database, stores, folder
        self.removed = 0
        self.errors: list[str] = []

    async def remove(self, orphans: Sequence[Finding], progress: Progress) -> None:
        """Those that have no row now either, until one can't be removed."""
        try:
            for at in range(0, len(orphans), BATCH):
                batch = orphans[at : at + BATCH]
                known = await self._database.read(audit.known, [orphan.key for orphan in batch])
                for orphan in batch:
                    if orphan.key not in known:
                        await self._remove(self._stores[orphan.store], orphan.key)
                        progress("removed", self.removed)
        except StowageError as failure:
            self.errors.append(f"Not all were removed: {failure.detail}")

    async def _remove(self, store: Storage, key: str) -> None:
        if self._folder is not None:
            try:
                await _copy(store, key, self._folder / store.name)
            except ObjectMissing:  # somebody was faster
                return
        await store.delete(key)
        self.removed += 1


async def _copy(store: Storage, key: str, root: Path) -> None:
    """To the same place below a folder, durably: the file is there whole or not at all."""
    folders, draft = Folders(root), root / f".{uuid.uuid4().hex}.part"
    with translated():
        await asyncio.to_thread(folders.make_root)
    try:
        async with await store.read(key) as blocks:
            with translated(), draft.open("xb") as file:
                async for block in blocks:
                    await asyncio.to_thread(file.write, block)
        await asyncio.to_thread(_place, folders, key, draft)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _place(folders: Folders, key: str, draft: Path) -> None:
    *parents, name = key.split("/")
    with translated():
        sync(draft)
        with folders.open(parents, create=True) as folder:
            os.rename(draft, name, dst_dir_fd=folder)
            os.fsync(folder)

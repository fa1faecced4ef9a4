"""What a store holds, listed into a temporary file: the memory that it takes does not grow with the store."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Self

from app.errors import StorageUnavailable
from app.storage.backend import Backend, ObjectInfo
from app.storage.folders import translated

BATCH = 1_000


class Inventory:
    """Keys and sizes of a store's objects at one time; each is struck out when its row is found. One thread at a time.

    Blocking. Closing it removes the file.
    """

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="stowage-", suffix=".inventory")  # noqa: SIM115 - see close
        self._db = sqlite3.connect(self._file.name, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA cache_size=-4000")  # KiB
        self._db.execute("CREATE TABLE objects (key TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID")
        self.count = 0

    @classmethod
    def of(cls, backend: Backend, on_progress: Callable[[int], None]) -> Self:
        """List everything; what goes wrong on the way leaves as it is, and there is no inventory."""
        inventory = cls()
        try:
            inventory._take(backend.list(), on_progress)
        except BaseException:
            inventory.close()
            raise
        return inventory

    def strike(self, keys: Iterable[str]) -> dict[str, int]:
        """Strike out those that are there: key -> size in bytes."""
        found: dict[str, int] = {}
        for key in keys:
            row = self._db.execute("DELETE FROM objects WHERE key = ? RETURNING size", (key,)).fetchone()
            if row is not None:
                found[key] = row[0]
        return found

    def left(self) -> Iterator[list[str]]:
        """The keys that were not struck out, in batches."""
        last = ""
        while rows := self._db.execute(
            "SELECT key FROM objects WHERE key > ? ORDER BY key LIMIT ?", (last, BATCH)
        ).fetchall():
            last = rows[-1][0]
            yield [key for (key,) in rows]

    def close(self) -> None:
        """Once."""
        self._db.close()
        self._file.close()

    def _take(self, listing: Iterator[ObjectInfo], on_progress: Callable[[int], None]) -> None:
        while batch := list(islice(listing, BATCH)):
            with translated():
                self._insert(batch)
            self.count += len(batch)
            on_progress(self.count)

    def _insert(self, batch: list[ObjectInfo]) -> None:
        try:
            self._db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?)", [(i.key, i.size) for i in batch])
        except sqlite3.Error as full:
            raise StorageUnavailable(f"The inventory cannot be written: {full}.") from full

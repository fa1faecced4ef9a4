"""What a store holds, listed into a SQLite file: the memory that it takes does not grow with the store."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from app.errors import StorageUnavailable
from app.storage.backend import Backend, ObjectInfo
from app.storage.folders import translated

BATCH = 1_000
CACHE = "cache_size=-4000"  # KiB


class Inventory:
    """Keys and sizes of a store's objects at one time; each is struck out when its row is found. One thread at a time.

    Blocking. Closing it removes the file, unless somebody can go on from it (`app/storage/paged.py`).
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.count = 0

    @staticmethod
    def of(backend: Backend, on_progress: Callable[[int], None]) -> "Inventory":
        """List everything; what goes wrong on the way leaves as it is, and there is no inventory."""
        inventory = _Temporary()
        try:
            inventory.take(backend.list(), on_progress)
        except BaseException:
            inventory.close()
            raise
        return inventory

    def strike(self, keys: Iterable[str]) -> dict[str, int]:
        """Strike out those that are there: key -> size in bytes."""
        found: dict[str, int] = {}
        with told():
            for key in keys:
                row = self._db.execute("DELETE FROM objects WHERE key = ? RETURNING size", (key,)).fetchone()
                if row is not None:
                    found[key] = row[0]
        return found

    def left(self) -> Iterator[list[str]]:
        """The keys that were not struck out, in batches."""
        batch = self._after("")
        while batch:
            yield batch
            batch = self._after(batch[-1])

    def finish(self) -> None:
        """All that was to be learnt from it was: nobody has to go on from it."""

    def close(self) -> Path | None:
        """Once; the file, if a later run can go on from it."""
        self._db.close()
        return None

    def _after(self, last: str) -> list[str]:
        with told():
            found = self._db.execute("SELECT key FROM objects WHERE key > ? ORDER BY key LIMIT ?", (last, BATCH))
            return [key for (key,) in found]


@contextmanager
def told() -> Iterator[None]:
    """What SQLite says when it can't write, or can't read what is broken, as one of the store's errors."""
    try:
        yield
    except sqlite3.Error as failure:
        raise StorageUnavailable(f"The inventory cannot be used: {failure}.") from failure


class _Temporary(Inventory):
    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="stowage-", suffix=".inventory")  # noqa: SIM115 - see close
        super().__init__(sqlite3.connect(self._file.name, check_same_thread=False))
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute(f"PRAGMA {CACHE}")
        self._db.execute("CREATE TABLE objects (key TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID")

    def take(self, listing: Iterator[ObjectInfo], on_progress: Callable[[int], None]) -> None:
        """Write down what is listed."""
        while batch := list(islice(listing, BATCH)):
            with translated(), told():
                self._db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?)", [(i.key, i.size) for i in batch])
            self.count += len(batch)
            on_progress(self.count)

    def close(self) -> Path | None:
        super().close()
        self._file.close()
        return None

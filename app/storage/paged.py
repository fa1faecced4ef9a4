"""Listings that are charged for: page by page within an allowance, into a file from which a later run goes on."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from app.errors import StorageError, StorageRefused
from app.storage.backend import ObjectInfo
from app.storage.inventory import CACHE, Inventory, told

MARK = 0x53746F31  # says that a SQLite file is one of these, in this form
TABLES = (
    f"PRAGMA application_id={MARK}",
    "CREATE TABLE began (moment TEXT)",
    "CREATE TABLE parts (part TEXT PRIMARY KEY, cursor TEXT) WITHOUT ROWID",
    "CREATE TABLE objects (key TEXT PRIMARY KEY, size INTEGER, part TEXT) WITHOUT ROWID",
)
OLDEST = timedelta(days=7)  # what was listed before says too little about today


class PlaceLost(StorageError, abstract=True):
    """The store does not know this place of its listing any more."""


class AllowanceSpent(StorageError, abstract=True):
    """This run has made all the calls that it may."""


@runtime_checkable
class Paged(Protocol):
    """A store that counts the calls of its listing: it is asked page by page, and goes on after any of them."""

    @property
    def parts(self) -> Sequence[str]:
        """The listings that make up the whole, by names that those of another account don't have."""

    def page(self, part: str, cursor: str, before_call: Callable[[], None]) -> tuple[Sequence[ObjectInfo], str]:
        """The page at a cursor (`""` is the first) and the next cursor (`""` is the end), or `PlaceLost`.

        `before_call` is called before each call, tries that fail included; what it raises ends the listing.
        """


class Allowance:
    """How many calls a run may make."""

    def __init__(self, calls: int) -> None:
        self._calls = self._left = calls

    def take(self) -> None:
        """One; `AllowanceSpent` when there is none left."""
        if self._left == 0:
            raise AllowanceSpent(f"The {self._calls} calls that this run may make are used up.")
        self._left -= 1


class KeptInventory(Inventory):
    """An inventory in a file that outlives the run, until all that was to be learnt from it was.

    Each page is committed with the cursor of the next one. What is struck out is not: it is there again next time.
    """

    def __init__(self, path: Path, began: datetime) -> None:
        """Begin, or go on: then `began` is when the listing did."""
        super().__init__(_open(path))
        self.path, self._finished = path, False
        try:
            with told():
                self.began = self._since(began)
        except BaseException:
            self.close()
            raise

    def take_pages(self, store: Paged, allowance: Allowance, on_progress: Callable[[int], None]) -> None:
        """List what is not listed yet; what goes wrong leaves as it is."""
        with told():
            self._forget_others(store.parts)
            self.count = self._counted("objects")
            try:
                for part in store.parts:
                    self._take_part(store, part, allowance, on_progress)
            except StorageRefused:
                self._finished = self._counted("parts") == 0
                raise
            self.count = self._counted("objects")

    def finish(self) -> None:
        """Closing removes the file."""
        self._finished = True

    def close(self) -> Path | None:
        """Once; the file, if a later run can go on from it."""
        super().close()
        if self._finished:
            self.path.unlink(missing_ok=True)
            return None
        return self.path

    def _take_part(self, store: Paged, part: str, allowance: Allowance, on_progress: Callable[[int], None]) -> None:
        """From where it was left, or from its beginning, once, when that place is lost."""
        cursor, lost = self._cursor(part), False
        while cursor is not None:
            try:
                objects, following = store.page(part, cursor, allowance.take)
            except PlaceLost:
                if lost or not cursor:
                    raise
                cursor, lost = "", True
                continue
            self._keep(part, objects, following, anew=not cursor)
            on_progress(self.count)
            cursor = following or None

    def _since(self, now: datetime) -> datetime:
        """When the listing that is in the file began; now, if there is none or an old one."""
        found = self._db.execute("SELECT moment FROM began").fetchone()
        if found and now - datetime.fromisoformat(found[0]) < OLDEST:
            return datetime.fromisoformat(found[0])
        with self._db:
            for table in ("objects", "parts", "began"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our words
            self._db.execute("INSERT INTO began VALUES (?)", (now.isoformat(),))
        return now

    def _cursor(self, part: str) -> str | None:
        """Where the part goes on; None at its end."""
        row = self._db.execute("SELECT cursor FROM parts WHERE part = ?", (part,)).fetchone()
        cursor: str | None = row[0] if row else ""
        return cursor

    def _keep(self, part: str, objects: Sequence[ObjectInfo], following: str, *, anew: bool) -> None:
        """A page and the place of the next one, together or not at all."""
        with self._db:
            if anew:
                self._db.execute("DELETE FROM objects WHERE part = ?", (part,))
            rows = [(each.key, each.size, part) for each in objects]
            self._db.executemany("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", rows)
            self._db.execute("INSERT OR REPLACE INTO parts VALUES (?, ?)", (part, following or None))
        self.count += len(objects)

    def _forget_others(self, parts: Sequence[str]) -> None:
        """What another account holds."""
        with self._db:
            for table in ("objects", "parts"):
                marks = ", ".join("?" * len(parts))
                self._db.execute(f"DELETE FROM {table} WHERE part NOT IN ({marks})", parts)  # noqa: S608 - our words

    def _counted(self, table: str) -> int:
        count: int = self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our words
        return count


def _open(path: Path) -> sqlite3.Connection:
    """Locked until it is closed. What isn't ours is not touched: it may be somebody's database."""
    try:
        db = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            _lock(db)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as wrong:
        raise StorageRefused(f"{path} cannot keep the place of a listing: {wrong}.") from wrong
    return db


def _lock(db: sqlite3.Connection) -> None:
    """A process that is killed leaves what it has committed; a machine that dies may leave nothing of use."""
    if not _empty(db) and db.execute("PRAGMA application_id").fetchone() != (MARK,):
        raise sqlite3.DatabaseError("it is another kind of file")
    for pragma in ("locking_mode=EXCLUSIVE", "synchronous=OFF", CACHE):
        db.execute(f"PRAGMA {pragma}")
    db.execute("BEGIN EXCLUSIVE")
    for statement in TABLES if _empty(db) else ():
        db.execute(statement)
    db.commit()


def _empty(db: sqlite3.Connection) -> bool:
    return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,))

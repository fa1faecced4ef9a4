"""What the tests of the check share: a store whose listing can be watched, cut and broken, and a check of the waist."""

import asyncio
import io
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from sqlalchemy import update

from app.assets.check import Checker, Finding
from app.assets.check_listing import Listings
from app.db.models import assets as table
from app.errors import StorageUnavailable
from app.storage.backend import ObjectInfo
from app.storage.memory import MemoryBackend
from tests.assets.waist import Waist
from tests.conftest import make_png
from tests.storage.backends import sha256

STRAY = "photo/01a1fe46-6c38-7226-99df-e72aefb3b6b7.png"


class Watched(MemoryBackend):
    """Something can happen before and after its listing, and before it opens an object."""

    def __init__(self) -> None:
        super().__init__()
        self.left_out: set[str] = set()  # of listings
        self.unreadable: set[str] = set()
        self.before: Callable[[], None] = _nothing
        self.after: Callable[[], None] = _nothing
        self.on_open: Callable[[], None] = _nothing

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """What isn't left out."""
        self.before()
        for info in super().list(prefix):
            if info.key not in self.left_out:
                yield info
        self.after()

    def open(self, key: str, **given: Any) -> Any:
        """Unless it can't be read."""
        self.on_open()
        if key in self.unreadable:
            raise StorageUnavailable("The disk failed.")
        return super().open(key, **given)


def breaks() -> None:
    """What a store says that goes away."""
    raise StorageUnavailable("It broke.")


def meanwhile(action: Callable[[], Coroutine[Any, Any, object]]) -> Callable[[], None]:
    """Done once, on the test's loop, while the store's thread waits."""
    loop, done = asyncio.get_running_loop(), list[object]()

    def act() -> None:
        if not done:
            done.append(True)
            asyncio.run_coroutine_threadsafe(action(), loop).result(10)

    return act


async def checked(waist: Waist, *, deep: bool = False, listings: Listings | None = None) -> tuple[Checker, list[str]]:
    """The checker with what it counted, and what it found: `missing <key>`."""
    checker = Checker(waist.database, waist.stores, listings)
    found = [said(each) async for each in checker.findings(deep=deep, progress=quiet)]
    return checker, found


def quiet(_what: str, _count: int) -> None:
    """Progress that nobody looks at."""


def said(finding: Finding) -> str:
    """In short."""
    return f"{finding.finding} {finding.key}"


def put(backend: Any, key: str = STRAY, data: bytes = b"stray") -> None:
    """An object without a row."""
    backend.put(key, io.BytesIO(data), content_type="image/png", size=len(data), sha256=sha256(data))


async def keep(waist: Waist, count: int) -> list[str]:
    """Some logos; the keys of all that the store holds."""
    await waist.keep(*[make_png(noise=bytes([n])) for n in range(count)])
    return waist.keys(waist.stores.default.backend)


async def sweep_all(waist: Waist) -> None:
    """Every asset is deleted, its bytes and its row."""
    await waist.database.run(lambda c: c.execute(update(table).values(state="doomed", due_at=table.c.created_at)))
    await waist.sweeper.sweep()


def _nothing() -> None:
    pass

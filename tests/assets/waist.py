"""The waist, put together by hand: what a test stores, how it looks afterwards, and stores that misbehave."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import select, update

from app.assets.callers import Caller
from app.assets.clean import Cleaner
from app.assets.incoming import Incoming
from app.assets.ingest import Ingest
from app.assets.orders import Order
from app.assets.policy import Policies
from app.assets.sweep import Sweeper
from app.db.clock import clock
from app.db.database import Database
from app.db.models import assets as table
from app.db.records import Kept, SlotRef
from app.errors import StorageUnavailable
from app.settings import LimitSettings
from app.storage.backend import Stored
from app.storage.memory import MemoryBackend
from app.storage.spool import Spool
from app.storage.storage import Storage, Stores

ACME = Caller("acme")
LOGO = SlotRef(tenant="acme", scope="company", owner="42", name="logo")


class Moody(MemoryBackend):
    """A store that refuses some keys, and stops puts at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()
        self.failing_after: int | None = None  # puts that go well before the others fail
        self.puts = 0
        self.hanging: set[int] | None = None  # which puts wait at the gate; None: all
        self.gate = threading.Event()
        self.gate.set()
        self.at_the_gate = threading.Semaphore(0)

    def put(self, key: str, body: BinaryIO, **given: Any) -> Stored:
        """Wait at the gate, then store or refuse."""
        self.puts += 1
        number = self.puts
        self.at_the_gate.release()
        if self.hanging is None or number in self.hanging:
            self.gate.wait(10)
        if self.failing_after is not None and number > self.failing_after:
            raise StorageUnavailable("It is moody.")
        return super().put(key, body, **given)

    def delete(self, key: str, **given: Any) -> None:
        """Refuse, or delete."""
        if key in self.refused:
            raise StorageUnavailable("It is moody.")
        super().delete(key, **given)


class Waist:
    """Everything from the ingest to the stores; `stores` are (name, backend), the first one takes new bytes."""

    def __init__(self, url: str, folder: Path, *, stores: Sequence[tuple[str, Any]] = (), grace: float = 3600) -> None:
        self.backend = Moody()
        self.database = Database(url)
        self.stores = Stores([Storage(name, backend) for name, backend in stores or [("memory", self.backend)]])
        self.spool = Spool(folder)
        policies = Policies.of(LimitSettings())
        self.cleaner = Cleaner(policies)
        self.ingest = Ingest(self.database, self.stores, policies, self.cleaner, grace=grace)
        self.sweeper = Sweeper(self.database, self.stores, self.spool, grace=grace)

    async def incoming(self, data: bytes, filename: str = "a.png") -> Incoming:
        """A file that was received."""
        writer = self.spool.writer()
        for at in range(0, len(data), 65_536):
            if writer.feed(data[at : at + 65_536]):
                await writer.flush()
        return Incoming.of(filename, await writer.finish(), self.spool)

    async def keep(self, *contents: bytes, caller: Caller = ACME, **order: Any) -> Kept:
        """Receive files and keep them."""
        files = [await self.incoming(data) for data in contents]
        return await self.ingest.ingest(caller, Order(**{"kind": "logo", **order}), files)

    async def rows(self) -> dict[UUID, str]:
        """Id -> state."""
        asked = select(table.c.id, table.c.state)
        return await self.database.run(lambda c: {row.id: row.state for row in c.execute(asked)})

    async def states(self) -> list[str]:
        """Of all rows, sorted."""
        return sorted((await self.rows()).values())

    async def expire(self) -> None:
        """Let the grace of every pending row be over."""
        late = update(table).where(table.c.state != "ready").values(due_at=clock(-1))
        await self.database.run(lambda connection: connection.execute(late))

    def keys(self, backend: MemoryBackend | None = None) -> list[str]:
        """What the store holds."""
        return [info.key for info in (backend or self.backend).list()]

    def left(self) -> tuple[int, list[Path]]:
        """What the spool holds, in memory and in files."""
        return self.spool.held, list(self.spool.folder.iterdir())

    def close(self) -> None:
        """Let everything end."""
        self.backend.gate.set()
        for store in self.stores:
            store.close()
        self.cleaner.close()
        self.spool.close()
        self.database.close()

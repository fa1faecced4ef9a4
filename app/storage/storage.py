"""The store as the waist sees it: async, its keys checked, its calls timed and logged, its threads bounded."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Self

from app.errors import StorageError, StorageUnavailable, StoreLimit
from app.lanes import Lane
from app.storage.backend import (
    NOTHING,
    PRIVATE,
    Adopts,
    Backend,
    Batches,
    Limits,
    ObjectInfo,
    Put,
    Serving,
    Stored,
    Tidies,
    safe,
)
from app.storage.inventory import Inventory
from app.storage.recent import Recent
from app.storage.small import SMALL, SmallPuts
from app.storage.spool import Body
from app.telemetry import log

BLOCK = 256 * 1024  # bytes read at once; what is no larger is read whole, and its stream closed, in one go
PUTS, LARGE, QUICK, WAITING = 16, 6, 8, 256


class Storage:
    """One store, in three lanes; small puts, where the store takes several at once, in turns beside them.

    A ping, a read or a delete never waits behind stuck puts, nor a small put behind large ones: these take their time
    and, in some stores, megabytes for their parts.
    """

    def __init__(self, name: str, backend: Backend) -> None:
        self.name = name
        self.backend = backend
        self.closed: str | None = None  # why it must not be used, if it mustn't
        self._limits = backend if isinstance(backend, Limits) else None  # asked once: it is slow for a protocol
        self._small = SmallPuts(name, self._put_all) if isinstance(backend, Batches) else None
        self._recent = Recent()
        self._puts = Lane(f"{name}-puts", threads=PUTS, waiting=WAITING)
        self._large = Lane(f"{name}-large", threads=LARGE, waiting=WAITING)
        self._quick = Lane(f"{name}-quick", threads=QUICK, waiting=WAITING)

    def check_size(self, size: int, content_type: str, serving: Serving) -> None:
        """Raise `StoreLimit` for what the store is known not to take, before a byte is sent."""
        largest = self._limits.max_size(content_type, serving) if self._limits else None
        if largest is not None and size > largest:
            raise StoreLimit(f"The store {self.name} takes at most {largest} bytes of this type.", limit=largest)

    async def put(self, key: str, body: Body, *, content_type: str, serving: Serving = PRIVATE) -> Stored:
        """Store a received body: all or nothing, durable when it returns. `body` is not used up, but may be moved."""
        safe(key)
        with _observed("store.put", self.name, key=key, size=body.size):
            if self._small is not None and body.path is None and body.size <= SMALL:
                return await self._small.put(Put(key, body.open(), content_type, body.size, body.sha256, serving))
            lane = self._puts if body.path is None else self._large
            return await lane.run(_put, self._usable, key, body, content_type, serving)

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> "Reading":
        """Open a range; the first block is read already, so that what is missing is known before anything is sent."""
        safe(key)
        with _observed("store.open", self.name, key=key):
            stream, first = await self._quick.run(_open, self._usable, key, start, end, details)
        return Reading(stream, first, self._quick)

    async def serve(self, key: str, *, start: int, end: int, details: Mapping[str, Any] = NOTHING) -> "Reading":
        """`read`, but for small objects that were served lately: these are in memory still."""
        if self.closed is None and (again := self._recent.get(key, start, end)) is not None:
            return Reading(None, again, self._quick)
        reading = await self.read(key, start=start, end=end, details=details)
        if reading.whole is not None:
            self._recent.keep(key, start, reading.whole)
        return reading

    async def stat(self, key: str) -> ObjectInfo:
        """Ask the store about an object; never in the path of a request."""
        return await self._quick.run(self._usable.stat, safe(key))

    async def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """Delete; what isn't there is deleted already."""
        self._recent.forget(safe(key))
        with _observed("store.delete", self.name, key=key):
            await self._quick.run(self._usable.delete, key, details=details)

    async def inventory(self, on_progress: Callable[[int], None]) -> Inventory:
        """List everything that is there; whoever asks closes it."""
        with _observed("store.list", self.name):
            return await self._quick.run(Inventory.of, self._usable, on_progress)

    async def tidy(self, *, older_than: float, ours: Callable[[str], bool]) -> int:
        """Drop the parts of uploads that nobody finished, where the store keeps such; how many."""
        if not isinstance(self.backend, Tidies):
            return 0
        with _observed("store.tidy", self.name):
            return await self._quick.run(self.backend.tidy, older_than=older_than, ours=ours)

    async def ping(self) -> None:
        """Raise `StorageUnavailable` with the reason."""
        await self._quick.run(self._usable.ping)

    def _put_all(self, puts: Sequence[Put]) -> Sequence[Stored | Exception]:
        backend: Any = self._usable
        outcomes: Sequence[Stored | Exception] = backend.put_all(puts)
        return outcomes

    @property
    def _usable(self) -> Backend:
        if self.closed is not None:
            raise StorageUnavailable(self.closed)
        return self.backend

    def close(self) -> None:
        """Wait for what runs."""
        for lane in (self._puts, self._large, self._small):
            if lane is not None:
                lane.close()
        self._quick.close()


class Reading:
    """The bytes of one object, block by block; must be closed."""

    def __init__(self, stream: BinaryIO | None, first: bytes, lane: Lane) -> None:
        self._stream, self._first, self._lane = stream, first, lane

    @property
    def whole(self) -> bytes | None:
        """All of the range, if it was read in one go."""
        return self._first if self._stream is None else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._stream is not None:
            await self._lane.clean(self._stream.close)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        block = self._first
        while block:
            yield block
            block = b"" if self._stream is None else await self._lane.run(self._stream.read, BLOCK)


class Stores:
    """Every store that rows may name; new bytes go to the first one."""

    def __init__(self, stores: Sequence[Storage]) -> None:
        self._by_name = {store.name: store for store in stores}
        self.default = stores[0]

    def __getitem__(self, name: str) -> Storage:
        """The store that a row names, if it is still configured."""
        try:
            return self._by_name[name]
        except KeyError:
            raise StorageUnavailable(f"The store {name} is not configured.") from None

    def __iter__(self) -> Iterator[Storage]:
        return iter(self._by_name.values())


def _put(backend: Backend, key: str, body: Body, content_type: str, serving: Serving) -> Stored:
    """Blocking: adopt the spooled file where the store can, else stream it."""
    if body.path is not None and isinstance(backend, Adopts):
        stored = backend.adopt(key, body.path)
        body.hand_over()
        return stored
    with body.open() as stream:
        return backend.put(key, stream, content_type=content_type, size=body.size, sha256=body.sha256, serving=serving)


def _open(
    backend: Backend, key: str, start: int, end: int | None, details: Mapping[str, Any]
) -> tuple[BinaryIO | None, bytes]:
    """A stream and its first block; no stream when that is all of a range whose end is known."""
    stream, first = backend.open(key, start=start, end=end, details=details), b""
    try:
        first = stream.read(BLOCK)
    finally:
        if whole := (not first or len(first) == (end or 0) - start):
            stream.close()
    return None if whole else stream, first


@contextlib.contextmanager
def _observed(event: str, store: str, **fields: Any) -> Iterator[None]:
    """One log line a call: at debug level when it went well, as a warning when it didn't."""
    began = time.perf_counter()
    try:
        yield
    except StorageError as failure:
        log(event, level=30, store=store, ms=_ms(began), code=failure.code, reason=failure.detail, **fields)
        raise
    log(event, level=10, store=store, ms=_ms(began), **fields)


def _ms(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 2)

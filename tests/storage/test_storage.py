"""The store as the waist sees it: keys checked, threads bounded, streams closed."""

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from app.errors import Busy, ObjectMissing, UnsafeKey
from app.storage.memory import MemoryBackend
from app.storage.spool import Body
from app.storage.storage import BLOCK, PUTS, QUICK, WAITING, Storage
from tests.storage.backends import HOSTILE, sha256

pytestmark = pytest.mark.anyio


class Watched(MemoryBackend):
    """Keeps the streams that it gave, and stops puts at a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[BinaryIO] = []
        self.gate = threading.Event()
        self.gate.set()

    def open(self, key: str, **given: object) -> BinaryIO:
        """Remember the stream."""
        self.streams.append(super().open(key, **given))
        return self.streams[-1]

    def put(self, key: str, body: BinaryIO, **given: object) -> object:
        """Wait at the gate."""
        self.gate.wait(5)
        return super().put(key, body, **given)


@pytest.fixture
def backend() -> Watched:
    """An open gate, no streams."""
    return Watched()


@pytest.fixture
def storage(backend: Watched) -> Iterator[Storage]:
    """A store called `memory`."""
    storage = Storage("memory", backend)
    yield storage
    backend.gate.set()
    storage.close()


def body_of(data: bytes) -> Body:
    """A small body, received whole."""
    return Body(size=len(data), sha256=sha256(data), head=data, data=data, path=None)


async def put(storage: Storage, key: str, data: bytes) -> None:
    """Store bytes."""
    await storage.put(key, body_of(data), content_type="image/png")


async def read(storage: Storage, key: str, **part: int) -> bytes:
    """All bytes of a range."""
    async with await storage.read(key, **part) as blocks:
        return b"".join([block async for block in blocks])


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
async def test_what_was_put_is_read_in_blocks(storage: Storage, size: int) -> None:
    """Whole, whatever its size."""
    data = os.urandom(size)
    await put(storage, "a/b.png", data)

    assert await read(storage, "a/b.png") == data


async def test_a_range_is_read(storage: Storage) -> None:
    """From `start` to before `end`."""
    await put(storage, "a/b", bytes(range(256)) * 4096)

    assert await read(storage, "a/b", start=255, end=258) == b"\xff\0\1"


UNSAFE = [
    *(key for key in HOSTILE if "xxx" not in key),
    ".a/b",
    "a/.b",
    "a b",
    "ä",
    "a?b",
    "a/b\n",
    "a:b",
    "a%2e",
    "a" * 513,
]


@pytest.mark.parametrize("key", UNSAFE, ids=lambda key: ascii(key)[:24])
async def test_an_unsafe_key_never_reaches_a_backend(storage: Storage, key: str) -> None:
    """Keys are ours: letters, digits, `.`, `_`, `-` and `/`, at most 512, no segment with a dot in front."""
    calls = [put(storage, key, b"x"), storage.read(key), storage.stat(key), storage.delete(key)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [UnsafeKey] * 4


@pytest.mark.parametrize("key", ["a", "a/b.png", "acme/company_logos/company_42/0-1.png", "-/_", "a..b", "a" * 512])
async def test_a_safe_key_does(storage: Storage, key: str) -> None:
    """The ones that we make, and their like."""
    await put(storage, key, b"x")

    assert (await storage.stat(key)).key == key


async def test_what_is_missing_is_known_before_anything_is_sent(storage: Storage) -> None:
    """`read` itself raises, not the first block."""
    with pytest.raises(ObjectMissing):
        await storage.read("a/b")


async def test_a_reading_closes_its_stream(storage: Storage, backend: Watched) -> None:
    """At the end of its block, read to the end or not."""
    await put(storage, "a/b", bytes(3 * BLOCK))
    await read(storage, "a/b")
    async with await storage.read("a/b") as blocks:
        async for _ in blocks:
            break

    assert [stream.closed for stream in backend.streams] == [True, True]


async def test_a_reading_that_is_interrupted_closes_its_stream(storage: Storage, backend: Watched) -> None:
    """The client goes in the middle."""

    async def send() -> None:
        async with await storage.read("a/b") as blocks:
            async for _ in blocks:
                await asyncio.sleep(60)

    await put(storage, "a/b", bytes(3 * BLOCK))
    sending = asyncio.create_task(send())
    await asyncio.sleep(0.02)
    sending.cancel()
    await asyncio.wait([sending])

    assert [stream.closed for stream in backend.streams] == [True]


async def test_a_busy_store_still_closes_streams(storage: Storage, backend: Watched) -> None:
    """When nobody may wait any more, what is open is closed all the same."""
    await put(storage, "a/b", b"x")
    gate = threading.Event()
    async with await storage.read("a/b"):
        blocked = [storage._quick.submit(gate.wait, 5) for _ in range(QUICK + WAITING)]
    gate.set()
    await asyncio.gather(*blocked)

    assert [stream.closed for stream in backend.streams] == [True]


async def test_a_full_lane_says_busy_at_once(storage: Storage, backend: Watched) -> None:
    """So many puts run, so many wait; the next is refused, and those under way are stored."""
    backend.gate.clear()
    puts = [asyncio.create_task(put(storage, f"a/{n}", b"x")) for n in range(PUTS + WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await put(storage, "a/more", b"x")
    backend.gate.set()
    await asyncio.gather(*puts)

    assert len(list(backend.list("a/"))) == PUTS + WAITING


async def test_stuck_puts_stop_nothing_else(storage: Storage, backend: Watched) -> None:
    """Reads, deletes and pings have a lane of their own."""
    await put(storage, "old", b"x")
    backend.gate.clear()
    puts = [asyncio.create_task(put(storage, f"a/{n}", b"x")) for n in range(PUTS + WAITING)]
    async with asyncio.timeout(4):
        await storage.ping()
        content = await read(storage, "old")
        await storage.delete("old")
    backend.gate.set()
    await asyncio.gather(*puts)

    assert content == b"x"

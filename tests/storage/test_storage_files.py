"""The store as the waist sees it, on a disk and with bodies that lie in files."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.errors import StorageError, StorageUnavailable
from app.storage.backend import Stored
from app.storage.local import LocalBackend
from app.storage.memory import MemoryBackend
from app.storage.spool import Body
from app.storage.storage import LARGE, PUTS, Storage
from tests.storage.backends import read as read_all
from tests.storage.backends import sha256
from tests.storage.spools import KeptSpool

pytestmark = pytest.mark.anyio


@pytest.fixture
def storage() -> Iterator[Storage]:
    """A store that adopts nothing."""
    storage = Storage("memory", MemoryBackend())
    yield storage
    storage.close()


@pytest.fixture
def on_disk(local: LocalBackend) -> Iterator[Storage]:
    """A store that adopts."""
    storage = Storage("local", local)
    yield storage
    storage.close()


@pytest.fixture
async def body(local: LocalBackend) -> AsyncIterator[Body]:
    """A megabyte in the spool of the store on the disk."""
    spool = KeptSpool(local.spool)
    writer = spool.writer()
    writer.feed(bytes(1_000_000))
    await writer.flush()
    yield await writer.finish()
    spool.close()


async def test_a_disk_that_fails_under_a_reader_is_one_of_our_errors(
    on_disk: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first block on: a door knows what to answer."""

    def breaks(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    small = Body(size=1, sha256=sha256(b"x"), head=b"x", data=b"x", path=None)
    await on_disk.put("a/b", small, content_type="text/plain")
    monkeypatch.setattr(os, "pread", breaks)

    with pytest.raises(StorageUnavailable):
        await on_disk.read("a/b")


async def test_a_spooled_body_is_moved_into_a_store_that_adopts(
    on_disk: Storage, local: LocalBackend, body: Body
) -> None:
    """No second copy is written, and nothing is left in the spool."""
    (spooled,) = local.spool.iterdir()
    number = spooled.stat().st_ino
    await on_disk.put("a/b", body, content_type="text/plain")

    assert (local.root / "a/b").stat().st_ino == number
    assert list(local.spool.iterdir()) == []


async def test_a_spooled_body_is_copied_into_any_other_store(storage: Storage, body: Body) -> None:
    """The file stays until it is discarded: a put that failed can be tried again."""
    await storage.put("a/b", body, content_type="text/plain")
    await storage.put("a/b", body, content_type="text/plain")

    assert read_all(storage.backend, "a/b") == bytes(1_000_000)


@pytest.mark.parametrize("adopts", [True, False])
async def test_a_spooled_file_that_is_gone_is_one_of_our_errors(
    storage: Storage, on_disk: Storage, body: Body, *, adopts: bool
) -> None:
    """Somebody cleaned the folder for temporary files: no other exception leaves a store."""
    assert body.path is not None
    body.path.unlink()

    with pytest.raises(StorageError):
        await (on_disk if adopts else storage).put("a/b", body, content_type="text/plain")


def open_files() -> int:
    """How many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("start", "end", "closed"), [(0, 5, True), (1, 3, True), (0, 9, False), (0, None, False)])
async def test_a_small_range_is_read_and_closed_at_once(
    on_disk: Storage, start: int, end: int | None, *, closed: bool
) -> None:
    """One way to a thread and back; a file that is shorter than its row says is read to its end as any other."""
    small = Body(size=5, sha256=sha256(b"abcde"), head=b"abcde", data=b"abcde", path=None)
    await on_disk.put("a/b", small, content_type="text/plain")
    before = open_files()
    async with await on_disk.read("a/b", start=start, end=end) as blocks:
        opened = open_files() - before
        assert b"".join([block async for block in blocks]) == b"abcde"[start:end]

    assert opened == (0 if closed else 1)
    assert open_files() == before


async def test_a_small_put_does_not_wait_behind_large_ones(local: LocalBackend) -> None:
    """However many large ones are stuck."""
    gate = threading.Event()

    class Stuck(LocalBackend):
        def adopt(self, key: str, path: Path) -> Stored:
            gate.wait(30)
            return super().adopt(key, path)

    store, spool = Storage("local", Stuck(local.root)), KeptSpool(local.spool)
    large = []
    for number in range(LARGE + PUTS):
        writer = spool.writer()
        writer.feed(bytes(300_000))
        await writer.flush()
        large.append(asyncio.create_task(store.put(f"a/{number}", await writer.finish(), content_type="text/plain")))
    small = Body(size=1, sha256=sha256(b"x"), head=b"x", data=b"x", path=None)
    async with asyncio.timeout(20):
        await store.put("a/small", small, content_type="text/plain")
    gate.set()
    await asyncio.gather(*large)
    store.close()
    spool.close()

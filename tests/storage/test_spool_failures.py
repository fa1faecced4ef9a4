"""The spool when its folder, its disk or its threads fail; and its sweep."""

import asyncio
import errno
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.errors import Busy, NoRoom, StorageError
from app.lanes import Lane
from app.storage.spool import SMALL, Spool, Writer
from tests.storage.spools import KeptSpool

pytestmark = pytest.mark.anyio


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    (tmp_path / "spool").mkdir()
    spool = KeptSpool(tmp_path / "spool")
    yield spool
    spool.close()


@asynccontextmanager
async def busy(spool: Spool) -> AsyncIterator[None]:
    """While the block runs, the spool's only thread does something else, and nobody may wait for it."""
    gate = threading.Event()
    spool.lane.close()
    spool.lane = Lane("narrow", threads=1, waiting=0)
    blocked = spool.lane.submit(gate.wait, 5)
    try:
        yield
    finally:
        gate.set()
        await blocked
        await asyncio.sleep(0)


async def write(writer: Writer, size: int) -> None:
    """Feed that many bytes in pieces of 64 KiB."""
    for at in range(0, size, 65_536):
        if writer.feed(bytes(min(65_536, size - at))):
            await writer.flush()


async def test_a_folder_that_is_gone_is_one_of_our_errors(spool: Spool) -> None:
    """The disk went away while a body came in: a StorageError, and nothing is held afterwards."""
    spool.folder.rmdir()
    writer = spool.writer()
    with pytest.raises(StorageError):
        await write(writer, 3_000_000)
    await writer.discard()

    assert spool.held == 0
    assert not spool.folder.exists()


async def test_a_failed_write_is_told_at_the_end_too(spool: Spool) -> None:
    """A body of one batch: there is no second flush that could raise, so `finish` does."""
    spool.folder.rmdir()
    writer = spool.writer()
    writer.feed(bytes(SMALL + 1))
    await writer.flush()
    with pytest.raises(StorageError):
        await writer.finish()
    await writer.discard()

    assert spool.held == 0


async def test_a_full_disk_is_told_as_such(spool: Spool) -> None:
    """Really: the process may write files of a megabyte at most. 507, and the half file is removed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * 1024, hard))
    writer = spool.writer()
    try:
        with pytest.raises(NoRoom):
            await write(writer, 4_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await writer.discard()

    assert spool.held == 0
    assert list(spool.folder.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EIO])
async def test_a_file_that_cannot_be_removed_is_left_to_the_sweeper(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A disk that became read-only: discarding says nothing, so that what went wrong before is what is told."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    half, whole = spool.writer(), spool.writer()
    await write(half, 600_000)
    await write(whole, 600_000)
    body = await whole.finish()
    monkeypatch.setattr(os, "unlink", refuse)
    await half.discard()
    await spool.discard(body)

    assert spool.held == 0


async def test_a_busy_spool_refuses_and_holds_nothing(spool: Spool) -> None:
    """No thread is free: the body is refused, and after it is discarded its bytes are not counted any more."""
    writer = spool.writer()
    writer.feed(bytes(SMALL + 1))
    async with busy(spool):
        with pytest.raises(Busy):
            await writer.flush()
    await writer.discard()

    assert spool.held == 0
    assert list(spool.folder.iterdir()) == []


async def test_a_busy_spool_is_no_reason_not_to_discard(spool: Spool) -> None:
    """Discarding doesn't raise, and closes the file; it goes then, or when the sweeper comes."""
    half, whole = spool.writer(), spool.writer()
    await write(half, 600_000)
    await write(whole, 300_000)
    body = await whole.finish()
    async with busy(spool):
        discarding = [asyncio.create_task(half.discard()), asyncio.create_task(spool.discard(body))]
        await asyncio.sleep(0.01)
    await asyncio.gather(*discarding)
    await spool.sweep(older_than=-1)

    assert spool.held == 0
    assert list(spool.folder.iterdir()) == []


async def test_a_sweep_takes_old_files_only(spool: Spool) -> None:
    """By the time of the last write; and says how many."""
    for name, age in {"old.part": 7200, "older.put": 90_000, "young.part": 60, "new.part": 0}.items():
        path = spool.folder / name
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    removed = await spool.sweep(older_than=3600)

    assert removed == 2
    assert sorted(path.name for path in spool.folder.iterdir()) == ["new.part", "young.part"]


async def test_a_sweep_leaves_a_body_that_is_coming_in(spool: Spool) -> None:
    """It was written to a moment ago."""
    writer = spool.writer()
    await write(writer, 600_000)

    assert await spool.sweep(older_than=60) == 0
    assert (await writer.finish()).size == 600_000


async def test_two_sweeps_at_once_are_fine(spool: Spool) -> None:
    """Each file is removed and counted once."""
    for n in range(200):
        (spool.folder / f"{n}.part").write_bytes(b"x")
    counts = await asyncio.gather(*[spool.sweep(older_than=-1) for _ in range(4)])

    assert sum(counts) == 200
    assert list(spool.folder.iterdir()) == []


async def test_a_sweep_without_a_folder_finds_nothing(spool: Spool) -> None:
    """The disk is not mounted: that is for others to say."""
    spool.folder.rmdir()

    assert await spool.sweep(older_than=0) == 0


async def test_a_sweep_goes_on_past_what_it_cannot_remove(spool: Spool) -> None:
    """A folder that somebody made there, or a file that is not ours, doesn't keep the others."""
    (spool.folder / "a folder").mkdir()
    (spool.folder / "z.part").write_bytes(b"x")
    removed = await spool.sweep(older_than=-1)

    assert removed == 1
    assert not (spool.folder / "z.part").exists()

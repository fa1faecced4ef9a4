"""The spool: bodies on their way in."""

import asyncio
import random
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.lanes import Lane
from app.storage.spool import BATCH_WHEN_CROWDED, BUDGET, HEAD, SMALL, Body, Spool
from tests.storage.backends import sha256
from tests.storage.spools import KeptSpool

pytestmark = pytest.mark.anyio


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    (tmp_path / "spool").mkdir()
    spool = KeptSpool(tmp_path / "spool")
    yield spool
    spool.close()


async def receive(spool: Spool, data: bytes, *, pieces: list[int] | None = None) -> Body:
    """Feed a body in pieces of these sizes, over and over, as a door does."""
    writer, at, sizes = spool.writer(), 0, pieces or [65_536]
    while at < len(data):
        size = sizes[at % len(sizes)]
        if writer.feed(data[at : at + size]):
            await writer.flush()
        at += size
    return await writer.finish()


def left_in(spool: Spool) -> list[Path]:
    """What lies in the spool's folder."""
    return list(spool.folder.iterdir())


def content(body: Body) -> bytes:
    """All of a received body."""
    with body.open() as stream:
        return stream.read()


@pytest.mark.parametrize("size", [0, 1, 1000, SMALL - 1, SMALL])
async def test_a_small_body_stays_in_memory(spool: Spool, size: int) -> None:
    """Up to 256 KiB, no file is made."""
    data = random.Random(size).randbytes(size)
    body = await receive(spool, data)

    assert (body.path, body.data, body.head) == (None, data, data)
    assert left_in(spool) == []
    assert spool.held == size


async def test_a_larger_body_spills(spool: Spool) -> None:
    """One byte more, and it lies in one file in the spool's folder."""
    data = random.Random(1).randbytes(SMALL + 1)
    body = await receive(spool, data)

    assert body.data is None
    assert [body.path] == left_in(spool)
    assert content(body) == data


@pytest.mark.parametrize("seed", range(25))
async def test_any_cut_into_pieces_gives_the_same_body(spool: Spool, seed: int) -> None:
    """Size, hash, first bytes and content don't depend on how the network cut it, also in memory and crowded."""
    chance = random.Random(seed)
    spool.budget = chance.choice([0, 100_000, BUDGET])
    data = chance.randbytes(chance.choice([3, 8_192, 300_000, 1_500_000]))
    pieces = [chance.choice([1, 7, 4_096, 8_191, 8_192, 65_536, 700_000]) for _ in range(11)]
    body = await receive(spool, data, pieces=pieces)

    assert (body.size, body.sha256) == (len(data), sha256(data))
    assert body.head == data[:HEAD]
    assert content(body) == data


async def test_single_bytes_are_a_body_too(spool: Spool) -> None:
    """A client that sends byte by byte is slow, not wrong; past 256 KiB too."""
    data = random.Random(2).randbytes(SMALL + 5_000)
    body = await receive(spool, data, pieces=[1])

    assert (body.size, body.sha256, body.head) == (len(data), sha256(data), data[:HEAD])
    assert content(body) == data


@pytest.mark.parametrize("size", [0, 1000, SMALL + 1, 3_000_000])
async def test_a_discarded_body_gives_everything_back(spool: Spool, size: int) -> None:
    """Memory and file; twice is fine."""
    body = await receive(spool, bytes(size))
    await spool.discard(body)
    await spool.discard(body)

    assert spool.held == 0
    assert left_in(spool) == []


@pytest.mark.parametrize("size", [0, 1, 1000, SMALL, SMALL + 1, 3_000_000])
async def test_a_body_that_is_cut_leaves_nothing(spool: Spool, size: int) -> None:
    """Discarded at any point before its end, twice."""
    writer = spool.writer()
    for _ in range(0, size, 50_000):
        if writer.feed(bytes(min(size, 50_000))):
            await writer.flush()
    await writer.discard()
    await writer.discard()

    assert spool.held == 0
    assert left_in(spool) == []


async def test_a_finished_writer_has_nothing_to_discard(spool: Spool) -> None:
    """The body has another owner now."""
    data = bytes(SMALL + 1)
    writer = spool.writer()
    if writer.feed(data):
        await writer.flush()
    body = await writer.finish()
    await writer.discard()

    assert content(body) == data


async def test_without_budget_a_small_body_spills(spool: Spool) -> None:
    """When all bodies together hold too much, the next one goes to the disk at once."""
    spool.budget = 100_000
    first = await receive(spool, bytes(100_000))
    second = await receive(spool, b"small")

    assert first.path is None
    assert second.path is not None
    assert spool.held == 100_000 + len(second.head)
    assert content(second) == b"small"


async def test_the_budget_bounds_what_slow_bodies_hold(spool: Spool) -> None:
    """Fifty at once, fed by turns: beyond the budget each keeps a batch that is written and one that fills, no more."""
    spool.budget, most = 2_000_000, 0
    writers = [spool.writer() for _ in range(50)]
    for _ in range(12):
        for writer in writers:
            if writer.feed(bytes(65_536)):
                await writer.flush()
            most = max(most, spool.held)
    bodies = [await writer.finish() for writer in writers]
    for body in bodies:
        await spool.discard(body)

    assert most <= spool.budget + 50 * 2 * BATCH_WHEN_CROWDED
    assert spool.held == 0
    assert left_in(spool) == []


@pytest.mark.parametrize("size", [200_000, 1_000_000])
async def test_what_is_kept_alive_counts(spool: Spool, size: int) -> None:
    """What finished bodies take in memory, their first bytes too, is what the budget was charged."""
    bodies = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(20):
            bodies.append(await receive(spool, random.Random(n).randbytes(size)))  # noqa: PERF401 - nothing else is made
        await asyncio.sleep(0.05)  # until the threads have let go of their last batch
        alive = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert len(bodies) == 20
    assert alive <= spool.held + 20 * 16_384


async def test_a_cancelled_flush_leaves_nothing(spool: Spool) -> None:
    """The client goes while a batch is being written: the file goes as soon as the thread is done with it."""
    writer, gate = spool.writer(), threading.Event()
    spool.lane = Lane("narrow", threads=1, waiting=9)
    writer.feed(bytes(600_000))
    blocked = spool.lane.submit(gate.wait, 5)
    await writer.flush()
    writer.feed(bytes(600_000))
    flushing = asyncio.create_task(writer.flush())
    await asyncio.sleep(0.01)
    flushing.cancel()
    await asyncio.wait([flushing])
    discarding = asyncio.create_task(writer.discard())
    gate.set()
    await asyncio.gather(discarding, blocked)

    assert flushing.cancelled()
    assert spool.held == 0
    assert left_in(spool) == []


async def test_what_is_being_written_is_never_swept(spool: Spool) -> None:
    """However old it looks: the clock may have jumped."""
    writer = spool.writer()
    writer.feed(bytes(SMALL + 1))
    await writer.flush()
    removed = await spool.sweep(older_than=-3600)
    await writer.discard()

    assert removed == 0


async def test_what_is_whole_is_not_swept_before_it_is_discarded(spool: Spool) -> None:
    """A store may still be reading it, however old it looks."""
    writer = spool.writer()
    writer.feed(bytes(SMALL + 1))
    await writer.flush()
    body = await writer.finish()
    removed = await spool.sweep(older_than=-3600)
    with body.open() as stream:
        assert len(stream.read()) == SMALL + 1
    await spool.discard(body)

    assert removed == 0
    assert left_in(spool) == []
    assert body.file is None

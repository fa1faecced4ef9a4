"""Small objects that were served lately are in memory; nothing that is gone is."""

import pytest

from app.errors import ObjectMissing, StorageUnavailable
from app.storage.memory import MemoryBackend
from app.storage.recent import LARGEST, Recent
from app.storage.storage import Storage
from tests.faults.backend import Faulty, faulty
from tests.storage.backends import put

pytestmark = pytest.mark.anyio
DATA = bytes(range(256))


@pytest.fixture
def backend() -> Faulty:
    """It counts what is asked of it."""
    return faulty(MemoryBackend())


async def served(storage: Storage, key: str, start: int, end: int) -> bytes:
    """All blocks of a range."""
    async with await storage.serve(key, start=start, end=end) as blocks:
        return b"".join([block async for block in blocks])


async def test_the_second_one_is_in_memory(backend: Faulty) -> None:
    """The store is asked once; another range is another question."""
    storage = Storage("memory", backend)
    put(backend, "a/b", DATA)

    assert [await served(storage, "a/b", 0, 256) for _ in range(3)] == [DATA] * 3
    assert backend.calls.count("open") == 1
    assert await served(storage, "a/b", 3, 9) == DATA[3:9]
    assert await served(storage, "a/b", 0, 256) == DATA
    assert backend.calls.count("open") == 3
    storage.close()


async def test_large_objects_are_read_each_time(backend: Faulty) -> None:
    """They would push out the small ones."""
    storage, large = Storage("memory", backend), DATA * (LARGEST // 256 + 1)
    put(backend, "a/b", large)

    assert [await served(storage, "a/b", 0, len(large)) for _ in range(2)] == [large] * 2
    assert backend.calls.count("open") == 2
    storage.close()


async def test_what_was_deleted_is_not_in_memory(backend: Faulty) -> None:
    """Nor is anything of a store that must not be used any more."""
    storage = Storage("memory", backend)
    for key in ("a/b", "a/c"):
        put(backend, key, DATA)
        await served(storage, key, 0, 256)
    await storage.delete("a/b")

    with pytest.raises(ObjectMissing):
        await served(storage, "a/b", 0, 256)
    storage.closed = "It is another disk."
    with pytest.raises(StorageUnavailable):
        await served(storage, "a/c", 0, 256)
    storage.close()


async def test_a_check_reads_the_store_itself(backend: Faulty) -> None:
    """`read` never answers from memory."""
    storage = Storage("memory", backend)
    put(backend, "a/b", DATA)
    await served(storage, "a/b", 0, 256)
    backend.inner.delete("a/b")

    with pytest.raises(ObjectMissing):
        await storage.read("a/b", start=0, end=256)
    storage.close()


def test_the_oldest_make_room() -> None:
    """Never more than there is room for; what was asked for lately stays."""
    recent = Recent(largest=100, room=1000)
    for number in range(10):
        recent.keep(str(number), 0, bytes(100))
    assert recent.get("0", 0, 100) is not None
    recent.keep("new", 0, bytes(100))

    assert recent.get("1", 0, 100) is None
    assert [recent.get(key, 0, 100) for key in ("0", "2", "9", "new")] == [bytes(100)] * 4


def test_a_range_takes_the_place_of_another() -> None:
    """One of each key, so that a hundred ranges of one object don't push out a hundred others."""
    recent = Recent(largest=100, room=150)
    recent.keep("other", 0, bytes(50))
    for start in range(100):
        recent.keep("one", start, bytes(100))

    assert recent.get("other", 0, 50) == bytes(50)
    assert recent.get("one", 99, 199) == bytes(100)
    assert recent.get("one", 98, 198) is None

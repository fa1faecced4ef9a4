"""The backend that fails on demand does so at the moment that was asked for. The contract has tests of its own."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ObjectMissing, StorageUnavailable
from app.storage.backend import Adopts, Batches, Identified, Limits, Tidies
from app.storage.local import LocalBackend
from app.storage.memory import MemoryBackend
from tests.faults.backend import Faulty, failing, faulty
from tests.storage.backends import FACTORIES, keys, put, read, sha256

DATA = bytes(range(256)) * 40
NO = failing(StorageUnavailable)
ROWS = [row for row in FACTORIES if row[1] in {"disk", "process", "swift", "stand-in"}]


@pytest.fixture
def memory() -> Faulty:
    """Around a store in memory."""
    return faulty(MemoryBackend())


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_it_has_the_abilities_of_the_backend_inside(request: pytest.FixtureRequest, row: tuple[str, str]) -> None:
    """No more and no less."""
    inner = FACTORIES[row](request)

    for ability in (Adopts, Batches, Identified, Limits, Tidies):
        assert isinstance(faulty(inner), ability) == isinstance(inner, ability)


@pytest.mark.parametrize(("moment", "kept"), [("before", False), ("during", False), ("after", True)])
def test_a_put_fails_before_during_or_after(memory: Faulty, moment: str, *, kept: bool) -> None:
    """After: it was stored, and nobody says so. The next one goes well."""
    memory.plan("put", moment, NO)

    with pytest.raises(StorageUnavailable):
        put(memory, "a/b", DATA)
    assert keys(memory) == (["a/b"] if kept else [])
    put(memory, "a/c", DATA)
    assert read(memory, "a/c") == DATA


@pytest.mark.parametrize("row", ROWS, ids="-".join)
def test_the_middle_of_a_body_is_the_middle_of_its_way_to_the_store(
    request: pytest.FixtureRequest, row: tuple[str, str]
) -> None:
    """Whether or not it is read beforehand; what happens there and does no harm does none."""
    seen: list[int] = []
    backend, body = faulty(FACTORIES[row](request)), io.BytesIO(DATA)
    backend.plan("put", "during", lambda: seen.append(body.tell()))
    backend.put("a/b", body, content_type="image/png", size=len(DATA), sha256=sha256(DATA))

    assert seen == [len(DATA) // 2]
    assert read(backend, "a/b") == DATA


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_an_adoption_counts_as_a_put(tmp_path: Path, moment: str) -> None:
    """The disk renames large files."""
    disk = faulty(LocalBackend(tmp_path / "files"))
    spooled = disk.spool / "x.part"
    spooled.write_bytes(DATA)
    disk.plan("put", moment, NO)

    with pytest.raises(StorageUnavailable):
        disk.adopt("a/b", spooled)
    assert keys(disk) == (["a/b"] if moment == "after" else [])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("open", lambda b: read(b, "a/b")),
        ("stat", lambda b: b.stat("a/b")),
        ("list", lambda b: list(b.list())),
        ("delete", lambda b: b.delete("a/b")),
        ("ping", lambda b: b.ping()),
    ],
)
@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_any_call_fails_once(memory: Faulty, name: str, moment: str, call: Callable[[Faulty], object]) -> None:
    """And is counted."""
    put(memory, "a/b", DATA)
    memory.plan(name, moment, NO)

    with pytest.raises(StorageUnavailable):
        call(memory)
    call(memory)
    assert memory.calls == ["put", name, name]


def test_a_plan_is_for_later_calls_and_for_several(memory: Faulty) -> None:
    """Two go well, then two fail; a plan that was forgotten does nothing."""
    memory.plan("put", "before", NO, after=2, times=2)
    fates = []
    for number in range(5):
        try:
            put(memory, f"a/{number}", DATA)
        except StorageUnavailable:
            fates.append(number)
    memory.plan("put", "before", NO, times=9).heal()
    put(memory, "a/9", DATA)

    assert fates == [2, 3]


def test_what_the_backend_inside_says_is_said(memory: Faulty) -> None:
    """Its own errors pass."""
    with pytest.raises(ObjectMissing):
        memory.stat("a/b")

"""Several small objects put at once (`Batches`): each is a put of its own, whatever becomes of its neighbours."""

import errno
import io
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageUnavailable, UnsafeKey
from app.storage import moves
from app.storage.backend import Put, Stored
from app.storage.local import LocalBackend
from tests.storage.backends import read, sha256, tree


def of(key: str, data: bytes = b"bytes") -> Put:
    """An honest put."""
    return Put(key, io.BytesIO(data), "image/png", len(data), sha256(data))


def breaking() -> io.BytesIO:
    """A body that can't be read."""
    body = io.BytesIO()
    body.close()
    return body


BAD: dict[str, tuple[Callable[[], Put], type[Exception]]] = {
    "other bytes": (lambda: replace(of("a/bad"), sha256="0" * 64), StorageRefused),
    "fewer bytes": (lambda: replace(of("a/bad"), size=6), StorageRefused),
    "a hostile key": (lambda: of("a/../../bad"), UnsafeKey),
    "a body that breaks": (lambda: replace(of("a/bad"), body=breaking()), ValueError),
    "below a file": (lambda: of("a/3/bad"), UnsafeKey),
}


def test_all_are_stored(local: LocalBackend) -> None:
    """In several folders, told in the order they were given."""
    puts = [of(f"{folder}/{n}", f"{folder}{n}".encode()) for n in range(5) for folder in ("b", "a", "a/c")]

    assert local.put_all(puts) == [Stored(public_id=put.key, url=None) for put in puts]
    assert [read(local, put.key) for put in puts] == [put.body.getvalue() for put in puts]
    assert list(local.spool.iterdir()) == []


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_a_bad_one_harms_no_other(local: LocalBackend, name: str, place: int) -> None:
    """Wherever it stands among them; nothing of it is left."""
    make, expected = BAD[name]
    puts = [of(f"a/{n}") for n in range(6)]
    outcomes = local.put_all([*puts[:place], make(), *puts[place:]])

    assert type(outcomes[place]) is expected
    assert [type(one) for one in (*outcomes[:place], *outcomes[place + 1 :])] == [Stored] * 6
    assert tree(local.root).keys() == {".stowage", *(f"a/{n}" for n in range(6))}


@pytest.mark.parametrize("slow", [moves.SLOW, 0.0], ids=["one by one", "at once"])
def test_a_flush_that_fails_fails_its_file_alone(
    local: LocalBackend, monkeypatch: pytest.MonkeyPatch, slow: float
) -> None:
    """The disk may have lost the bytes of that one; the others are flushed."""
    flush = os.fsync

    def fails_for_one(fd: int) -> None:
        if os.fstat(fd).st_size == len(b"unlucky"):
            raise OSError(errno.EIO, "Input/output error")
        flush(fd)

    monkeypatch.setattr(moves, "SLOW", slow)
    monkeypatch.setattr(os, "fsync", fails_for_one)
    outcomes = local.put_all([of("a/1"), of("a/2", b"unlucky"), of("a/3"), of("b/4")])

    assert [type(one) for one in outcomes] == [Stored, StorageUnavailable, Stored, Stored]
    with pytest.raises(ObjectMissing):
        local.stat("a/2")


def test_a_folder_that_fails_fails_its_own_files_alone(local: LocalBackend) -> None:
    """A folder that can't be made is nobody else's affair."""
    (local.root / "broken").write_bytes(b"a file")
    outcomes = local.put_all([of("a/1"), of("broken/2"), of("broken/3"), of("c/4")])

    assert [type(one) for one in outcomes] == [Stored, UnsafeKey, UnsafeKey, Stored]
    assert list(local.spool.iterdir()) == []


def test_files_of_a_batch_are_flushed_before_any_has_its_name(
    local: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other or at once: the order on the disk is that of a single put."""
    for slow in (moves.SLOW, 0.0):
        monkeypatch.setattr(moves, "SLOW", slow)
        events = watched(monkeypatch)
        local.put_all([of(f"a/{slow}-{n}") for n in range(4)])
        last_flush = max(at for at, event in enumerate(events) if event == ("fsync", False))

        assert events.count(("fsync", False)) == events.count(("rename", None)) == 4
        assert last_flush < events.index(("rename", None))
        assert events[-1] == ("fsync", True)
        monkeypatch.undo()


def test_a_slow_disk_flushes_them_at_once(local: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve flushes that take 0.2 s each take less than three times that, the folder's included."""
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (time.sleep(0.2), real(fd)))
    began = time.monotonic()
    outcomes = local.put_all([of(f"a/{n}") for n in range(12)])

    assert not [one for one in outcomes if isinstance(one, StorageError)]
    assert 0.4 < time.monotonic() - began < 2.0  # 2.6 if they were flushed in turn


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool | None]]:
    """What is done to the disk: flushes, of a folder or not, and renames."""
    events: list[tuple[str, bool | None]] = []
    flush, rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        events.append(("fsync", Path(f"/proc/self/fd/{fd}").resolve().is_dir()))
        flush(fd)

    def renamed(*given: object, **told: object) -> None:
        events.append(("rename", None))
        rename(*given, **told)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", renamed)
    return events

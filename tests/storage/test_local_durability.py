"""The store on a disk: what reaches the disk, in which order, and what is left when a call fails half-way."""

import errno
import os
import random
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from app.errors import NoRoom, ObjectMissing, StorageError, StorageUnavailable
from app.storage.local import LocalBackend
from tests.storage.backends import put, read, tree

NO_ROOM, NOT_NOW = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
ERRORS = [*[(code, NoRoom) for code in NO_ROOM], *[(code, StorageUnavailable) for code in (*NOT_NOW, errno.EMFILE)]]
DATA = random.Random(4).randbytes(3 * 1024 * 1024)
TOUCHING = ("fsync", "rename", "replace", "link", "unlink", "mkdir", "open")


class Recorder:
    """Watches the calls that touch the disk: their names, and for fsync the number and size of what was flushed.

    Made to, it lets them fail as a disk does: the one after `after` others, or that one and `all_after`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[str, int, int]] = []
        self.failed = 0
        self._failing: tuple[int, int, bool] | None = None
        for name in TOUCHING:
            monkeypatch.setattr(os, name, self._watched(name, getattr(os, name)))

    @contextmanager
    def failing(self, code: int, *, after: int, all_after: bool = False) -> Iterator[None]:
        """While the block runs."""
        self.events.clear()
        self.failed, self._failing = 0, (code, after, all_after)
        try:
            yield
        finally:
            self._failing = None

    def at(self, name: str, number: int | None = None) -> int:
        """Which event that was; of several, the last."""
        return max(i for i, event in enumerate(self.events) if event[0] == name and number in {None, event[1]})

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            seen = os.fstat(args[0]) if name == "fsync" else None
            self.events.append((name, seen.st_ino if seen else 0, seen.st_size if seen else 0))
            self._fail_if_due(len(self.events) - 1)
            return real(*args, **kwargs)

        return call

    def _fail_if_due(self, nth: int) -> None:
        if self._failing is None:
            return
        code, after, all_after = self._failing
        if nth == after or (all_after and nth > after):
            self.failed += 1
            raise OSError(code, os.strerror(code))


@pytest.fixture
def recorder(local: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Begins to watch when the store is open."""
    return Recorder(monkeypatch)


def number(path: Path) -> int:
    """What a file or folder is on its disk, whatever it is called."""
    return path.stat().st_ino


def test_a_put_flushes_the_file_before_it_gets_its_name(local: LocalBackend, recorder: Recorder) -> None:
    """All bytes are written when the file is flushed; only then it is renamed, and the folder is flushed last."""
    put(local, "a/b", DATA)
    file, folder = number(local.root / "a/b"), number(local.root / "a")
    flushed = recorder.at("fsync", file)

    assert recorder.events[flushed][2] == len(DATA)
    assert flushed < recorder.at("rename") < recorder.at("fsync", folder)


def test_an_adopted_file_is_flushed_before_it_gets_its_name(local: LocalBackend, recorder: Recorder) -> None:
    """The spool doesn't flush what it writes: the store does."""
    path = local.spool / "waiting.part"
    path.write_bytes(DATA)
    local.adopt("a/b", path)
    file, folder = number(local.root / "a/b"), number(local.root / "a")

    assert recorder.events[recorder.at("fsync", file)][2] == len(DATA)
    assert recorder.at("fsync", file) < recorder.at("rename") < recorder.at("fsync", folder)


def test_every_new_folder_is_flushed_into_its_parent(local: LocalBackend, recorder: Recorder) -> None:
    """Else a power cut takes the folder, and every file in it."""
    put(local, "a/b/c/file", b"x")
    made = [i for i, event in enumerate(recorder.events) if event[0] == "mkdir"]
    parents = [local.root, local.root / "a", local.root / "a/b"]

    assert [recorder.at("fsync", number(parent)) > at for parent, at in zip(parents, made, strict=True)] == [True] * 3


def test_a_folder_found_at_the_start_is_flushed_too(local: LocalBackend, recorder: Recorder) -> None:
    """Whoever made it may have died before it was flushed."""
    (local.root / "a").mkdir()
    put(local, "a/file", b"x")

    assert ("fsync", number(local.root), local.root.stat().st_size) in recorder.events


def test_a_known_folder_is_not_flushed_again(local: LocalBackend, recorder: Recorder) -> None:
    """A put into it costs two flushes: the file's and the folder's."""
    put(local, "a/b/one", b"x")
    recorder.events.clear()
    put(local, "a/b/two", b"x")

    assert [event[0] for event in recorder.events if event[0] in {"fsync", "mkdir"}] == ["fsync", "fsync"]


def test_a_delete_is_flushed(local: LocalBackend, recorder: Recorder) -> None:
    """A power cut doesn't bring the file back."""
    put(local, "a/b", b"x")
    local.delete("a/b")

    assert recorder.at("unlink") < recorder.at("fsync", number(local.root / "a"))


def test_a_new_root_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder above it that was made, the spool, and the marker before its name."""
    recorder = Recorder(monkeypatch)
    local = LocalBackend(tmp_path / "new" / "files")
    flushed = [event[1] for event in recorder.events if event[0] == "fsync"]

    assert {number(tmp_path), number(tmp_path / "new"), number(local.root)} <= set(flushed)
    assert recorder.at("fsync", number(local.root / ".stowage")) < recorder.at("link")
    assert recorder.at("link") < recorder.at("fsync", number(local.root))


@pytest.mark.parametrize(("code", "expected"), ERRORS, ids=lambda value: errno.errorcode.get(value, ""))
def test_a_put_that_fails_anywhere_leaves_nothing_or_all(
    local: LocalBackend, recorder: Recorder, code: int, expected: type[StorageError]
) -> None:
    """Each call that touches the disk is made to fail in turn: the error is told as it is, and nothing is left over."""
    for nth in range(100):
        with recorder.failing(code, after=nth), suppress(expected):
            put(local, f"{nth}/x", b"bytes")
        found = tree(local.root / str(nth)) if (local.root / str(nth)).exists() else {}

        assert found in ({}, {"x": b"bytes"})
        assert list(local.spool.iterdir()) == []
        if not recorder.failed:
            return


@pytest.mark.parametrize(("code", "expected"), ERRORS, ids=lambda value: errno.errorcode.get(value, ""))
@pytest.mark.parametrize("name", ["put", "adopt", "delete"])
def test_a_disk_that_goes_bad_anywhere_is_told_as_it_is(
    local: LocalBackend, recorder: Recorder, name: str, code: int, expected: type[StorageError]
) -> None:
    """From some call on every one fails, as after a remount: only the store's own errors leave, nothing is halved."""
    for nth in range(100):
        key, spooled = f"{nth}/x", local.spool / f"{nth}.part"
        spooled.write_bytes(b"bytes")
        calls = {
            "put": lambda: put(local, key, b"bytes"),  # noqa: B023 - called in this round
            "adopt": lambda: local.adopt(key, spooled),  # noqa: B023
            "delete": lambda: local.delete("old/x"),
        }
        put(local, "old/x", b"bytes")
        with recorder.failing(code, after=nth, all_after=True), suppress(expected):
            calls[name]()

        assert set(tree(local.root / str(nth)).values()) <= {b"bytes"}
        if not recorder.failed:
            return


def test_a_full_disk_stops_a_put_half_way(local: LocalBackend) -> None:
    """Really: the process may write files of a megabyte at most. The error says so, and the half is removed."""
    with largest_file(1024 * 1024), pytest.raises(NoRoom):
        put(local, "a/b", DATA)

    with pytest.raises(ObjectMissing):
        local.open("a/b")
    assert tree(local.root).keys() == {".stowage"}


def test_a_full_disk_takes_files_again_when_it_is_not(local: LocalBackend) -> None:
    """Nothing has to be restarted."""
    with largest_file(1024 * 1024), pytest.raises(NoRoom):
        put(local, "a/b", DATA)
    put(local, "a/b", DATA)

    assert read(local, "a/b") == DATA


def test_a_disk_that_fails_under_a_reader_is_one_of_our_errors(
    local: LocalBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a stream learns it as they learn everything else about the store."""
    put(local, "a/b", DATA)
    with local.open("a/b") as stream:
        stream.read(1000)
        monkeypatch.setattr(os, "pread", _breaks)
        with pytest.raises(StorageUnavailable):
            stream.read(1000)


def test_a_disk_without_a_free_block_is_not_ready(local: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ping` says why, before the first upload fails."""
    real = os.statvfs(local.root)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*real[:4], 0, *real[5:])))

    with pytest.raises(StorageUnavailable, match="full"):
        local.ping()


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse to write further than so many bytes into any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _breaks(*_: object) -> bytes:
    raise OSError(errno.EIO, "Input/output error")

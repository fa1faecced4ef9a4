"""The store on a disk: its names, its marker, and what happens when the disk goes away."""

import errno
import io
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageUnavailable, UnsafeKey
from app.settings import StorageSettings
from app.storage.folders import translated
from app.storage.local import LocalBackend
from tests.storage.backends import HOSTILE, keys, put, read, tree

CALLS: dict[str, Callable[[LocalBackend], object]] = {
    "ping": lambda local: local.ping(),
    "put": lambda local: put(local, "a/new", b"x"),
    "open": lambda local: local.open("a/b"),
    "stat": lambda local: local.stat("a/b"),
    "delete": lambda local: local.delete("a/b"),
    "list": lambda local: list(local.list()),
    "open what never was": lambda local: local.open("never/was"),
    "delete what never was": lambda local: local.delete("never/was"),
}


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: ascii(key)[:24])
def test_a_hostile_key_touches_nothing(local: LocalBackend, key: str) -> None:
    """Whatever it says, nothing appears outside the root, and the store's own files stay as they are."""
    outside, before = local.root.parent.parent, tree(local.root)
    for call in (lambda: put(local, key, b"x"), lambda: local.delete(key)):
        try:
            call()
        except StorageError:
            continue

    assert tree(local.root) == before
    assert set(tree(outside)) == {f"disk/files/{name}" for name in before}


def test_a_key_is_a_path_below_the_root(local: LocalBackend) -> None:
    """What an operator sees on the disk is what the rows say."""
    put(local, "acme/logo/x.png", b"bytes")

    assert (local.root / "acme/logo/x.png").read_bytes() == b"bytes"


def test_a_file_and_a_folder_of_one_name_are_refused(local: LocalBackend) -> None:
    """A disk cannot hold both: the second is an error, and the first stays."""
    put(local, "a/b", b"file")
    with pytest.raises(UnsafeKey):
        put(local, "a/b/c", b"below a file")
    with pytest.raises(UnsafeKey):
        put(local, "a", b"in place of a folder")

    assert tree(local.root / "a") == {"b": b"file"}
    assert list(local.spool.iterdir()) == []


def test_what_a_disk_finds_in_its_root_is_ignored(local: LocalBackend) -> None:
    """ext4 puts `lost+found` into every volume: it is not an object."""
    (local.root / "lost+found").mkdir()
    (local.root / "lost+found" / "#12").write_bytes(b"x")
    put(local, "a/lost+found", b"an object all the same")

    assert keys(local) == ["a/lost+found"]


def test_a_refused_put_leaves_no_file(local: LocalBackend) -> None:
    """What was written before the bytes turned out to be wrong is removed."""
    with pytest.raises(StorageRefused):
        local.put("a/b", io.BytesIO(b"hello"), content_type="image/png", size=5, sha256="0" * 64)

    assert list(local.spool.iterdir()) == []
    assert not (local.root / "a").exists()


def test_a_spooled_file_is_adopted(local: LocalBackend) -> None:
    """It is moved, not copied: the same file under its key, and gone from the spool."""
    path = local.spool / "waiting.part"
    path.write_bytes(b"spooled")
    number = path.stat().st_ino
    stored = local.adopt("a/b", path)

    assert (stored.public_id, stored.url) == ("a/b", None)
    assert (local.root / "a/b").stat().st_ino == number
    assert read(local, "a/b") == b"spooled"
    assert list(local.spool.iterdir()) == []


def test_a_folder_that_was_removed_is_made_again(local: LocalBackend) -> None:
    """Somebody tidied up behind our back: the next put works, at every depth."""
    put(local, "a/b/c", b"one")
    shutil.rmtree(local.root / "a")
    put(local, "a/b/d", b"two")

    assert keys(local) == ["a/b/d"]


def test_the_settings_name_the_folder(tmp_path: Path) -> None:
    """The store lies in `files` below the data folder; both are made."""
    local = LocalBackend.from_settings(StorageSettings(data_dir=tmp_path / "deep" / "data"))

    assert local.root == tmp_path / "deep" / "data" / "files"
    local.ping()


def test_a_marker_is_made_once(local: LocalBackend) -> None:
    """Opening the same disk again finds the same identity, and another disk has another one."""
    again = LocalBackend(local.root)
    other = LocalBackend(local.root.parent / "other")

    assert again.marker == local.marker
    assert other.marker != local.marker


def test_two_that_start_at_once_make_one_marker(tmp_path: Path) -> None:
    """Whoever loses the race takes the winner's, and no draft stays behind."""
    root = tmp_path / "files"
    with ThreadPoolExecutor(16) as pool:
        markers = {local.marker for local in pool.map(lambda _: LocalBackend(root), range(16))}

    assert len(markers) == 1
    assert sorted(path.name for path in root.iterdir()) == [".spool", ".stowage"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '"store"', "\ufeff"])
def test_a_damaged_marker_is_said_to_be_damaged(local: LocalBackend, text: str) -> None:
    """At the start too it is one of the store's errors: nothing is guessed, nothing is overwritten."""
    (local.root / ".stowage").write_text(text)
    with pytest.raises(StorageUnavailable):
        local.ping()
    with pytest.raises(StorageError):
        LocalBackend(local.root)

    assert (local.root / ".stowage").read_text() == text


def test_a_draft_of_a_marker_is_not_an_object(local: LocalBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies between writing its marker and naming it leaves nothing that a listing shows."""
    (local.root / ".stowage").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", _dies)
        patched.setattr(os, "unlink", _dies)
        with pytest.raises(KeyboardInterrupt):
            LocalBackend(local.root)
    restarted = LocalBackend(local.root)

    assert keys(restarted) == []


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_disk_that_went_away_is_not_replaced(local: LocalBackend, call: Callable[[LocalBackend], object]) -> None:
    """Unmounted: the store says that it is not there, and makes no folder that would hide the loss."""
    put(local, "a/b", b"x")
    local.root.rename(local.root.with_name("unmounted"))
    with pytest.raises(StorageUnavailable):
        call(local)

    assert not local.root.exists()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_empty_disk_in_its_place_is_noticed(local: LocalBackend, call: Callable[[LocalBackend], object]) -> None:
    """A mount point without its disk is an empty folder: nothing is said to be missing, nothing is written there."""
    put(local, "a/b", b"x")
    local.root.rename(local.root.with_name("unmounted"))
    local.root.mkdir()
    with pytest.raises(StorageUnavailable):
        call(local)

    assert list(local.root.iterdir()) == []


def test_another_disk_in_its_place_is_noticed(local: LocalBackend) -> None:
    """It has a marker, but not ours: what it lacks is not called missing."""
    put(local, "a/b", b"x")
    other = LocalBackend(local.root.with_name("other"))
    local.root.rename(local.root.with_name("unmounted"))
    other.root.rename(local.root)

    with pytest.raises(StorageUnavailable):
        local.ping()
    with pytest.raises(StorageUnavailable):
        local.open("a/b")


def test_a_missing_marker_is_noticed(local: LocalBackend) -> None:
    """`ping` and a listing raise; a single missing file is no proof of anything then."""
    (local.root / ".stowage").unlink()

    with pytest.raises(StorageUnavailable):
        local.ping()
    with pytest.raises(StorageUnavailable):
        next(local.list())
    with pytest.raises(StorageUnavailable):
        local.stat("a/b")


def test_a_disk_that_comes_back_is_used_again(local: LocalBackend) -> None:
    """Without a restart."""
    put(local, "a/b", b"x")
    local.root.rename(local.root.with_name("unmounted"))
    with pytest.raises(StorageUnavailable):
        local.ping()
    local.root.with_name("unmounted").rename(local.root)
    local.ping()
    put(local, "a/c", b"y")

    assert keys(local) == ["a/b", "a/c"]


def test_a_missing_object_on_a_healthy_disk_is_missing(local: LocalBackend) -> None:
    """The other side of the tests above."""
    with pytest.raises(ObjectMissing):
        local.open("never/was")


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.ELOOP, errno.EROFS, errno.EACCES, errno.EMFILE])
def test_a_disks_error_names_no_path(number: int) -> None:
    """What clients are told has nothing of the machine in it."""
    with pytest.raises(StorageError) as told, translated():
        raise OSError(number, os.strerror(number), "/volume/acme/secret")

    assert "volume" not in told.value.detail


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt

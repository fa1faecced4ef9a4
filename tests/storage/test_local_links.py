"""The store on a disk never follows a symlink, and never waits for what is no file."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from app.errors import StorageError
from app.storage.local import LocalBackend
from tests.storage.backends import keys, put, read, tree


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the store, with a file that is none of its business."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def link(local: LocalBackend, key: str, target: Path) -> None:
    """Plant a symlink in the store."""
    path = local.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("depth", ["evil", "a/evil", "a/b/c/evil"])
def test_a_linked_folder_is_not_entered(local: LocalBackend, outside: Path, depth: str) -> None:
    """Nothing behind it is read, told about, written or deleted."""
    link(local, depth, outside)
    for call in (
        lambda: put(local, f"{depth}/new", b"x"),
        lambda: put(local, f"{depth}/secret", b"x"),
        lambda: put(local, f"{depth}/deeper/new", b"x"),
        lambda: local.open(f"{depth}/secret"),
        lambda: local.stat(f"{depth}/secret"),
    ):
        with pytest.raises(StorageError):
            call()

    assert tree(outside) == {"secret": b"secret"}
    assert list(local.spool.iterdir()) == []


def test_nothing_behind_a_linked_folder_is_deleted(local: LocalBackend, outside: Path) -> None:
    """Whether `delete` refuses or finds nothing, the file is still there."""
    link(local, "evil", outside)
    with suppress(StorageError):
        local.delete("evil/secret")

    assert tree(outside) == {"secret": b"secret"}


def test_a_linked_file_is_not_read(local: LocalBackend, outside: Path) -> None:
    """Neither its bytes nor its size."""
    link(local, "a/evil", outside / "secret")

    with pytest.raises(StorageError):
        local.open("a/evil")
    with pytest.raises(StorageError):
        local.stat("a/evil")


def test_a_put_replaces_a_link_and_not_its_target(local: LocalBackend, outside: Path) -> None:
    """The key holds what was put, as a file of its own; what the link named is as it was."""
    link(local, "a/evil", outside / "secret")
    put(local, "a/evil", b"ours")

    assert read(local, "a/evil") == b"ours"
    assert tree(outside) == {"secret": b"secret"}


def test_a_delete_removes_a_link_and_not_its_target(local: LocalBackend, outside: Path) -> None:
    """As with a put."""
    link(local, "a/evil", outside / "secret")
    local.delete("a/evil")

    assert not (local.root / "a/evil").is_symlink()
    assert tree(outside) == {"secret": b"secret"}


def test_links_are_not_listed(local: LocalBackend, outside: Path) -> None:
    """Neither to files nor to folders, whole or dangling, nor what lies behind them."""
    put(local, "a/b", b"x")
    link(local, "a/file", outside / "secret")
    link(local, "folder", outside)
    link(local, "a/dangling", outside / "never")

    assert keys(local) == ["a/b"]


def test_a_root_may_be_a_link(local: LocalBackend, tmp_path: Path) -> None:
    """The operator chose it: a volume is often mounted elsewhere and linked to."""
    put(local, "a/b", b"x")
    (tmp_path / "link").symlink_to(local.root)
    linked = LocalBackend(tmp_path / "link")
    linked.ping()

    assert keys(linked) == ["a/b"]


def test_a_pipe_in_the_root_does_not_stop_a_listing(local: LocalBackend) -> None:
    """Opening one would wait for ever for a writer."""
    put(local, "a/b", b"x")
    os.mkfifo(local.root / "a" / "pipe")
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(keys, local)
        try:
            seen = listing.result(timeout=1)
        finally:
            os.close(os.open(local.root / "a" / "pipe", os.O_RDWR | os.O_NONBLOCK))

    assert seen == ["a/b"]

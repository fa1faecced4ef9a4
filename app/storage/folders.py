"""Folders of a disk: opened step by step without following symlinks, made durably, and their errors translated."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from app.errors import NoRoom, StorageError, StorageUnavailable, UnsafeKey

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OURS = "."  # what begins with it at the root is ours: the spool, the marker
THEIRS = "lost+found"  # the file system's
REMEMBERED = 10_000  # folders known to be on the disk, before we forget them all


class Folders:
    """The folders below a root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._durable: set[str] = set()

    def make_root(self, *below: str) -> None:
        """Make the root and some folders in it, each flushed into its parent."""
        for folder in (self.root, *(self.root / name for name in below)):
            missing = [f for f in (folder, *folder.parents) if not f.exists()]
            for made in reversed(missing):
                made.mkdir(exist_ok=True)
                sync(made.parent)

    @contextmanager
    def open(self, names: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """The descriptor of a folder; FileNotFoundError when it isn't there and shall not be made."""
        fd = self._open_root()
        try:
            for depth, name in enumerate(names, 1):
                fd, parent = self._step(fd, name, create=create, path="/".join(names[:depth])), fd
                os.close(parent)
            yield fd
        finally:
            os.close(fd)

    def _open_root(self) -> int:
        try:
            return os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError as gone:
            raise StorageUnavailable("The store's folder is gone: is the disk mounted?") from gone

    def _step(self, parent: int, name: str, *, create: bool, path: str) -> int:
        """Into one folder, made if need be, also when it was there and somebody removed it."""
        if create and path not in self._durable:
            self._make(parent, name, path)
        try:
            return os.open(name, FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not create:
                raise
            self._make(parent, name, path)
            return os.open(name, FOLDER, dir_fd=parent)

    def _make(self, parent: int, name: str, path: str) -> None:
        """Whoever meets a folder first flushes its parent: another one may have made it and not done so."""
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=parent)
        os.fsync(parent)
        self._remember(path)

    def _remember(self, path: str) -> None:
        if len(self._durable) >= REMEMBERED:
            self._durable.clear()
        self._durable.add(path)


def parts_of(key: str) -> list[str]:
    """The folders and the name; every key that could leave the root or touch our own files is refused."""
    parts = key.split("/")
    if hidden(parts[0]) or not key.isprintable() or any(part in {"", ".", ".."} or "\\" in part for part in parts):
        raise UnsafeKey
    return parts


def hidden(name: str) -> bool:
    """Whether what is called so at the root is no object's."""
    return name.startswith(OURS) or name == THEIRS


def sync(path: Path) -> None:
    """Flush a file's bytes, or a folder's entries, to the disk."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def translated() -> Iterator[None]:
    """Everything that a disk may say, as one of the store's errors."""
    try:
        yield
    except OSError as failure:
        raise _failure(failure) from failure


def _failure(failure: OSError) -> StorageError:
    match failure.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return NoRoom("The disk is full.")
        case errno.ELOOP | errno.ENOTDIR | errno.ENAMETOOLONG | errno.EISDIR:
            return UnsafeKey()
        case errno.EROFS:
            return StorageUnavailable("The disk is read-only.")
        case errno.EACCES | errno.EPERM:
            return StorageUnavailable("The disk may not be written to by this user.")
        case errno.EMFILE | errno.ENFILE:
            return StorageUnavailable("There are too many open files.")
        case _:
            return StorageUnavailable("The disk failed.")

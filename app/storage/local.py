"""The store on a disk: a folder, a Railway Volume, a Render Disk."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from app.errors import ObjectMissing, StorageUnavailable, UnsafeKey
from app.settings import StorageSettings
from app.storage.backend import NOTHING, PRIVATE, ObjectInfo, Put, Serving, Stored
from app.storage.folders import Folders, hidden, parts_of, translated
from app.storage.marker import Marker
from app.storage.moves import Move, Mover
from app.storage.window import Window

SPOOL = ".spool"
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe in the root must not stop us


class LocalBackend:
    """Files below a root, named by their keys.

    A file is written in `.spool`, in the same file system, flushed, renamed into place, and the folder flushed:
    it is there whole or not at all, also after a power cut. A symlink is never followed. A marker file says whose
    disk this is, so that an empty one that was mounted instead is noticed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders = Folders(root)
        self._mover = Mover(self._folders)
        with translated():
            self._folders.make_root(SPOOL)
            self.marker = Marker.read_or_make(root, self.spool)

    @classmethod
    def from_settings(cls, settings: StorageSettings) -> Self:
        """The store below `DATA_DIR/files`."""
        return cls(settings.files)

    @property
    def identity(self) -> str:
        """What the marker says."""
        return self.marker.store

    @property
    def spool(self) -> Path:
        """Where bodies wait, a rename away from their place."""
        return self.root / SPOOL

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """Write beside, check, flush, rename, flush the folder."""
        (outcome,) = self.put_all([Put(key, body, content_type, size, sha256, serving)])
        return _stored(outcome)

    def put_all(self, puts: Sequence[Put]) -> Sequence[Stored | Exception]:
        """Write all, flush all, rename all: each folder is opened and flushed once."""
        return self._mover.run([Move.of(put, self.spool) for put in puts])

    def adopt(self, key: str, path: Path) -> Stored:
        """Flush the file, rename it into place, flush the folder."""
        (outcome,) = self._mover.run([Move(key, path)])
        return _stored(outcome)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """The file itself, or a window on it. One that is deleted meanwhile is still read to its end."""
        with self._file(key) as fd:
            size = os.fstat(fd).st_size
            return Window.of(os.dup(fd), start, size if end is None else min(end, size))

    def stat(self, key: str) -> ObjectInfo:
        """Size and time; the etag is made of both and of the file's number."""
        with self._file(key) as fd:
            return _info(key, os.fstat(fd))

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """Unlink, and flush the folder: a power cut doesn't bring it back."""
        *folders, name = parts_of(key)
        with suppress(ObjectMissing), self._on_the_way(), self._folders.open(folders) as folder:
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Folder by folder, in the disk's own order: a folder of a million files is not held in memory."""
        self._check_root()
        yield from self._walk(self.root, "", prefix)

    def url(
        self,
        key: str,
        *,
        expires_in: float | None = None,
        filename: str | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> str | None:
        """A disk has no addresses: the service's own permalinks serve its files."""
        return None

    def ping(self) -> None:
        """The disk is there, it is ours, and it takes files."""
        self._check_root()
        with translated():
            if not os.access(self.spool, os.W_OK):
                raise StorageUnavailable("The store's folder is read-only.")
            if os.statvfs(self.root).f_bavail == 0:
                raise StorageUnavailable("The disk is full.")

    def _check_root(self) -> None:
        """What looks missing may be a disk that isn't mounted."""
        if Marker.read(self.root) != self.marker:
            raise StorageUnavailable("The store's marker file is gone: is the disk mounted?")

    @contextmanager
    def _on_the_way(self) -> Iterator[None]:
        """A missing file or folder means a missing object, if this is still our disk."""
        with translated():
            try:
                yield
            except (FileNotFoundError, NotADirectoryError) as missing:
                self._check_root()
                raise ObjectMissing from missing

    @contextmanager
    def _file(self, key: str) -> Iterator[int]:
        *folders, name = parts_of(key)
        with self._on_the_way(), self._folders.open(folders) as folder:
            fd = os.open(name, FILE, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise ObjectMissing
                yield fd
            finally:
                os.close(fd)

    def _walk(self, folder: Path, below: str, prefix: str) -> Iterator[ObjectInfo]:
        with translated(), os.scandir(folder) as entries:
            for entry in entries:
                key = below + entry.name
                if (not below and hidden(entry.name)) or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if f"{key}/".startswith(prefix) or prefix.startswith(f"{key}/"):
                        yield from self._walk(Path(entry.path), f"{key}/", prefix)
                elif key.startswith(prefix):
                    yield from self._seen(key)

    def _seen(self, key: str) -> Iterator[ObjectInfo]:
        """One entry of a listing, unless it was deleted meanwhile or has a name that no object can have."""
        with suppress(ObjectMissing, UnsafeKey):
            yield self.stat(key)


def _stored(outcome: Stored | Exception) -> Stored:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _info(key: str, found: os.stat_result) -> ObjectInfo:
    etag = f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"
    return ObjectInfo(key, found.st_size, etag, datetime.fromtimestamp(found.st_mtime, UTC))

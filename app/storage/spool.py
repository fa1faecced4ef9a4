"""Bodies on their way in: small ones in memory under a budget, large ones in a spool file, written off the loop."""

import asyncio
import contextlib
import fcntl
import hashlib
import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.errors import Busy
from app.lanes import Lane
from app.storage.folders import translated
from app.telemetry import log

SMALL = 256 * 1024  # bytes: up to here a body stays in memory while the budget allows
BATCH = 512 * 1024  # bytes handed to a thread at once
BATCH_WHEN_CROWDED = 64 * 1024
TINY = 8 * 1024
BUDGET = 48 * 1024 * 1024  # bytes that all bodies may hold in memory together
HEAD = SMALL  # first bytes, kept for inspection
SUFFIX = ".part"


@dataclass(slots=True)
class Body:
    """A whole body: in memory (`data`) or in a spool file (`path`), with its size in bytes and its SHA-256.

    Its spool file stays open and locked until the body is discarded: that tells every sweeper that somebody needs it.
    """

    size: int
    sha256: str
    head: bytes
    data: bytes | None
    path: Path | None
    held: int = 0  # bytes that it takes of the budget
    file: io.FileIO | None = None

    def open(self) -> BinaryIO:
        """A stream from its beginning. Blocks: not for the event loop."""
        if self.path is not None:
            with translated():
                return self.path.open("rb", buffering=0)
        return io.BytesIO(self.data or b"")

    def hand_over(self) -> None:
        """Its file is the store's own now: let go of it. Blocks."""
        file, self.path, self.file = self.file, None, None
        _close(file)


class Spool:
    """One folder where large bodies wait, and the memory that small ones may take together."""

    def __init__(self, folder: Path, *, budget: int = BUDGET, small: int = SMALL, temporary: bool = False) -> None:
        self.folder = folder
        self.temporary = temporary  # somebody may clean it up; a store's own that is gone is a disk that is gone
        self.small = small
        self.budget = budget
        self.held = 0
        self.lane = Lane("spool", threads=4, waiting=512)

    def writer(self) -> "Writer":
        """Take in one body."""
        return Writer(self)

    async def discard(self, body: Body) -> None:
        """Give back what a body holds; twice is fine. A file that can't be removed now is swept later."""
        self.held -= body.held
        body.data, body.held = None, 0
        if body.path is not None:
            path, file = body.path, body.file
            body.path = body.file = None
            await self.lane.clean(remove, path, file)

    async def sweep(self, *, older_than: float) -> int:
        """Remove what crashed processes left: spool files that nobody has written to for so many seconds."""
        return await self.lane.run(_remove_old, self.folder, older_than)

    def close(self) -> None:
        """Wait for what runs."""
        self.lane.close()


class Writer:
    """Takes in one body, piece by piece: counts, hashes, keeps the head, spills when it grows.

    `feed` never waits; when it returns True, `flush` must be awaited before the next piece. While one batch is being
    written and hashed in a thread, the next one fills.
    """

    def __init__(self, spool: Spool) -> None:
        self.size = 0
        self._spool = spool
        self._pieces: list[bytes | bytearray] = []
        self._waiting = 0  # bytes in _pieces
        self._digest = hashlib.sha256()
        self._path: Path | None = None
        self._file: io.FileIO | None = None
        self._batch: asyncio.Future[None] | None = None

    def feed(self, piece: bytes) -> bool:
        """Take one piece; whether `flush` is due."""
        self.size += len(piece)
        self._waiting += len(piece)
        self._spool.held += len(piece)
        self._keep(piece)
        crowded = self._spool.held > self._spool.budget
        if self._path is None:
            return crowded or self._waiting > self._spool.small
        return self._waiting >= (BATCH_WHEN_CROWDED if crowded else BATCH)

    async def flush(self) -> None:
        """Hand what waits to a thread, once the batch before it is done."""
        await self._settled()
        if self._path is None:
            self._path = self._spool.folder / f"{uuid.uuid4().hex}{SUFFIX}"
        pieces, size = self._take()
        try:
            self._batch = self._spool.lane.submit(self._write, self._path, pieces)
        except Busy:
            self._release(size)
            raise
        self._batch.add_done_callback(lambda _: self._release(size))

    async def finish(self) -> Body:
        """The whole body."""
        if self._path is None:
            data = b"".join(self._take()[0])
            self._digest.update(data)
            return Body(self.size, self._digest.hexdigest(), data[:HEAD], data, None, held=self.size)
        await self.flush()
        await self._settled()
        head = await self._spool.lane.run(self._head)
        path, self._path = self._path, None
        self._spool.held += len(head)
        return Body(self.size, self._digest.hexdigest(), head, None, path, held=len(head), file=self._file)

    async def discard(self) -> None:
        """Leave nothing behind: no memory, no file. After `finish` there is nothing left to discard."""
        self._release(self._take()[1])
        if self._path is not None:
            path, self._path = self._path, None
            if self._batch is not None:
                await asyncio.wait([self._batch])
            await self._spool.lane.clean(self._remove, path)

    def _keep(self, piece: bytes) -> None:
        """Join tiny pieces: a thousand objects of ten bytes cost more than their bytes."""
        if len(piece) >= TINY:
            self._pieces.append(piece)
        elif self._pieces and isinstance(last := self._pieces[-1], bytearray):
            last += piece
        else:
            self._pieces.append(bytearray(piece))

    def _take(self) -> tuple[list[bytes | bytearray], int]:
        taken = self._pieces, self._waiting
        self._pieces, self._waiting = [], 0
        return taken

    def _release(self, size: int) -> None:
        self._spool.held -= size

    async def _settled(self) -> None:
        """Wait for the batch under way, and raise what went wrong with it."""
        if self._batch is not None:
            await asyncio.shield(self._batch)
            self._batch = None

    def _write(self, path: Path, pieces: list[bytes | bytearray]) -> None:
        with translated():
            if self._file is None:
                if self._spool.temporary:
                    path.parent.mkdir(exist_ok=True)
                self._file = io.FileIO(path, "x+")
                fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # tells the sweeper that we live
            for piece in pieces:
                self._digest.update(piece)
                write_all(self._file, piece)

    def _head(self) -> bytes:
        """The first bytes of the file."""
        with translated():
            return b"" if self._file is None else os.pread(self._file.fileno(), HEAD, 0)

    def _remove(self, path: Path) -> None:
        remove(path, self._file)  # read here, in the thread: the batch before may just have opened it


def write_all(file: io.FileIO, data: bytes | bytearray) -> None:
    """Write to the end: a write may take fewer bytes than it was given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


def remove(path: Path, file: io.FileIO | None) -> None:
    """Remove a spool file and let go of it; one that can't be removed now is swept later."""
    try:
        path.unlink(missing_ok=True)
    except OSError as failure:
        log("spool.left", level=30, reason=failure.strerror)
    _close(file)


def _close(file: io.FileIO | None) -> None:
    if file is not None:
        with contextlib.suppress(OSError):  # nothing is waiting in it: it is unbuffered
            file.close()


def _remove_old(folder: Path, older_than: float) -> int:
    """Ages by the disk's own clock, which the folder tells when it is touched: ours may be wrong, or another."""
    removed = 0
    with contextlib.suppress(OSError):  # a disk that refuses this removes nothing either
        os.utime(folder)
        now = folder.stat().st_mtime
        for path in folder.glob("*"):
            with contextlib.suppress(OSError):  # the next one may go
                if now - path.stat().st_mtime > older_than and not _is_held(path):
                    path.unlink()
                    removed += 1
    return removed


def _is_held(path: Path) -> bool:
    """Whether a living process needs it."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

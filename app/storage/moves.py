"""Files on their way into a disk's store: written beside, flushed, renamed, their folders flushed."""

import hashlib
import os
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from io import FileIO
from itertools import groupby, repeat
from pathlib import Path
from time import perf_counter

from app.errors import StorageRefused
from app.storage.backend import Put, Stored
from app.storage.folders import Folders, parts_of, translated
from app.storage.spool import write_all

BLOCK = 1 << 20  # bytes
SLOW = 0.001  # seconds for a flush, from which on several at once are faster than one after the other
AT_ONCE = 15


class Move:
    """One file in the spool, and where it shall lie. What goes wrong with it is its own affair."""

    def __init__(self, key: str, path: Path, put: Put | None = None) -> None:
        self.key, self.path = key, path
        self.folders: list[str] = []
        self.name = ""
        self.failure: Exception | None = None
        self._put = put
        self._file: FileIO | None = None
        self._placed = False

    @classmethod
    def of(cls, put: Put, spool: Path) -> "Move":
        """Of a body that is still to be written, to a path of its own."""
        return cls(put.key, spool / f"{uuid.uuid4().hex}.put", put)

    def attempt(self, step: Callable[["Move"], object]) -> None:
        """One step, unless one before it has failed."""
        if self.failure is None:
            try:
                with translated():
                    step(self)
            except Exception as failure:  # noqa: BLE001 - told to whoever waits for this file
                self.failure = failure

    def write(self) -> None:
        """All of the body, which must be what it was said to be."""
        *self.folders, self.name = parts_of(self.key)
        if self._put is None:
            self._file = FileIO(self.path, "r+")
        else:
            self._file = FileIO(self.path, "x")
            _write(self._file, self._put)

    def flush(self) -> None:
        """Its bytes are on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())

    def place(self, folder: int) -> None:
        """It has its name."""
        os.rename(self.path, self.name, dst_dir_fd=folder)
        self._placed = True

    def end(self) -> None:
        """Let go of the file; one of ours that didn't get to its place is removed, and swept if it can't be now."""
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
            if self._put is not None and not self._placed:
                self.path.unlink(missing_ok=True)

    @property
    def outcome(self) -> Stored | Exception:
        """What came of it."""
        return Stored(public_id=self.key, url=None) if self.failure is None else self.failure


class Mover:
    """Brings files to their places below a root: whole or not at all, also after a power cut."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._flushers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="flush")

    def run(self, moves: Sequence[Move]) -> Sequence[Stored | Exception]:
        """All of them, each for itself; each folder is opened and flushed once."""
        try:
            for move in moves:
                move.attempt(Move.write)
            self._flush(moves)
            for folders, group in groupby(sorted(moves, key=_folders), key=_folders):
                self._place(folders, [move for move in group if move.failure is None])
        finally:
            for move in moves:
                move.end()
        return [move.outcome for move in moves]

    def _flush(self, moves: Sequence[Move]) -> None:
        """One after the other where the disk is quick; else at once, and they share its flushes."""
        for at, move in enumerate(moves, 1):
            began = perf_counter()
            move.attempt(Move.flush)
            if perf_counter() - began > SLOW:
                list(self._flushers.map(Move.attempt, moves[at:], repeat(Move.flush)))
                return

    def _place(self, folders: Sequence[str], moves: Sequence[Move]) -> None:
        if not moves:
            return
        try:
            with translated(), self._folders.open(folders, create=True) as folder:
                for move in moves:
                    move.attempt(partial(Move.place, folder=folder))
                os.fsync(folder)
        except Exception as failure:  # noqa: BLE001 - told to all that wait for this folder
            for move in moves:
                move.failure = move.failure or failure


def _folders(move: Move) -> list[str]:
    return move.folders


def _write(file: FileIO, put: Put) -> None:
    digest, size = hashlib.sha256(), 0
    while block := put.body.read(BLOCK):
        digest.update(block)
        size += len(block)
        write_all(file, block)
    if (size, digest.hexdigest()) != (put.size, put.sha256):
        raise StorageRefused("The bytes are not those that were announced.")

"""Watches the disk (inotify) under a service on SQLite and the local store, and sees how far an upload is."""

import ctypes
import os
import selectors
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from tests.crash.aim import INSERT, PUT, SETTLE, STORED, Gun, Triggers
from tests.crash.watcher import Watcher

TRIGGERS: Triggers = {
    "9": [(INSERT, 0)],
    "10": [(PUT, 0), (PUT, 0.001)],
    "10-11": [(STORED, 0)],
    "11": [(SETTLE, 0)],
    "after": [(SETTLE, 0.008)],
}
MODIFIED, MOVED_AWAY, CREATED = 0x2, 0x40, 0x100  # IN_MODIFY, IN_MOVED_FROM, IN_CREATE
HEAD = struct.Struct("iIII")


class Disk(Watcher):
    """Two folders: the one with SQLite's log, and the spool."""

    triggers = TRIGGERS

    def __init__(self, data: Path) -> None:
        super().__init__("disk")
        self._data = data
        self._gun: Gun | None = None
        self._stop, self._stopped = os.pipe()[::-1]
        self._events = _libc().inotify_init1(os.O_CLOEXEC)
        if self._events < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stop)
        self._thread.join()
        os.close(self._events)
        os.close(self._stopped)

    def watch(self, gun: Gun | None) -> None:
        """From now on, look at what happens. Watching a folder again is the same watch."""
        if gun is not None:
            _add(self._events, self._data, MODIFIED)
            _add(self._events, self._data / "files" / ".spool", CREATED | MOVED_AWAY)
        self._gun = gun

    def _work(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in (self._events, self._stopped):
                selector.register(each, selectors.EVENT_READ)
            while True:
                if any(key.fd == self._stopped for key, _ in selector.select()):
                    return
                for mask, name in _parsed(os.read(self._events, 1 << 16)):
                    if (gun := self._gun) and (stage := _stage(gun.stage, mask, name)):
                        gun.sees(stage)


def _stage(before: str, mask: int, name: str) -> str | None:
    """What an event says of the upload."""
    if mask & MODIFIED and name.endswith(".db-wal"):
        return {"": INSERT, STORED: SETTLE}.get(before)
    if mask & CREATED and name.endswith(".put"):
        return PUT
    return STORED if mask & MOVED_AWAY else None


def _parsed(raw: bytes) -> Iterator[tuple[int, str]]:
    offset = 0
    while offset < len(raw):
        _, mask, _, length = HEAD.unpack_from(raw, offset)
        offset += HEAD.size + length
        yield mask, raw[offset - length : offset].rstrip(b"\0").decode(errors="replace")


def _add(events: int, folder: Path, mask: int) -> None:
    if _libc().inotify_add_watch(events, os.fsencode(folder), mask) < 0:
        raise OSError(ctypes.get_errno(), f"inotify_add_watch({folder})")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)

"""Small disks for tests that run as root: mounted in a folder, filled, made read-only, taken away."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

BLOCK = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system of a few megabytes."""

    folder: Path

    def fill(self, leave: int = 0) -> Path:
        """Take all room but so many bytes; the file that takes it."""
        ballast = self.folder / "ballast"
        with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while self.free() > leave:
                file.write(bytes(min(1 << 20, max(BLOCK, self.free() - leave))))
        return ballast

    def free(self) -> int:
        """Bytes that are left."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def remount(self, how: str) -> None:
        """`ro` or `rw`."""
        _run("mount", "-o", f"remount,{how}", str(self.folder))


@contextlib.contextmanager
def tmpfs(folder: Path, megabytes: int) -> Iterator[Disk]:
    """A disk in memory."""
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs"):
        yield Disk(folder)


@contextlib.contextmanager
def ext4(folder: Path, image: Path, megabytes: int) -> Iterator[Disk]:
    """A real file system, in a file."""
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-m", "0", str(image))
    with _mounted(folder, "-o", "loop", str(image)):
        yield Disk(folder)


def mount(folder: Path, *what: str) -> None:
    """Mount it there; `what` are the arguments of the command."""
    if os.geteuid() != 0:
        pytest.fail("Disks are mounted by root: run these tests as root.")
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", *what, str(folder))


def unmount(folder: Path) -> None:
    """Take it away, also while somebody has files open on it."""
    _run("umount", "--lazy", str(folder))


@contextlib.contextmanager
def _mounted(folder: Path, *what: str) -> Iterator[None]:
    mount(folder, *what)
    try:
        yield
    finally:
        unmount(folder)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")

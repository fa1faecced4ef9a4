"""Memory and CPU time of a process and its children, read from /proc while something runs."""

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
PERIOD_SECONDS = 0.02
SAMPLES_PER_FAMILY = 25


def _stat(pid: int) -> list[bytes]:
    """The fields of /proc/PID/stat behind the name, or nothing if the process is gone."""
    try:
        raw = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return []
    return raw[raw.rindex(b")") + 2 :].split()


def family(root: int) -> list[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return found


def cpu_seconds(pids: list[int]) -> float:
    """Time on a processor, in user and kernel, with the children already reaped."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in pids) / TICK


def memory(pids: list[int]) -> int:
    """Resident bytes."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


class Sampler:
    """`with Sampler(pid) as seen:` … then seen.seconds, seen.cpu, seen.peak."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._pids = family(root)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = memory(self._pids)
        self.cpu = self.seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        self._cpu_before = cpu_seconds(self._pids)
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        self.cpu = cpu_seconds(self._pids) - self._cpu_before
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        samples = 0
        while not self._over.wait(PERIOD_SECONDS):
            samples += 1
            if samples % SAMPLES_PER_FAMILY == 0:
                self._pids = family(self._root)
            self.peak = max(self.peak, memory(self._pids))

"""Memory, CPU time and disk of a process and its children, read from /proc while something runs."""

import os
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
SECTOR = 512  # bytes; what st_blocks counts
PERIOD_SECONDS = 0.02
SAMPLES_PER_FAMILY = 25
SAMPLES_PER_DISK = 5


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
    for entry in os.listdir("/proc"):  # noqa: PTH208 - a thousand Path objects, twice a second, are the client's time
        if entry.isdigit() and (fields := _stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, []))
    return found


def parent(pid: int) -> int:
    """The process that started this one; 0 if there is none."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def cpu_seconds(pids: list[int]) -> float:
    """Time on a processor, in user and kernel, with the children already reaped."""
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in pids) / TICK


def busy_seconds() -> float:
    """Time that all processors of the machine were busy, or taken away by its host."""
    user, nice, system, _idle, _waiting, hard, soft, stolen = (
        int(field) for field in Path("/proc/stat").read_bytes().split(b"\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + hard + soft + stolen) / TICK


def memory(pids: list[int]) -> int:
    """Resident bytes."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
        except (OSError, IndexError):
            continue
    return total


def disk(folder: Path) -> int:
    """Bytes that the files below a folder take."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * SECTOR  # noqa: PTH118 - often, and quick
            except OSError:
                continue
    return total


def nameless(pids: list[int]) -> int:
    """Bytes of files that are open and have no name any more, as `tempfile.TemporaryFile` makes them."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            open_files = list(Path(f"/proc/{pid}/fd").iterdir())
        except OSError:
            continue
        for link in open_files:
            try:
                if str(link.readlink()).endswith(" (deleted)"):
                    found = link.stat()
                    sizes[found.st_dev, found.st_ino] = found.st_blocks * SECTOR
            except OSError:
                continue
    return sum(sizes.values())


class Sampler:
    """`with Sampler(pid) as seen:` … then `seconds`, `cpu` and `peak`; `client` and `others` are shares of processors.

    With the first process of a database, `database` is its CPU time, and not counted with the others.
    With a folder for temporary files, `spare` is the most that they took, files without a name with them.
    """

    def __init__(self, root: int, folder: Path | None = None, database: int | None = None) -> None:
        self._root, self._folder, self._database = root, folder, database
        self._pids = family(root)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = memory(self._pids)
        self.cpu = self.database = self.seconds = self.client = self.others = 0.0
        self.spare = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._own, self._busy = time.process_time(), busy_seconds()
        self._cpu_before, self._database_before = cpu_seconds(self._pids), self._of_database()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = time.perf_counter() - self._began
        self.cpu = cpu_seconds(self._pids) - self._cpu_before
        self.database = self._of_database() - self._database_before
        own = time.process_time() - self._own
        self.client = own / self.seconds
        self.others = max(0.0, busy_seconds() - self._busy - own - self.cpu - self.database) / self.seconds
        self._over.set()
        self._thread.join()

    def _of_database(self) -> float:
        return cpu_seconds(family(self._database)) if self._database else 0.0

    def _watch(self) -> None:
        samples = 0
        while not self._over.wait(PERIOD_SECONDS):
            samples += 1
            if samples % SAMPLES_PER_FAMILY == 0:
                self._pids = family(self._root)
            self.peak = max(self.peak, memory(self._pids))
            if self._folder and samples % SAMPLES_PER_DISK == 0:
                self.spare = max(self.spare, disk(self._folder) + nameless(self._pids))

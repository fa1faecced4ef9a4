"""Servers that are programs of their own: started together, waited for, ended together, with their logs at hand."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self, TypeVar

STOP_SECONDS = 10
TRIES = 3
TAKEN = ("Could not bind", "Address already in use", "unable to bind")
TAIL = 3000  # characters of each log

Server = TypeVar("Server")


class NotStarted(RuntimeError):
    """A program ended, or is not ready in time; the sentence has the ends of all logs."""


class Programs:
    """Processes, each with a process group and a log of its own; when the block ends, all have ended."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str]) -> int:
        """Start a program in the background, with `<name>.log` for what it prints; the number of its process."""
        with (self.folder / f"{name}.log").open("wb") as log:
            process = self._running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return process.pid

    def run(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], *, seconds: float) -> None:
        """Run a program to its end, likewise; NotStarted if it fails or takes too long."""
        self.start(name, command, environment)
        process = self._running[name]
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired as slow:
            raise NotStarted(f"{slow}\n{self._logs()}") from slow
        if process.returncode:
            raise NotStarted(f"{name} failed ({process.returncode}).\n{self._logs()}")
        del self._running[name]

    def wait_for(self, missing: Callable[[], str], *, seconds: float) -> None:
        """Return as soon as nothing is missing; NotStarted if that takes too long, or a program ends."""
        deadline = time.monotonic() + seconds
        while what := missing():
            if ended := [name for name, process in self._running.items() if process.poll() is not None]:
                raise NotStarted(f"{' and '.join(ended)} ended; {what}.\n{self._logs()}")
            if time.monotonic() > deadline:
                raise NotStarted(f"After {seconds:g} s {what}.\n{self._logs()}")
            time.sleep(0.02)

    def end(self) -> None:
        """Last started, first ended: SIGTERM, and SIGKILL for what is left of a group after ten seconds."""
        while self._running:
            _, process = self._running.popitem()
            _signal(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            _signal(process, signal.SIGKILL)
            process.wait(STOP_SECONDS)

    def _logs(self) -> str:
        logs = ((path.name, path.read_text(errors="replace")) for path in sorted(self.folder.glob("*.log")))
        return "\n".join(f"--- {name}\n{text[-TAIL:]}" for name, text in logs)


@contextlib.contextmanager
def serving(folder: Path, start: Callable[[Programs], Server]) -> Iterator[Server]:
    """What `start` makes of programs that it starts; once more if a port that was free has been taken meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    for remaining in reversed(range(TRIES)):
        with Programs(folder) as programs:
            try:
                server = start(programs)
            except NotStarted as failure:
                if remaining and any(sign in str(failure) for sign in TAKEN):
                    continue
                raise
            yield server
            return


def free_ports(count: int) -> list[int]:
    """Different TCP ports that were free on the loopback a moment ago."""
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


def closed(ports: Iterable[int]) -> str:
    """The first port of the loopback where nobody accepts connections, in words; "" if all are open."""
    for port in ports:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
        except OSError as no:
            return f"port {port} is closed ({no})"
    return ""


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(process.pid, number)

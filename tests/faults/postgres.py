"""A Postgres of the fault tests' own, with its durable defaults: stopped, frozen, started again."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests import postgres

FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT  # Postgres' own words for how it stops
SECONDS = 30


@dataclass(slots=True)
class Server:
    """A running server; `url` is that of its database `postgres`."""

    url: str
    data: Path
    command: list[str]
    account: dict[str, int]
    environment: dict[str, str]
    _own: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @classmethod
    def at(cls, url: str) -> "Server":
        """The server behind an address, as the kernel knows its process."""
        with psycopg.connect(url) as connection:
            data = Path(connection.execute("SHOW data_directory").fetchone()[0])
        process = Path("/proc") / str(_pid(data))
        command = [part for part in process.joinpath("cmdline").read_text().split("\0") if part]
        pairs = [part.partition("=") for part in process.joinpath("environ").read_text().split("\0") if part]
        owner = data.stat()
        root = os.geteuid() == 0
        account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if root else {}
        return cls(url, data, command, account, {name: value for name, _, value in pairs})

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0

    def new_database(self) -> str:
        """The address of a new, empty database."""
        return postgres.new_database(self.url)

    def stop(self, how: signal.Signals = IMMEDIATE) -> None:
        """End it, and wait until it has ended."""
        pid = _pid(self.data)
        os.kill(pid, how)
        deadline = time.monotonic() + SECONDS
        while _lives(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        if self._own is not None and self._own.pid == pid:
            self._own.wait(SECONDS)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        with Path(self.data.parent, "again.log").open("ab") as log:
            self._own = subprocess.Popen(
                self.command,
                cwd=self.data.parent,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self.account,
            )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            time.sleep(0.02)
        raise AssertionError(Path(self.data.parent, "again.log").read_text())

    def ensure(self) -> None:
        """Let it run, whatever a test has done to it."""
        if not _lives(_pid(self.data)):
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It accepts connections, as the kernel does for it, and says nothing; it goes on where it was."""
        processes = [_pid(self.data)]
        os.kill(processes[0], signal.SIGSTOP)  # the one that would make more
        processes += _children(processes[0])
        for pid in processes[1:]:
            _tell(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                _tell(pid, signal.SIGCONT)

    def tell(self, statement: str, url: str | None = None) -> None:
        """Execute a statement as its administrator."""
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            connection.execute(statement)

    def end_sessions(self, url: str) -> None:
        """End every connection to a database, so that new ones are made under new settings."""
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        self.tell(f"{others} AND pid <> pg_backend_pid()", url)

    def end(self) -> None:
        """End what was started again: whoever started it first looks for the first process only."""
        if self._own is not None and self._own.poll() is None:
            self._own.send_signal(FAST)
            self._own.wait(SECONDS)


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server of our own, whatever TEST_DATABASE_URL says: somebody else's is not ours to stop."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("TEST_DATABASE_URL", raising=False)
        with postgres.running(durable=True) as url:
            server = Server.at(url)
            try:
                yield server
            finally:
                server.end()


def _pid(data: Path) -> int:
    """The number of the postmaster; that of the last one if none runs."""
    with contextlib.suppress(FileNotFoundError):
        text = (data / "postmaster.pid").read_text().split("\n", 1)[0]
        (data.parent / "last.pid").write_text(text)
    return int((data.parent / "last.pid").read_text())


def _lives(pid: int) -> bool:
    """Whether a process runs: one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _tell(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
        os.kill(pid, number)

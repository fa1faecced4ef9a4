"""The servers of a run: fresh ones for each workload, or, where time is short, the same ones for all."""

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from tests.bench.sampling import parent
from tests.bench.servers.catalogue import started
from tests.bench.target import Target

AT_ONCE = 3


class Rack:
    """Starts servers on one Postgres. `kept`: each is started once, and its memory is then that of all workloads."""

    def __init__(self, database_server: str, *, kept: bool = False) -> None:
        self._server, self._postgres = database_server, postmaster(database_server)
        self._kept: dict[str, Target] | None = {} if kept else None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def begin(self, names: Sequence[str]) -> None:
        """Start those that are kept, side by side."""
        if self._kept is not None:
            with self.all(names):
                pass

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[Target]:
        """A server, for as long as the block lasts or the rack."""
        if self._kept is None:
            with self._started(name) as target:
                yield target
            return
        if name not in self._kept:
            self._kept[name] = self._stack.enter_context(self._started(name))
        yield self._kept[name]

    @contextlib.contextmanager
    def all(self, names: Sequence[str]) -> Iterator[list[Target]]:
        """Several servers, started and ended side by side."""
        stacks = [contextlib.ExitStack() for _ in names]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                yield list(pool.map(lambda stack, name: stack.enter_context(self.one(name)), stacks, names))
            finally:
                list(pool.map(contextlib.ExitStack.close, stacks))

    @contextlib.contextmanager
    def _started(self, name: str) -> Iterator[Target]:
        with started(name, self._server) as target:
            target.database_pid = self._postgres if target.database else None
            yield target


def postmaster(server: str) -> int | None:
    """Postgres' first process, which starts one for each connection; None if it is on another machine."""
    with psycopg.connect(server) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        found = parent(int(row[0])) if row else 0
    name = Path(f"/proc/{found}/comm")
    return found if found and name.exists() and name.read_text().startswith("postgres") else None

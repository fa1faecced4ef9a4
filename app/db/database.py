"""The way to the database: short transactions, each in a thread, and one kind of failure."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.engine import URL

from app.db import bounded
from app.errors import DatabaseUnavailable, InvalidField
from app.lanes import Lane
from app.telemetry import log

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 5
BUSY_MS = 10_000  # how long SQLite waits for another process's write
WAITING = 512  # operations that may wait for a connection before the answer is 503
PATIENCE = 10.0  # seconds that one of them may wait: less than a frozen server holds a connection


class Database:
    """Functions of `app/db`, run where blocking is allowed.

    `run` gives a transaction, `read` only reads. Each function takes the connection first. What the database
    can't do at the moment leaves as `DatabaseUnavailable`.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        self.engine = engine_for(url, pool_size=pool_size)
        if self.engine.dialect.name == "sqlite":
            self._direct = self.engine.execution_options(begin="BEGIN")
            self._writes = Lane("database-writes", threads=1, waiting=WAITING)  # SQLite has one writer: no one contends
            self._reads = Lane("database-reads", threads=pool_size, waiting=WAITING)
        else:
            event.listen(self.engine, "do_connect", bounded.connect)
            event.listen(self.engine, "handle_error", bounded.notice_breaks)
            self._direct = self.engine.execution_options(isolation_level="AUTOCOMMIT")
            self._writes = self._reads = Lane("database", threads=pool_size, waiting=WAITING, patience=PATIENCE)

    async def run(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """One transaction: committed when `function` returns, rolled back when it raises."""
        return await self._writes.run(lambda: _call(self.engine, function, *args, **kwargs))

    async def read(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read; nothing is locked."""
        return await self._reads.run(lambda: _call(self._direct, function, *args, **kwargs))

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` when it doesn't answer."""
        await self.read(lambda connection: connection.execute(text("SELECT 1")).scalar())

    def close(self) -> None:
        """Wait for what runs, then close the connections."""
        self._writes.close()
        self._reads.close()
        self.engine.dispose()


def engine_for(url: str, *, pool_size: int = 1) -> Engine:
    """An engine for Postgres (psycopg 3, no prepared statements: poolers lose them) or SQLite (durable, one writer)."""
    address = normal_url(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite_engine(address, pool_size)
    connect = {"prepare_threshold": None, "connect_timeout": CONNECT_SECONDS}
    return create_engine(
        address, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, pool_recycle=300, connect_args=connect
    )


def normal_url(url: str) -> URL:
    """Whatever a platform calls its Postgres (`postgres://`, `postgresql://`), the driver is psycopg 3."""
    try:
        address = make_url(url)
    except (exc.ArgumentError, ValueError):
        raise ValueError("DATABASE_URL is no address of a database: use postgresql://… or sqlite:///…") from None
    if address.drivername.split("+")[0] in {"postgres", "postgresql"}:
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise ValueError(f"DATABASE_URL begins with {address.drivername!r}: use postgresql:// or sqlite:///")
    if address.database in {None, "", ":memory:"}:
        raise ValueError("DATABASE_URL names no file: use sqlite:////folder/stowage.db")
    return address


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver says of an absent, full or refusing database into one class; defects pass through."""
    try:
        yield
    except (exc.DataError, UnicodeEncodeError) as failure:
        raise InvalidField("A value holds something that the database cannot keep, such as a zero byte.") from failure
    except (exc.DBAPIError, exc.TimeoutError, psycopg.Error) as failure:
        if not _is_theirs(failure):
            raise
        log("database.failed", level=30, error=type(failure).__name__, reason=_reason(failure))
        raise DatabaseUnavailable from failure


def _is_theirs(failure: exc.SQLAlchemyError | psycopg.Error) -> bool:
    """Whether the database can't do it now, rather than our statement being wrong. Missing tables are to come."""
    if isinstance(failure, psycopg.Error):  # from the pool, which gives back a connection that broke
        return True
    if isinstance(failure, exc.OperationalError | exc.InterfaceError | exc.InternalError | exc.TimeoutError):
        return True
    if not isinstance(failure, exc.DBAPIError):
        return False
    unmigrated = getattr(failure.orig, "sqlstate", None) in {"42P01", "42703"}
    return failure.connection_invalidated or unmigrated or type(failure) is exc.DatabaseError


def _call(engine: Engine, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    with translated(), engine.begin() as connection:
        return function(connection, *args, **kwargs)


def _reason(failure: exc.SQLAlchemyError | psycopg.Error) -> str:
    """The driver's own sentence, without the statement and its values."""
    return str(failure.orig if isinstance(failure, exc.DBAPIError) else failure).splitlines()[0][:300]


def _sqlite_engine(address: URL, pool_size: int) -> Engine:
    Path(address.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, pool_size=pool_size + 1, max_overflow=0)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    for pragma in (f"busy_timeout={BUSY_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _keep_a_log(connection)


def _keep_a_log(connection: sqlite3.Connection) -> None:
    """Write-ahead logging. The busy timeout doesn't cover the change of a new file, which another process may write."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: Connection) -> None:
    """A writing transaction takes the lock at once: two that read first and write later would lose updates."""
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN IMMEDIATE"))

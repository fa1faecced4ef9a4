"""A Postgres that is stopped without being gone: it accepts everything and answers nothing."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from app.db import bounded
from app.db.database import Database
from app.errors import Busy, DatabaseUnavailable
from tests import postgres

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> Iterator[str]:
    """A Postgres of our own: others must not be frozen with it."""
    with postgres.running() as url:
        yield url


def processes(url: str) -> list[int]:
    """The postmaster and all its children."""
    with psycopg.connect(url, autocommit=True) as connection:
        folder = connection.execute("SHOW data_directory").fetchone()[0]
    main = int((Path(folder) / "postmaster.pid").read_text().split()[0])
    return [main, *map(int, Path(f"/proc/{main}/task/{main}/children").read_text().split())]


def tell(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to all that still run."""
    for pid in pids:
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, number)


def ping(connection: Connection) -> int:
    """A short statement."""
    return connection.execute(text("SELECT 1")).scalar_one()


async def test_a_frozen_server_is_given_up_and_found_again(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call ends in bounded time, more of them than there are connections; afterwards all is well by itself."""
    monkeypatch.setattr(bounded, "STATEMENT_SECONDS", 1.0)
    monkeypatch.setattr("app.db.database.PATIENCE", 0.5)
    database = Database(server, pool_size=2)
    assert [await database.read(ping), await database.run(ping)] == [1, 1]
    pids = processes(server)
    tell(pids, signal.SIGSTOP)
    try:
        began = time.monotonic()
        calls = [*(database.run(ping) for _ in range(5)), *(database.read(ping) for _ in range(5))]
        ends = await asyncio.gather(*calls, return_exceptions=True)
        took = time.monotonic() - began
    finally:
        tell(pids, signal.SIGCONT)

    assert {type(end) for end in ends} <= {DatabaseUnavailable, Busy}
    assert took < 12
    assert await database.read(ping) == 1
    assert await database.run(ping) == 1
    database.close()

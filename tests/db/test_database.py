"""The way to the database: addresses, connections, and the one kind of failure."""

import asyncio
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from app.db import assets, migrate
from app.db.database import Database, engine_for, normal_url
from app.errors import Busy, DatabaseUnavailable, InvalidField
from tests import postgres
from tests.db.rows import draft, make_pending, make_ready

pytestmark = pytest.mark.anyio

Open = Callable[..., Database]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on: it is ours."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg2"])
def test_every_name_of_postgres_means_psycopg(scheme: str) -> None:
    """Platforms and frameworks write it differently; the rest of the address stays."""
    url = normal_url(f"{scheme}://user:pass@host:5433/name?sslmode=require&application_name=x")

    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port, url.database) == ("user", "pass", "host", 5433, "name")
    assert dict(url.query) == {"sslmode": "require", "application_name": "x"}


@pytest.mark.parametrize(
    ("written", "meant"), [("p%25", "p%"), ("p%40ss%2Fword", "p@ss/word"), ("100%", "100%"), ("a%20b", "a b")]
)
def test_a_password_may_hold_anything(written: str, meant: str) -> None:
    """Percent-encoded as in any URL; a lone % is forgiven."""
    assert normal_url(f"postgresql://user:{written}@host/name").password == meant


def test_sqlite_is_left_as_it_is() -> None:
    """A path is a path."""
    assert normal_url("sqlite:////data/stowage.db").database == "/data/stowage.db"


@pytest.mark.parametrize(
    "url", ["mysql://u:hunter2@h/d", "mongodb://u:hunter2@h/d", "nonsense hunter2", "", "postgresql://u:hunter2@h:x/d"]
)
def test_any_other_address_is_refused_in_one_line(url: str) -> None:
    """That names the setting and not the password."""
    with pytest.raises(ValueError, match="DATABASE_URL") as refused:
        normal_url(url)

    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_sqlite_without_a_file_is_refused(url: str) -> None:
    """Each connection would have a database of its own."""
    with pytest.raises(ValueError, match="DATABASE_URL"):
        Database(url)


async def test_sqlite_makes_its_folder(opened: Open, tmp_path: Path) -> None:
    """As the default setting needs it."""
    database = opened(f"sqlite:///{tmp_path / 'new' / 'folder' / 'stowage.db'}")
    await database.ping()

    assert (tmp_path / "new" / "folder" / "stowage.db").exists()


async def test_sqlite_is_durable_and_patient(opened: Open, tmp_path: Path) -> None:
    """On every connection: a write-ahead log, flushed at each commit; foreign keys; ten seconds for another's write."""
    database = opened(f"sqlite:///{tmp_path / 'stowage.db'}")
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")

    def pragmas(connection: Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    found = [await database.run(pragmas), *await asyncio.gather(*[database.read(pragmas) for _ in range(8)])]

    assert found == [["wal", 2, 1, 10_000]] * 9


async def test_an_unreachable_server_is_told_soon(opened: Open, closed_port: int) -> None:
    """As `DatabaseUnavailable`, by every way in, with nothing of the address in what clients see."""
    database = opened(f"postgresql://user:hunter2@127.0.0.1:{closed_port}/name")
    began = time.monotonic()
    calls = [database.ping(), database.run(make_pending, draft()), database.run(make_pending, draft())]
    failures = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(failure) for failure in failures] == [DatabaseUnavailable] * 3
    assert time.monotonic() - began < 10
    assert not any(word in str(failures) for word in ("hunter2", "user", str(closed_port)))


async def test_a_file_that_is_no_database_is_told_as_ours(opened: Open, tmp_path: Path) -> None:
    """Something else lies where SQLite's file should be."""
    (tmp_path / "stowage.db").write_bytes(b"this is no database, however long it may be" * 100)
    database = opened(f"sqlite:///{tmp_path / 'stowage.db'}")
    with pytest.raises(DatabaseUnavailable):
        await database.ping()


async def test_a_new_file_that_somebody_writes_to_is_waited_for(opened: Open, tmp_path: Path) -> None:
    """Two processes start at once on a new disk: SQLite doesn't wait by itself when the log's kind is changed."""
    path = tmp_path / "stowage.db"
    first = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    first.execute("CREATE TABLE theirs (id INTEGER)")
    database = opened(f"sqlite:///{path}")
    pinging = asyncio.create_task(database.ping())
    await asyncio.sleep(0.2)
    first.execute("COMMIT")
    first.close()

    await pinging


async def test_no_more_connections_than_allowed(opened: Open, postgres_url: str) -> None:
    """However many ask at once: each waits its turn."""
    database = opened(f"{postgres_url}?application_name=counted", pool_size=3)
    counted = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'counted'")

    def slow(connection: Connection) -> int:
        connection.execute(text("SELECT pg_sleep(0.01)"))
        return int(connection.execute(counted).scalar_one())

    seen = await asyncio.gather(*[database.run(slow) for _ in range(30)])

    assert max(seen) == 3


async def test_a_full_queue_is_busy(database: Database) -> None:
    """More work than may wait is refused at once, and what was accepted is done."""
    reads = [asyncio.create_task(database.ping()) for _ in range(database._reads._limit)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await database.ping()
    await asyncio.gather(*reads)

    await database.ping()


async def test_connections_that_died_are_replaced(opened: Open, postgres_url: str) -> None:
    """The server restarted between two requests: the second one works."""
    database = opened(postgres_url, pool_size=4)
    await asyncio.gather(*[database.ping() for _ in range(8)])
    await _cut_all(postgres_url)
    await asyncio.gather(*[database.ping() for _ in range(8)])
    ready = await database.run(make_ready, draft())

    assert len(ready) == 1


async def test_a_connection_that_dies_under_a_statement_is_told(opened: Open, postgres_url: str) -> None:
    """As unavailable, for reading and writing; afterwards all is well again."""
    database = opened(postgres_url, pool_size=4)
    sleeping = text("SELECT pg_sleep(30)")
    calls = [asyncio.create_task(call(lambda c: c.execute(sleeping))) for call in (database.run, database.read)]
    await asyncio.sleep(0.2)
    await _cut_all(postgres_url)
    failures = await asyncio.gather(*calls, return_exceptions=True)
    await database.ping()

    assert [type(failure) for failure in failures] == [DatabaseUnavailable] * 2


async def test_a_server_that_only_reads_is_told(opened: Open, postgres_server: str) -> None:
    """After a failover: reading works, writing is unavailable."""
    url = postgres.new_database(postgres_server)
    migrate.upgrade(url)
    name = url.rpartition("/")[2]
    await opened(url).run(
        lambda connection: connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    )
    database = opened(url)
    await database.ping()
    with pytest.raises(DatabaseUnavailable):
        await database.run(make_pending, draft())
    with pytest.raises(DatabaseUnavailable):
        await database.run(make_pending, draft())
    postgres.drop_database(url)


async def test_postgres_refuses_a_zero_byte_as_the_caller_s_fault(opened: Open, postgres_url: str) -> None:
    """In text and in JSON, in a value and in a filter."""
    database = opened(postgres_url)
    for wanted in (draft(filename="a\0"), draft(metadata={"a": "\0"}), draft(tenant="\0")):
        with pytest.raises(InvalidField):
            await database.run(make_pending, wanted)
    with pytest.raises(InvalidField):
        await database.read(assets.page, assets.Filter(tenant="acme", filename="\0"), limit=5, after=None)


async def test_a_lone_surrogate_is_the_caller_s_fault_too(database: Database) -> None:
    """No encoding has it: a token can bring one along."""
    with pytest.raises(InvalidField):
        await database.run(make_pending, draft(tenant="\ud800"))


async def _cut_all(url: str) -> None:
    """What a restart of the server does to everybody else's connections."""
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    engine = engine_for(url)
    with engine.begin() as connection:
        connection.execute(others)
    engine.dispose()
    await asyncio.sleep(0.05)

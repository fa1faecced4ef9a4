"""Migrations: by anybody, at any time, once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from app.db import migrate
from app.db import revisions as known
from app.db.database import engine_for
from app.db.revisions import SCRIPTS, is_current
from app.errors import DatabaseUnavailable
from tests import postgres

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind, without a table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    url = postgres.new_database(request.getfixturevalue("postgres_server"))
    yield url
    postgres.drop_database(url)


def ask(url: str, question: object) -> object:
    """What a function says of a connection."""
    engine = engine_for(url)
    try:
        with engine.begin() as connection:
            return question(connection)
    finally:
        engine.dispose()


def revisions(connection: Connection) -> list[str]:
    """What the database says of itself."""
    return list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())


def tables(connection: Connection) -> set[str]:
    """The tables there are."""
    return set(inspect(connection).get_table_names())


def alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The library's own command, from the root of the repository."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "alembic", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_empty_database_is_brought_up_to_date(empty_url: str) -> None:
    """All tables, and then it is current."""
    before = ask(empty_url, is_current)
    migrate.upgrade(empty_url)

    assert before is False
    assert ask(empty_url, is_current) is True
    assert ask(empty_url, tables) == {"assets", "slots", "claims", "stores", "alembic_version"}


def test_a_second_time_changes_nothing(empty_url: str) -> None:
    """Every start does it."""
    migrate.upgrade(empty_url)
    before = ask(empty_url, revisions)
    migrate.upgrade(empty_url)

    assert ask(empty_url, revisions) == before


def test_the_models_are_what_the_migrations_make(empty_url: str) -> None:
    """`alembic check` would have nothing to say."""
    migrate.upgrade(empty_url)
    engine = engine_for(empty_url)
    found = migrate.differences(engine)
    engine.dispose()

    assert found == []


def test_a_difference_would_be_seen(empty_url: str) -> None:
    """The test above can fail."""
    migrate.upgrade(empty_url)
    ask(empty_url, lambda connection: connection.execute(text("ALTER TABLE claims DROP COLUMN answer")))
    engine = engine_for(empty_url)
    found = migrate.differences(engine)
    engine.dispose()

    assert "answer" in str(found)


def test_replicas_that_start_together_wait_for_each_other(empty_url: str) -> None:
    """Four at once on an empty database: none fails, and it is migrated once."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [empty_url] * 4))

    assert ask(empty_url, is_current) is True
    assert len(ask(empty_url, revisions)) == 1


def test_processes_that_start_together_do_too(tmp_path: Path) -> None:
    """As replicas really do: SQLite's locks are of the process."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    code = "import sys; from app.db import migrate; sys.stdin.read(1); migrate.upgrade(sys.argv[1])"
    command = [sys.executable, "-c", code, url]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        process.stdin.write("x")
        process.stdin.flush()
    errors = [process.communicate(timeout=30)[1] for process in processes]

    assert errors == [""] * 2
    assert [process.returncode for process in processes] == [0] * 2
    assert ask(url, is_current) is True


def test_a_newer_database_is_left_alone(empty_url: str) -> None:
    """The next version has been here, and this one still runs: it is current, and nothing is touched."""
    migrate.upgrade(empty_url)
    newer = text("UPDATE alembic_version SET version_num = 'from the future'")
    ask(empty_url, lambda connection: connection.execute(newer))
    migrate.upgrade(empty_url)

    assert ask(empty_url, is_current) is True
    assert ask(empty_url, revisions) == ["from the future"]


def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    """All revisions run in one transaction: a table that is in the way undoes those that were made."""
    in_the_way = text("CREATE TABLE claims (id INTEGER)")
    ask(empty_url, lambda connection: connection.execute(in_the_way))
    with pytest.raises((DatabaseUnavailable, ProgrammingError)):
        migrate.upgrade(empty_url)

    assert ask(empty_url, tables) == {"claims"}
    assert ask(empty_url, is_current) is False


def test_a_database_that_is_away_is_told_as_such(tmp_path: Path) -> None:
    """So that whoever starts us can wait for it."""
    with pytest.raises(DatabaseUnavailable):
        migrate.upgrade("postgresql://nobody@127.0.0.1:1/none")


def test_the_command_line_of_alembic_works(tmp_path: Path) -> None:
    """From the root of the repository, on the configured database, without a configuration file of its own."""
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    upgraded = alembic(url, "upgrade", "head")

    assert upgraded.returncode == 0, upgraded.stderr
    assert ask(url, is_current) is True


def test_the_command_line_of_alembic_finds_no_difference(postgres_url: str) -> None:
    """`alembic check`, as a developer would ask."""
    checked = alembic(postgres_url, "check")

    assert checked.returncode == 0, checked.stderr


def test_the_revisions_are_those_that_alembic_sees() -> None:
    """They are read without it: it costs memory that a service which is up to date doesn't need."""
    directory = ScriptDirectory(str(SCRIPTS))

    assert known.revisions(SCRIPTS) == (set(directory.get_heads()), {s.revision for s in directory.walk_revisions()})


def test_a_start_that_finds_nothing_to_do_does_not_load_alembic(empty_url: str) -> None:
    """Nor does one without tokens load what verifies them."""
    program = "import app.cli.serve, sys; from app.db.migrate import upgrade; upgrade(sys.argv[1]); print(*sys.modules)"
    migrate.upgrade(empty_url)
    done = subprocess.run([sys.executable, "-c", program, empty_url], capture_output=True, text=True, check=True)

    assert not {"alembic", "jwt", "botocore", "cloudinary"} & set(done.stdout.split())

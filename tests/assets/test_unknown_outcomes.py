"""Step 11 when the database dies under it: what is true is read again, and nothing is undone blindly."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event, text

from app.db import slots
from app.db.database import engine_for
from app.errors import OutcomeUnknown
from tests.assets.waist import LOGO, Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio

PNG = make_png()


@pytest.fixture
def waist(make_waist: Callable[..., Waist], postgres_url: str) -> Waist:
    """On Postgres: its connections can be cut."""
    return make_waist(postgres_url)


def cut(waist: Waist) -> None:
    """End every connection of the waist, as a restart of the server does."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    engine = engine_for(waist.database.engine.url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    engine.dispose()


@pytest.mark.parametrize("order", [{"slot": LOGO}, {"idempotency_key": "key"}], ids=["slot", "key"])
async def test_a_commit_that_was_done_is_answered_as_done(waist: Waist, order: dict[str, object]) -> None:
    """The connection died after the commit, before its answer: the client gets its asset."""
    real, committed = waist.database.engine.dialect.do_commit, []

    def commit(connection: object) -> None:
        real(connection)
        committed.append(connection)
        if len(committed) == 2:
            cut(waist)
            connection.execute("SELECT 1")

    waist.database.engine.dialect.do_commit = commit
    kept = await waist.keep(PNG, **order)

    assert kept.assets[0].state == "ready"
    assert await waist.states() == ["ready"]
    assert waist.keys() == [kept.assets[0].key]


@pytest.mark.parametrize("order", [{}, {"slot": LOGO}, {"idempotency_key": "key"}], ids=["plain", "slot", "key"])
async def test_an_outcome_that_nobody_can_tell_is_said_to_be_unknown(
    waist: Waist, order: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection died, and the database stays away: 503, and the bytes are left to the sweeper, not deleted."""
    monkeypatch.setattr("app.assets.ingest.UNKNOWN_SECONDS", 0.5)
    waist.backend.gate.clear()
    keeping = asyncio.create_task(waist.keep(PNG, **order))
    await asyncio.to_thread(waist.backend.at_the_gate.acquire)

    def die(connection: Connection, *_: object) -> None:
        cut(waist)

    event.listen(waist.database.engine, "before_cursor_execute", die)
    waist.backend.gate.set()
    with pytest.raises(OutcomeUnknown):
        await keeping
    event.remove(waist.database.engine, "before_cursor_execute", die)

    assert await waist.states() == ["pending"]
    assert len(waist.keys()) == 1
    assert await waist.database.read(slots.held, LOGO) is None
    assert waist.left() == (0, [])

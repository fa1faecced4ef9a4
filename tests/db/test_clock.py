"""Time, told by the database alone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Float, bindparam, select

from app.db.clock import clock
from app.db.database import Database
from app.db.models import assets as table
from tests.db.rows import draft, make_pending

pytestmark = pytest.mark.anyio

MOMENTS = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 11, 21, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=-11, minutes=-30))),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


async def now(database: Database, *seconds: float) -> datetime:
    """The database's time, so many seconds from now."""
    return await database.read(lambda c: c.execute(select(clock(*seconds))).scalar_one())


async def test_it_is_now(database: Database) -> None:
    """Aware, in UTC, and what everybody else's clock says."""
    told = await now(database)

    assert told.tzinfo is UTC
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("seconds", [0, 60, -60, 0.5, -0.5, 86_400, 604_800.25, -31_536_000])
async def test_seconds_are_added(database: Database, seconds: float) -> None:
    """Past and future, whole and in parts."""
    told = await now(database, seconds)

    assert abs(told - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=5)
    assert abs((told - await now(database)).total_seconds() - seconds) < 0.5


async def test_the_number_of_seconds_may_be_bound_later(database: Database) -> None:
    """In a statement that is built once and run often."""
    statement = select(clock(bindparam("seconds", type_=Float)))
    told = await database.read(lambda c: [c.execute(statement, {"seconds": s}).scalar_one() for s in (60, -60.5)])

    assert abs((told[0] - told[1]).total_seconds() - 120.5) < 0.5


async def test_it_goes_forward(database: Database) -> None:
    """Within one transaction too: rows of one batch can be told apart from those before."""

    def watched(connection):
        return [connection.execute(select(clock())).scalar_one() for _ in range(200)]

    told = await database.run(watched)

    assert told == sorted(told)


async def test_it_stands_beside_columns(database: Database) -> None:
    """Comparisons are made by the database, between its own times."""
    past, future = draft(), draft()
    await database.run(make_pending, past, grace=-1)
    await database.run(make_pending, future, grace=60)
    due = await database.read(lambda c: c.execute(select(table.c.id).where(table.c.due_at <= clock())).scalars().all())

    assert due == [past.id]


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
async def test_a_moment_is_kept_to_the_microsecond(database: Database, moment: datetime) -> None:
    """Whatever its zone was, it comes back in UTC."""
    wanted = draft()

    def kept(connection):
        make_pending(connection, wanted)
        connection.execute(table.update().values(created_at=moment))
        return connection.execute(select(table.c.created_at)).scalar_one()

    told = await database.run(kept)

    assert told == moment
    assert told.utcoffset() == timedelta(0)


async def test_moments_are_in_order(database: Database) -> None:
    """The database sorts them as Python does."""

    def kept(connection):
        make_pending(connection, *[draft(filename=str(n)) for n in range(len(MOMENTS))])
        for n, moment in enumerate(MOMENTS):
            connection.execute(table.update().where(table.c.filename == str(n)).values(created_at=moment))
        return connection.execute(select(table.c.created_at).order_by(table.c.created_at)).scalars().all()

    assert await database.run(kept) == sorted(MOMENTS)

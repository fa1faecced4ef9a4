"""Time, told by the database alone: the expression `clock(seconds)`.

Replicas disagree about the time; the database they share doesn't disagree with itself.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.db.columns import Moment


class clock(FunctionElement[datetime]):  # noqa: N801 - it reads as a function, like sqlalchemy's own
    """The database's time now, plus some seconds: a bound number, a column, or nothing."""

    type = Moment()
    inherit_cache = True
    name = "clock"


@compiles(clock, "postgresql")
def _postgresql(element: clock, compiler: SQLCompiler, **kw: Any) -> str:
    """The time of the statement: unlike clock_timestamp() it is stable, so that indexes serve comparisons with it."""
    seconds = compiler.process(element.clauses, **kw)
    return f"(statement_timestamp() + make_interval(secs => {seconds}))" if seconds else "statement_timestamp()"


@compiles(clock, "sqlite")
def _sqlite(element: clock, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    now = "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"
    return f"({now} + CAST({seconds} * 1000000 AS INTEGER))" if seconds else now

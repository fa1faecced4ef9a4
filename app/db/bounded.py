"""A Postgres connection that does not wait for ever: a frozen server accepts what is sent and never answers."""

from typing import Any

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from sqlalchemy.engine import ExceptionContext

STATEMENT_SECONDS = 15.0  # that one statement may take; each of ours takes milliseconds


class BoundedConnection(psycopg.Connection[TupleRow]):
    """A statement without an answer in time ends as a lost connection does: what it did is not known."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """What every statement waits in (psycopg 3.3, `Connection.wait`)."""
        try:
            return super().wait(gen, interval, STATEMENT_SECONDS if timeout is None else timeout)
        except errors._WaitTimeout:  # noqa: SLF001 - psycopg exports no other name for it
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in time") from None


def notice_breaks(context: ExceptionContext) -> None:
    """For SQLAlchemy's event `handle_error`: what the driver says without the server is a broken connection.

    A connection that breaks in the middle of a wait is not always `closed` to psycopg; back in the pool it would fail
    whoever is next. The server's own refusals have a sqlstate.
    """
    failure = context.original_exception
    root = failure.__context__ if isinstance(failure, psycopg.ProgrammingError) else failure
    if isinstance(root, psycopg.OperationalError | psycopg.InterfaceError) and root.sqlstate is None:
        context.is_disconnect = True


def connect(_dialect: Any, _record: Any, positional: Any, named: Any) -> BoundedConnection:
    """For SQLAlchemy's event `do_connect`."""
    connection: BoundedConnection = BoundedConnection.connect(*positional, **named)
    return connection

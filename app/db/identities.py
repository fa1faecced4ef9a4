"""Statements about the identity of stores: whose disk a store was when it was first used."""

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db.clock import clock
from app.db.models import stores


def remember(connection: Connection, name: str, identity: str) -> str:
    """The identity that is remembered for a store; from now on this one, if there is none."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(stores).values(name=name, identity=identity).on_conflict_do_nothing())
    remembered: str = connection.execute(select(stores.c.identity).where(stores.c.name == name)).scalar_one()
    return remembered


def replace(connection: Connection, name: str, identity: str) -> None:
    """Another one stands in its place, on purpose."""
    connection.execute(update(stores).where(stores.c.name == name).values(identity=identity, created_at=clock()))

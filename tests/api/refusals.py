"""What every refusal looks like, and what it leaves behind: nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from sqlalchemy import text

from app.services import Services
from tests.conftest import files_below, spool_files

MEMBERS = ("type", "title", "status", "code", "detail", "request_id")


class Answer(Protocol):
    """An answer of the test client, or one from the wire."""

    status_code: int
    headers: Any
    content: bytes

    def json(self) -> Any:
        """The body as JSON."""


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """Assert that this is the refusal, as RFC 9457 wants it; its members."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.content
    body: dict[str, Any] = answer.json()
    assert body.get("code") == code, body
    assert [name for name in MEMBERS if not body.get(name)] == []
    assert (body["status"], body["type"]) == (status, f"urn:stowage:error:{code}")
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    assert "Traceback" not in str(body)
    return body


def rows(services: Services, table: str = "assets") -> int:
    """How many rows there are, pending and doomed ones too."""
    with services.database.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


@contextmanager
def keeps_nothing(services: Services) -> Iterator[None]:
    """Assert that what happens meanwhile leaves no row, no object, no spool file, no memory held."""
    before = rows(services), len(files_below(services))
    yield
    assert (rows(services), len(files_below(services))) == before
    nothing_held(services)


def nothing_kept(services: Services) -> None:
    """Assert that there is nothing at all."""
    assert rows(services) == 0
    assert files_below(services) == []
    nothing_held(services)


def nothing_held(services: Services) -> None:
    """Assert that the spool is empty, on the disk and in memory."""
    assert spool_files(services) == []
    assert services.spool.held == 0

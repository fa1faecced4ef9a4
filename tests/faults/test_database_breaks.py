"""F14: a connection to the database that breaks at any point of a request, as a reset in the middle of a wait does."""

import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.faults.place import LOGO, Place, logo, png, put_logo, upload, whole

REQUESTS: dict[str, Callable[[TestClient], Any]] = {
    "upload": lambda client: upload(client, png(1)),
    "upload with a key": lambda client: upload(client, png(1), key="k"),
    "replacement": lambda client: put_logo(client, png(2)),
    "list": lambda client: client.get("/v1/assets"),
    "read": lambda client: client.get(LOGO),
    "deletion": lambda client: client.delete(LOGO),
}


class Breaker:
    """Lets one wait for the database's answer fail: what was asked is on its way, and the socket is dead.

    Seldom, when a RST arrives while the driver looks at the socket, its connection does not know yet that it is broken.
    """

    def __init__(self, wait: Callable[..., Any]) -> None:
        self._wait = wait
        self.left: int | None = None  # waits that go well before

    def __call__(self, connection: psycopg.Connection, steps: Any, *given: Any, **named: Any) -> Any:
        """In the place of `psycopg.Connection.wait`."""
        if self.left is None:
            return self._wait(connection, steps, *given, **named)
        self.left -= 1
        if self.left != -1:
            return self._wait(connection, steps, *given, **named)
        try:
            next(steps)
        except StopIteration as done:  # there was nothing to wait for: the next one
            self.left = 0
            return done.value
        with socket.socket(fileno=os.dup(connection.fileno())) as shared:
            shared.shutdown(socket.SHUT_RDWR)
        raise psycopg.OperationalError("connection socket closed")


@pytest.fixture
def breaker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaker]:
    """In the driver of this process."""
    breaker = Breaker(psycopg.Connection.wait)

    def wait(*given: Any, **named: Any) -> Any:
        """A function: an object would not be given the connection."""
        return breaker(*given, **named)

    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    yield breaker
    breaker.left = None


@pytest.mark.parametrize("request_", REQUESTS)
def test_f14_a_connection_breaks_in_the_middle_of_any_statement(place: Place, breaker: Breaker, request_: str) -> None:
    """503 or the true answer, never 500; the next request finds a good connection."""
    seen: dict[int, int] = {}
    with place.client() as client:
        for number in range(40):
            put_logo(client, png(number))
            breaker.left = number
            seen[number] = REQUESTS[request_](client).status_code
            unharmed, breaker.left = breaker.left >= 0, None
            if unharmed:  # it needs no more waits than that
                break
        assert put_logo(client, png(99)).status_code in {200, 201}
        assert logo(client) == png(99)

    assert len(seen) > 1
    assert set(seen.values()) <= {200, 201, 204, 404, 503}, seen
    left = place.settled()
    assert left == whole(len(left.rows))

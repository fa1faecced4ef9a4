"""The client: what it counts, and from when."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.bench.client import Loop

REQUEST = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"


@contextlib.contextmanager
def server(answer: Callable[[int], bytes]) -> Iterator[int]:
    """The port of a server that answers the requests of one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def _serve(listener: socket.socket, answer: Callable[[int], bytes]) -> None:
    connection, _ = listener.accept()
    with connection:
        number = 0
        while connection.recv(65536):
            if not (told := answer(number)):
                return
            connection.sendall(told)
            number += 1


def test_every_request_is_answered() -> None:
    """The closed loop sends so many, keeps the answers it was asked for, and counts the bytes."""
    with server(lambda _: GOOD) as port:
        load = Loop(port, lambda _: REQUEST, 5, sampled=[4]).run(1)

    assert (len(load.seconds), load.started, load.received, load.complaints) == (5, 5, 10, [])
    assert load.samples[4].status == 200


def test_refusals_are_failures() -> None:
    """An answer that is no success is a complaint."""
    with server(lambda number: BAD if number == 1 else GOOD) as port:
        load = Loop(port, lambda _: REQUEST, 3).run(1)

    assert load.complaints == ["500 b''"]


def test_a_closed_connection_is_a_failure() -> None:
    """A request whose connection ends without an answer is a complaint, and the loop ends."""
    with server(lambda number: GOOD if number == 0 else b"") as port, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.bench.client.TIMEOUT_SECONDS", 0.4)
        load = Loop(port, lambda _: REQUEST, 2).run(1)

    assert len(load.complaints) == 1
    assert "closed the connection" in load.complaints[0]


def test_it_goes_on_until_the_time_is_over() -> None:
    """A server that is too fast for the number of requests gets more of them."""
    with server(lambda _: GOOD) as port:
        load = Loop(port, lambda _: REQUEST, 1, least=0.1).run(1)

    assert load.wall >= 0.1
    assert load.started > 1


def test_latency_counts_from_the_planned_time() -> None:
    """In the open loop a server that stands still delays all who should have been served meanwhile."""
    stall = 0.2

    def answer(number: int) -> bytes:
        time.sleep(stall if number == 0 else 0)
        return GOOD

    with server(answer) as port:
        load = Loop(port, lambda _: REQUEST, 10, rate=100).run(1)

    assert load.seconds[0] >= stall
    assert load.seconds[1] >= stall - 0.02  # it was planned a hundredth of a second after the first
    assert load.seconds[-1] < load.seconds[0]

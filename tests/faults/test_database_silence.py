"""F14, F12: a database that accepts everything and says nothing: its processes are stopped, or the network is."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from tests.api.refusals import refused
from tests.faults.place import LOGO, Place, logo, png, put_logo, talking, upload, whole
from tests.faults.postgres import Server
from tests.faults.proxy import Proxy, Trouble

pytestmark = pytest.mark.slow

BOUND = 40.0  # seconds in which any call has an answer, however silent the database is: 15 for an answer, 5 to connect
HEALED = 15.0  # seconds after which it is forgotten
CALLS: dict[str, Callable[[Any], Any]] = {
    "upload": lambda client: upload(client, png(1)),
    "upload with a key": lambda client: upload(client, png(2), key="k"),
    "replacement": lambda client: put_logo(client, png(3)),
    "list": lambda client: client.get("/v1/assets"),
    "logo": lambda client: client.get(LOGO),
    "deletion": lambda client: client.delete(LOGO),
    "bytes": lambda client: client.get("/f/01a1fe56-6c38-7226-99df-e72aefb3b6b7/a.png"),
}


def all_at_once(client: Any) -> dict[str, tuple[Any, float]]:
    """Every call, each by a thread of its own: its answer, and how many seconds it took."""
    answers: dict[str, tuple[Any, float]] = {}

    def ask(name: str) -> None:
        began = time.monotonic()
        answers[name] = CALLS[name](client), time.monotonic() - began

    threads = [threading.Thread(target=ask, args=[name]) for name in CALLS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextlib.contextmanager
def frozen(server: Server, _: Proxy) -> Iterator[None]:
    """Its processes are stopped."""
    with server.frozen():
        yield


@contextlib.contextmanager
def swallowed(_: Server, proxy: Proxy) -> Iterator[None]:
    """The network takes packets and delivers none."""
    proxy.trouble = Trouble(silent=True)
    yield
    proxy.heal()


@pytest.mark.parametrize("silence", [frozen, swallowed])
def test_f14_a_database_that_says_nothing(place: Place, server: Server, proxy_of_database: Proxy, silence: Any) -> None:
    """It accepts connections and is silent: every call is 503 in bounded time; /healthz answers; then all is well."""
    with place.service() as service, talking(service) as client:
        put_logo(client, png(0))
        with silence(server, proxy_of_database):
            answers = all_at_once(client)
            health, ready = (httpx2.get(f"{service.url}{path}", timeout=5) for path in ("/healthz", "/readyz"))
        print({name: round(seconds, 1) for name, (_, seconds) in answers.items()})  # noqa: T201 - for people
        for name, (answer, seconds) in answers.items():
            refused(answer, 503, "database_unavailable")
            assert int(answer.headers["retry-after"]) >= 1, name
            assert seconds < BOUND, name
        began = time.monotonic()
        while put_logo(client, png(9)).status_code != 200 and time.monotonic() < began + HEALED:
            time.sleep(0.1)
        assert logo(client) == png(9)

    assert (health.status_code, ready.status_code) == (200, 503)
    assert place.settled().findings == ()


def test_f14_a_router_forgets_idle_connections(place: Place, proxy_of_database: Proxy) -> None:
    """The pooled ones are dead without a word: each is given up in bounded time, and the request still succeeds."""
    with place.client() as client:
        put_logo(client, png(0))
        proxy_of_database.forget()
        began = time.monotonic()
        answer = put_logo(client, png(1))
        print(f"{time.monotonic() - began:.1f} s")  # noqa: T201 - for people

        assert answer.status_code == 200
        assert time.monotonic() - began < BOUND
        assert logo(client) == png(1)
    assert place.settled() == whole(1)


def test_f12_a_signal_while_the_database_is_frozen(place: Place, server: Server) -> None:
    """The end is not held up by what will not answer: exit code 0 in bounded time, nothing half-done."""
    with place.service(SHUTDOWN_TIMEOUT="2") as service, talking(service) as client:
        put_logo(client, png(0))
        with server.frozen():
            asking = threading.Thread(target=_ask, args=[client, put_logo])
            asking.start()
            time.sleep(0.5)
            began = time.monotonic()
            code = service.stop()
            took = time.monotonic() - began
            asking.join()

    assert (code, took < 15) == (0, True)
    with place.client() as client:
        assert logo(client) in {png(0), png(1)}
    assert place.settled() == whole(1)


def _ask(client: httpx2.Client, call: Callable[..., Any]) -> None:
    with contextlib.suppress(httpx2.TransportError):
        call(client, png(1))

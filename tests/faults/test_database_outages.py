"""F14: Postgres is stopped, restarted, frozen, read-only, or has no connection left: 503, and it heals by itself."""

import contextlib
import threading
import time
from collections import Counter
from typing import Any, Self

import httpx2
import psycopg
import pytest

from tests.api.refusals import refused
from tests.faults.place import HEADERS, LOGO, Place, logo, png, put_logo, talking, upload, whole
from tests.faults.postgres import FAST, IMMEDIATE, Server

HEALED = 5.0  # seconds after which an outage that is over is forgotten


def read_logo(client: Any, _: bytes) -> Any:
    """What a writer reads between two uploads."""
    return client.get(LOGO)


class Traffic:
    """Clients that never tire: status codes, with the times at which they were asked for, until the block ends."""

    def __init__(self, port: int, writers: int = 3) -> None:
        self.seen: list[tuple[float, int, str]] = []
        self._port, self._over = port, threading.Event()
        self._threads = [threading.Thread(target=self._work, args=[number]) for number in range(writers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def counted(self, *, since: float = 0.0) -> Counter[tuple[int, str]]:
        """How often there was which answer."""
        return Counter((status, code) for at, status, code in self.seen if at > since)

    def wait_for(self, good: int, seconds: float) -> float:
        """How long it took until so many more requests went well."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if sum(status < 300 for at, status, _ in self.seen if at > began) >= good:
                return time.monotonic() - began
            time.sleep(0.02)
        raise AssertionError(f"no recovery in {seconds} s: {self.counted(since=began)}")

    def _work(self, number: int) -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{self._port}", headers=HEADERS, timeout=60) as client:
            while not self._over.is_set():
                for call in (put_logo, read_logo, upload):
                    began, answer = time.monotonic(), call(client, png(number))
                    code = answer.json().get("code", "") if answer.status_code >= 400 else ""
                    self.seen.append((began, answer.status_code, code))
                time.sleep(0.01)


def test_f14_postgres_restarts_under_load(place: Place, server: Server) -> None:
    """Only 503 `database_unavailable`, only while it is away and five seconds more; the same process goes on."""
    with place.service() as service, Traffic(service.port) as traffic:
        traffic.wait_for(10, seconds=30)
        server.stop(IMMEDIATE)
        time.sleep(0.3)
        away = httpx2.get(f"{service.url}/readyz")
        server.start()
        traffic.wait_for(10, seconds=HEALED + 10)
        back = time.monotonic()
        traffic.wait_for(10, seconds=30)

    assert away.status_code == 503
    assert away.json()["checks"]["database"]["status"] == "error"
    assert set(traffic.counted()) <= {(200, ""), (201, ""), (404, "not_found"), (503, "database_unavailable")}
    assert {status for status, _ in traffic.counted(since=back)} <= {200, 201}
    left = place.settled()
    assert left == whole(len(left.rows))


@pytest.mark.slow
def test_f14_postgres_restarts_twenty_times_under_load(place: Place, server: Server) -> None:
    """Each time the same process recovers within five seconds, and no request is told 500."""
    took = []
    with place.service() as service, Traffic(service.port) as traffic:
        for number in range(20):
            traffic.wait_for(10, seconds=30)
            server.stop(IMMEDIATE if number % 2 else FAST)
            server.start()
            took.append(traffic.wait_for(5, seconds=30))

    print(f"recovered after {max(took):.2f} s at most, {sorted(took)[10]:.2f} s as a rule")  # noqa: T201 - for people
    assert {status for status, _ in traffic.counted()} <= {200, 201, 404, 503}
    assert max(took) < HEALED + 5
    left = place.settled()
    assert left == whole(len(left.rows))


def test_f14_a_database_that_is_read_only(fresh: Place, server: Server) -> None:
    """After a failover: reading works, writing is a 503, and nothing is half-written."""
    url = fresh.settings["DATABASE_URL"]
    name = url.rpartition("/")[2]
    with fresh.client() as client:
        put_logo(client, png(0))
        server.tell(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        server.end_sessions(url)
        for call in (put_logo, upload):
            refused(call(client, png(1)), 503, "database_unavailable")
        refused(client.delete(LOGO), 503, "database_unavailable")
        assert logo(client) == png(0)
        server.tell(f"BEGIN READ WRITE; ALTER DATABASE {name} SET default_transaction_read_only = off; COMMIT")
        server.end_sessions(url)
        assert put_logo(client, png(2)).status_code == 200
        assert logo(client) == png(2)
    assert fresh.settled() == whole(1)


def test_f14_a_database_without_a_connection_left(place: Place, server: Server) -> None:
    """Others hold them all: 503, `/readyz` too; when they let go it works again."""
    with place.client() as client, contextlib.ExitStack() as others:
        put_logo(client, png(0))
        server.end_sessions(place.settings["DATABASE_URL"])
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                others.enter_context(psycopg.connect(server.url))
        refused(put_logo(client, png(1)), 503, "database_unavailable")
        assert client.get("/readyz").status_code == 503
        others.close()
        assert put_logo(client, png(2)).status_code == 200
    assert place.settled() == whole(1)


def test_f14_the_database_comes_after_the_service(place: Place, server: Server) -> None:
    """A platform starts both at once: the service waits, migrates, and is ready."""
    server.stop(IMMEDIATE)
    late = threading.Timer(1.5, server.start)
    late.start()
    with place.service() as service, talking(service) as client:
        late.join()
        assert put_logo(client, png(1)).status_code == 201
    assert place.settled() == whole(1)

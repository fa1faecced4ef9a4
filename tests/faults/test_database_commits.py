"""F9, F10: the bytes are stored and the database fails, or nobody knows whether it did what it was asked."""

import signal
import threading
from collections.abc import Callable

import psycopg
import pytest
from starlette.testclient import TestClient

from app.assets import ingest
from tests.api.refusals import refused
from tests.faults.backend import faulty
from tests.faults.place import Place, logo, png, put_logo, upload, whole
from tests.faults.postgres import FAST, IMMEDIATE, Server
from tests.faults.proxy import HEALTHY, Proxy, Trouble

OLD, NEW = png(1), png(2)
# What is said on the wire: that one asset is ready, without a transaction around it; and the end of a transaction.
COMMIT = b"\x0bCOMMIT\0"
ORDERS: dict[str, tuple[bytes, Callable[[TestClient], object]]] = {
    "plain": (COMMIT, lambda client: upload(client, NEW)),
    "key": (COMMIT, lambda client: upload(client, NEW, key="k")),
    "slot": (COMMIT, lambda client: put_logo(client, NEW)),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who doesn't know whether it was done asks for a second only."""
    monkeypatch.setattr(ingest, "UNKNOWN_SECONDS", 1.0)


def after_the_put(client: TestClient, act: Callable[[], object]) -> None:
    """Let something happen when the next bytes have been stored and their row is not ready yet."""
    store = client.app.state.services.stores.default
    store.backend = faulty(store.backend).plan("put", "after", act)


@pytest.mark.parametrize("how", [FAST, IMMEDIATE], ids=["fast", "immediate"])
def test_f09_the_database_stops_between_the_bytes_and_the_row(
    place: Place, server: Server, how: signal.Signals, impatient: None
) -> None:
    """503; the old logo stays; it works again when the database does, and nothing is left of the try."""
    with place.client() as client:
        put_logo(client, OLD)
        after_the_put(client, lambda: server.stop(how))

        answer = put_logo(client, NEW)
        assert "127.0.0.1" not in str(refused(answer, 503, "outcome_unknown"))
        assert int(answer.headers["retry-after"]) >= 1
        refused(put_logo(client, NEW), 503, "database_unavailable")
        server.start()
        assert logo(client) == OLD
        assert put_logo(client, NEW).status_code == 200
        assert logo(client) == NEW
    assert place.settled() == whole(1)


@pytest.mark.parametrize("order", ORDERS)
def test_f09_the_network_to_the_database_dies_between_the_bytes_and_the_row(
    place: Place, proxy_of_database: Proxy, order: str, impatient: None
) -> None:
    """503, nothing appears later, and the sweep takes the bytes."""

    def die() -> None:
        proxy_of_database.trouble = Trouble(refuse=True)
        proxy_of_database.cut()

    with place.client() as client:
        after_the_put(client, die)
        refused(ORDERS[order][1](client), 503, "outcome_unknown")
        proxy_of_database.heal()
        assert client.get("/v1/assets").json()["items"] == []
    assert place.settled() == whole(0)


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
def test_f09_the_database_gives_up_on_a_lock(fresh: Place, server: Server, setting: str) -> None:
    """Another session holds the slot: 503 after the database's own time, and the old logo stays."""
    url = fresh.settings["DATABASE_URL"]
    with fresh.client() as client:
        put_logo(client, OLD)
        server.tell(f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting} = 200")
        server.end_sessions(url)
        with psycopg.connect(url) as other:
            other.execute("SELECT 1 FROM slots FOR UPDATE")
            refused(put_logo(client, NEW), 503, "database_unavailable")
        assert logo(client) == OLD
        assert put_logo(client, NEW).status_code == 200
    assert fresh.settled() == whole(1)


def test_f09_transactions_that_cannot_be_put_in_a_row(fresh: Place, server: Server) -> None:
    """A database that is set to `serializable` refuses some of two at once: 503, never 500."""
    url = fresh.settings["DATABASE_URL"]
    with fresh.client() as client:
        put_logo(client, OLD)
        server.tell(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_isolation = serializable")
        server.end_sessions(url)
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(put_logo(client, png(n)).status_code)) for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert fresh.settled() == whole(1)


@pytest.mark.parametrize("deaf", [False, True], ids=["it did not arrive", "its answer did not"])
@pytest.mark.parametrize("order", ORDERS)
def test_f10_the_connection_is_lost_at_the_commit(
    place: Place, proxy_of_database: Proxy, order: str, *, deaf: bool
) -> None:
    """What is true is told: 2xx and the asset, or 503 and nothing; bytes are not deleted on a guess."""
    word, send = ORDERS[order]
    with place.client() as client:
        after_the_put(client, lambda: setattr(proxy_of_database, "trouble", Trouble(at=word, deaf=deaf, then=HEALTHY)))
        answer = send(client)
        listed = client.get("/v1/assets").json()["items"]

    assert proxy_of_database.cuts == 1
    if deaf:
        assert answer.status_code == 201
        assert [asset["id"] for asset in listed] == [answer.json()["id"]]
    else:
        refused(answer, 503, "database_unavailable")
        assert listed == []
    assert place.settled() == whole(int(deaf))


@pytest.mark.parametrize("order", ORDERS)
def test_f10_the_commit_was_done_and_the_database_restarts(place: Place, proxy_of_database: Proxy, order: str) -> None:
    """It is away for a second more, as Postgres is: nobody is told 503 of what was stored all the same."""
    word, send = ORDERS[order]
    with place.client() as client:
        away = Trouble(refuse=True)
        after_the_put(client, lambda: setattr(proxy_of_database, "trouble", Trouble(at=word, deaf=True, then=away)))
        back = threading.Timer(1.0, proxy_of_database.heal)
        back.start()
        answer = send(client)
        back.join()
        listed = client.get("/v1/assets").json()["items"]

    told = [answer.json()["id"]] if answer.status_code in {200, 201} else []
    assert (answer.status_code, [asset["id"] for asset in listed]) == (answer.status_code, told)
    assert place.settled() == whole(len(told))


def test_f10_a_retry_after_a_lost_commit_gives_the_first_answer(place: Place, proxy_of_database: Proxy) -> None:
    """Whatever the first one was told, the same key stores once."""
    with place.client() as client:
        away = Trouble(refuse=True)
        after_the_put(client, lambda: setattr(proxy_of_database, "trouble", Trouble(at=COMMIT, deaf=True, then=away)))
        back = threading.Timer(0.5, proxy_of_database.heal)
        back.start()
        upload(client, NEW, key="k")
        back.join()
        answer = upload(client, NEW, key="k")

        assert answer.status_code == 201
        assert len(client.get("/v1/assets").json()["items"]) == 1
    assert place.settled() == whole(1)

"""F7, F8: the store throttles, fails, hangs up, is silent, or does what it is asked and nobody hears that it did."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.storage import s3_pool
from tests.api.refusals import refused
from tests.faults.place import Place, logo, png, put_logo, upload, whole
from tests.standins import s3_faults as s3
from tests.standins.cloudinary import faults as cld
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import Answer, Faults

TRIES = 4
OLD, NEW = png(1), png(2)
S3_FAULTS: dict[str, tuple[Answer, int, str, int]] = {  # what it does, what we say, how often it is asked
    "SlowDown": (s3.SLOW_DOWN, 503, "storage_unavailable", TRIES),
    "500": (s3.INTERNAL_ERROR, 503, "storage_unavailable", TRIES),
    "a proxy's 502": (s3.BAD_GATEWAY, 503, "storage_unavailable", TRIES),
    "429": (s3.refused(429, "TooManyRequests"), 503, "storage_unavailable", TRIES),
    "hung up": (s3.dropped, 503, "storage_unavailable", TRIES),
    "reset": (s3.reset, 503, "storage_unavailable", TRIES),
    "full": (s3.DISK_FULL, 507, "no_room", 1),
    "denied": (s3.ACCESS_DENIED, 502, "storage_refused", 1),
    "no bucket": (s3.NO_BUCKET, 502, "storage_refused", 1),
}
CLOUDINARY_FAULTS: dict[str, tuple[cld.Fault, int, str, int]] = {
    "420": (cld.refuse(420, "Rate Limit Exceeded"), 503, "storage_unavailable", TRIES),
    "429": (cld.refuse(429), 503, "storage_unavailable", TRIES),
    "500": (cld.refuse(500), 503, "storage_unavailable", TRIES),
    "503": (cld.refuse(503), 503, "storage_unavailable", TRIES),
    "a proxy's 502": (cld.page(), 503, "storage_unavailable", TRIES),
    "reset": (cld.reset(), 503, "storage_unavailable", TRIES),
    "reset early": (cld.reset(early=True), 503, "storage_unavailable", TRIES),
    "denied": (cld.refuse(401, "Invalid Signature"), 502, "storage_refused", 1),
}


def requests(faults: Faults, method: str) -> int:
    """How often the server was asked."""
    return sum(seen.method == method for seen in faults.requests)


def told_and_healed(client: TestClient, heal: Callable[[], object], status: int, code: str) -> None:
    """The refusal; the old logo stays, and when it is over the next one is stored, and nothing is left of the try."""
    answer = put_logo(client, NEW)
    refused(answer, status, code)
    assert status == 502 or int(answer.headers["retry-after"]) >= 1
    heal()
    assert logo(client) == OLD
    assert put_logo(client, NEW).status_code == 200
    assert logo(client) == NEW


@pytest.mark.parametrize("fault", S3_FAULTS)
def test_f07_s3_fails(on_s3: Place, faults: Faults, fault: str) -> None:
    """A few tries, then the right refusal."""
    act, status, code, tries = S3_FAULTS[fault]
    with on_s3.client() as client:
        put_logo(client, OLD)
        before = requests(faults, "PUT")
        faults.script("PUT", "", itertools.repeat(act))
        told_and_healed(client, faults.heal, status, code)
        assert requests(faults, "PUT") - before == tries + 1
    assert on_s3.settled() == whole(1)


@pytest.mark.parametrize("fault", CLOUDINARY_FAULTS)
def test_f07_cloudinary_fails(on_cloudinary: Place, cloud: Cloud, fault: str) -> None:
    """A few tries, then the right refusal."""
    act, status, code, tries = CLOUDINARY_FAULTS[fault]
    with on_cloudinary.client() as client:
        put_logo(client, OLD)
        before = len(cloud.named("upload"))
        cloud.faults.always("upload", act)
        told_and_healed(client, cloud.faults.clear, status, code)
        assert len(cloud.named("upload")) - before == tries + 1
    assert on_cloudinary.settled() == whole(1)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute for an answer."""
    monkeypatch.setattr(s3_pool, "READ_SECONDS", 0.3)


def test_f07_a_store_that_says_nothing(on_s3: Place, faults: Faults, impatient: None) -> None:
    """504 after all tries; what it does too late is swept."""
    late = threading.Semaphore(0)

    def too_late(server: Faults, exchange: Exchange) -> None:
        try:
            s3.late(0.5)(server, exchange)
        finally:
            late.release()

    with on_s3.client() as client:
        put_logo(client, OLD)
        faults.script("PUT", "", [too_late] * TRIES)
        told_and_healed(client, faults.heal, 504, "storage_timeout")
    for _ in range(TRIES):
        late.acquire(timeout=10)
    assert on_s3.settled() == whole(1)


@pytest.mark.parametrize(
    ("endpoint", "what"), [("http://no-such-host.invalid", "DNS"), ("http://127.0.0.1:9", "closed"), ("https", "TLS")]
)
def test_f07_the_store_cannot_be_reached(on_s3: Place, swift: Any, endpoint: str, what: str) -> None:
    """No such name, nobody there, a certificate that nobody has signed: 503, and no address in the answer."""
    on_s3.settings["S3_ENDPOINT_URL"] = swift.url if endpoint == "https" else endpoint
    with on_s3.client() as client:
        answer = refused(upload(client, NEW), 503, "storage_unavailable")
        ready = client.get("/readyz")

        assert ready.status_code == 503
        assert ready.json()["checks"]["storage"]["reason"]
        assert not any(word in str(answer) + ready.text for word in ("127.0.0.1", "invalid", "no-such-host"))
        assert client.get("/v1/assets").json()["items"] == []
    assert on_s3.states() == ["pending"]


@pytest.mark.parametrize("failures", [1, TRIES - 1])
def test_f07_what_passes_is_not_noticed(on_s3: Place, faults: Faults, failures: int) -> None:
    """201 after a few tries that failed, one object."""
    with on_s3.client() as client:
        faults.script("PUT", "", [s3.SLOW_DOWN] * failures)

        assert upload(client, NEW).status_code == 201
    assert requests(faults, "PUT") == failures + 1
    assert on_s3.settled() == whole(1)


def test_f07_a_third_of_all_calls_fails(on_s3: Place, faults: Faults) -> None:
    """Of 100 uploads each is stored or a 503, never both, and nothing is left over."""
    numbers = itertools.count()
    bad = [s3.SLOW_DOWN, s3.dropped, s3.lost, s3.INTERNAL_ERROR, s3.reset]
    shaky = (bad[n // 3 % 5] if n * 7919 % 10 < 3 else s3.as_usual for n in numbers)
    with on_s3.client() as client, ThreadPoolExecutor(4) as clients:
        faults.script("PUT", "", shaky)
        answers = list(clients.map(lambda number: upload(client, png(number)), range(100)))
    good = [answer for answer in answers if answer.status_code == 201]

    assert {answer.status_code for answer in answers} <= {201, 503}
    assert len(good) > 85
    assert on_s3.settled() == whole(len(good))


def test_f08_the_stores_answer_is_lost(on_s3: Place, faults: Faults) -> None:
    """It has the object; the next try puts the same one to the same place."""
    with on_s3.client() as client:
        faults.script("PUT", "", [s3.lost])

        assert upload(client, NEW).status_code == 201
    assert requests(faults, "PUT") == 2
    assert on_s3.settled() == whole(1)


def test_f08_cloudinarys_answer_is_lost(on_cloudinary: Place, cloud: Cloud) -> None:
    """It has the object; the next try puts the same one to the same place."""
    with on_cloudinary.client() as client:
        cloud.faults.next("upload", cld.reset(done=True))

        assert upload(client, NEW).status_code == 201
    assert len(cloud.named("upload")) == 2
    assert on_cloudinary.settled() == whole(1)


@pytest.mark.parametrize("done", [False, True])
def test_f08_every_answer_is_lost(on_s3: Place, faults: Faults, *, done: bool) -> None:
    """503, nothing appears later, and the sweep takes what the store has."""
    with on_s3.client() as client:
        faults.script("PUT", "", itertools.repeat(s3.lost if done else s3.dropped))
        refused(upload(client, NEW), 503, "storage_unavailable")
        faults.heal()
        assert len(faults.memory.objects) == int(done)
        assert client.get("/v1/assets").json()["items"] == []
    assert on_s3.settled() == whole(0)

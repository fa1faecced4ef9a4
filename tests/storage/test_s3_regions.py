"""A bucket in another region than S3_REGION says: Amazon tells which, and the store goes on there."""

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from app import telemetry
from app.errors import StorageRefused
from app.storage import s3_place
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.standins import s3_faults
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import Answer, Faults, moved, said
from tests.standins.s3_words import Reply, xml
from tests.storage.backends import keys, put, read
from tests.storage.faulty import s3_on, s3_settings

SET, TRUE = "eu-west-1", "ap-southeast-2"
DATA = bytes(range(256)) * 1000
MALFORMED = xml("Error", f"<Code>AuthorizationHeaderMalformed</Code><Region>{TRUE}</Region>").body

# how Amazon says where the bucket is
WAYS: dict[str, Answer] = {
    "a header with 301": moved(TRUE),
    "a header with 307": said(Reply(307, b"", {"x-amz-bucket-region": TRUE})),
    "a header with 400": said(Reply(400, b"", {"x-amz-bucket-region": TRUE})),
    "an element": said(Reply(400, MALFORMED, {"Content-Type": "application/xml"})),
    "before the body": said(Reply(301, b"", {"x-amz-bucket-region": TRUE}), early=True),
}


@pytest.fixture
def faults(proxied: Faults, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """The server, healthy and empty: the proxy on the way to Amazon, whose hosts are asked without TLS here."""
    monkeypatch.setattr(s3_place, "AMAZON", s3_place.AMAZON.replace("https", "http"))
    return proxied


def amazon(faults: Faults, **more: str) -> S3Backend:
    """The store at Amazon, with a wrong region."""
    chosen = {"endpoint": None, "region": SET, "addressing": "path", **more}
    return s3_on(faults, client=S3Client(s3_settings(**chosen)))


def strict(faults: Faults, way: Answer) -> None:
    """Whoever signs for the wrong region is told the right one."""

    def answer(server: Faults, exchange: Exchange) -> None:
        right = f"/{TRUE}/s3/" in exchange.seen.headers["authorization"]
        (s3_faults.as_usual if right else way)(server, exchange)

    for method in ("PUT", "GET", "HEAD", "DELETE", "POST"):
        faults.script(method, "", iter(lambda: answer, None))


def hosts(faults: Faults) -> list[str]:
    """Who was asked, in turn."""
    return [seen.headers["host"] for seen in faults.requests]


@pytest.mark.parametrize(
    ("way", "first"),
    [(way, first) for way in WAYS for first in ("ping", "put", "list") if (way, first) != ("an element", "ping")],
)
def test_trap_a_wrong_region_at_amazon(faults: Faults, way: str, first: str) -> None:
    """Whatever is asked first is done there, with the whole body, and nothing is asked at the old place again."""
    strict(faults, WAYS[way])
    s3 = amazon(faults)
    {"ping": s3.ping, "put": lambda: put(s3, "a/b", DATA), "list": lambda: keys(s3)}[first]()
    put(s3, "a/b", DATA)

    assert read(s3, "a/b") == DATA
    assert hosts(faults)[0] == f"s3.{SET}.amazonaws.com"
    assert set(hosts(faults)[1:]) == {f"s3.{TRUE}.amazonaws.com"}


def test_links_are_signed_for_the_region_that_was_learned(faults: Faults) -> None:
    """Without asking anybody."""
    strict(faults, moved(TRUE))
    s3 = amazon(faults)
    s3.ping()
    link = urlsplit(s3.url("a/b", expires_in=60) or "")

    assert link.netloc == f"s3.{TRUE}.amazonaws.com"
    assert f"%2F{TRUE}%2Fs3%2F" in link.query


def test_many_threads_learn_once(faults: Faults) -> None:
    """One line says what to set, however many were on their way."""
    together, written = threading.Barrier(6), io.StringIO()

    def awaited(server: Faults, exchange: Exchange) -> None:
        together.wait(20)
        moved(TRUE)(server, exchange)

    strict(faults, awaited)
    s3 = amazon(faults)
    with contextlib.redirect_stdout(written):
        telemetry.configure(level="info", style="json")
        with ThreadPoolExecutor(6) as threads:
            list(threads.map(lambda number: put(s3, f"a/{number}", DATA), range(6)))

    assert len(keys(s3)) == 6
    assert written.getvalue().count("store.region_learned") == 1
    assert TRUE in written.getvalue()


@pytest.mark.parametrize("told", ["", SET, "evil.example/", "EU", "-"], ids=lambda told: told or "nothing")
def test_trap_a_redirect_that_leads_nowhere(faults: Faults, told: str) -> None:
    """No region, the same one or none that there could be: the sentence says what to set, and nobody else is asked."""
    faults.script("HEAD", "", iter(lambda: said(Reply(301, b"", {"x-amz-bucket-region": told})), None))
    with pytest.raises(StorageRefused, match="S3_REGION"):
        amazon(faults).stat("a/b")

    assert hosts(faults) == [f"s3.{SET}.amazonaws.com"]


def test_trap_regions_that_send_each_other_the_request(faults: Faults) -> None:
    """It goes on once; then the sentence, for each request that follows."""
    answers = [moved(TRUE), moved("us-west-2"), moved("us-east-2")]
    faults.script("HEAD", "", answers)
    s3 = amazon(faults)
    for _ in range(2):
        with pytest.raises(StorageRefused, match="S3_REGION"):
            s3.stat("a/b")

    assert hosts(faults) == [f"s3.{SET}.amazonaws.com"] + [f"s3.{TRUE}.amazonaws.com"] * 2


def test_trap_a_store_that_is_not_amazon_leads_to_amazon(faults: Faults) -> None:
    """With S3_ENDPOINT_URL the store is there and nowhere else."""
    faults.script("HEAD", "", [moved(TRUE)])
    with pytest.raises(StorageRefused, match="S3_REGION"):
        amazon(faults, endpoint="http://storage.invalid").stat("a/b")

    assert hosts(faults) == ["storage.invalid"]

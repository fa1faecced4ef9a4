"""Reading from S3: ranges, downloads that break off, listings that end, and those that don't."""

import io
import itertools
import random

import pytest

from app.errors import ObjectMissing, StorageError, StorageUnavailable
from app.storage.download import RESUMPTIONS
from app.storage.s3 import S3Backend
from tests.standins import s3_faults, s3_memory
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import SLOW_DOWN, Answer, Faults, cut
from tests.standins.s3_words import Reply, xml
from tests.storage.backends import keys, put, read
from tests.storage.faulty import PAGE, TRIES, answering, fresh, s3_on, sent

DATA = random.Random(3).randbytes(200_000)


@pytest.fixture
def faults(running: Faults) -> Faults:
    """The server, healthy, with one object."""
    faults = fresh(running)
    put(s3_on(faults), "a/b", DATA)
    faults.requests.clear()
    return faults


def ranges(faults: Faults) -> list[str | None]:
    """What each GET asked for."""
    return [seen.headers.get("range") for seen in sent(faults, "GET")]


def whole(faults: Faults, exchange: Exchange) -> None:
    """Everything, whatever the range: 200 instead of 206."""
    stored = faults.memory.objects["a/b"]
    exchange.reply(Reply(200, stored.body, {"ETag": stored.etag, "Last-Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}))


@pytest.mark.parametrize("after", [0, 1, 99_999, 199_999])
def test_trap_an_answer_that_breaks_off_is_short(faults: Faults, s3: S3Backend, after: int) -> None:
    """The rest is asked for from where it broke, and only the rest."""
    faults.script("GET", "/a/b", [cut(after)])

    assert read(s3, "a/b") == DATA
    assert ranges(faults) == [None, f"bytes={after}-" if after else None]


def test_a_range_that_breaks_off_ends_where_it_should(faults: Faults, s3: S3Backend) -> None:
    """Its own beginning and end are kept in mind."""
    faults.script("GET", "/a/b", [cut(500), cut(400)])

    assert read(s3, "a/b", start=1000, end=3000) == DATA[1000:3000]
    assert ranges(faults) == ["bytes=1000-2999", "bytes=1500-2999", "bytes=1900-2999"]


def test_trap_a_download_that_never_ends_well_looks_whole(faults: Faults, s3: S3Backend) -> None:
    """After so many times it is an error, never a short file."""
    faults.script("GET", "/a/b", itertools.repeat(cut(10)))
    with pytest.raises(StorageUnavailable), s3.open("a/b") as stream:
        stream.read()

    assert len(sent(faults, "GET")) == RESUMPTIONS + 1


def test_a_resumption_is_patient_too(faults: Faults, s3: S3Backend) -> None:
    """The store may be away for a moment in the middle of a download."""
    faults.script("GET", "/a/b", [cut(1000), SLOW_DOWN, SLOW_DOWN])

    assert read(s3, "a/b") == DATA


@pytest.mark.parametrize("start", [0, 1000])
def test_trap_a_store_that_ignores_ranges(faults: Faults, s3: S3Backend, start: int) -> None:
    """Everything instead of the rest is either cut to the range or refused: other bytes are never given."""
    faults.script("GET", "/a/b", [cut(500)] if start == 0 else [])
    faults.script("GET", "/a/b", itertools.repeat(whole))
    try:
        found = read(s3, "a/b", start=start)
    except StorageError:
        return

    assert found == DATA[start:]


def test_an_answer_without_a_length_is_read_to_its_end(faults: Faults, s3: S3Backend) -> None:
    """A server that sends chunks says only at the end that it was all."""

    def chunked(server: Faults, exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("ETag", '"x"')
        exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        for at in range(0, len(DATA), 50_000):
            exchange.wfile.write(b"%x\r\n%b\r\n" % (50_000, DATA[at : at + 50_000]))
        exchange.wfile.write(b"0\r\n\r\n")

    faults.script("GET", "/a/b", itertools.repeat(chunked))

    assert read(s3, "a/b") == DATA


def test_an_object_that_goes_away_meanwhile_is_missing(faults: Faults, s3: S3Backend) -> None:
    """The reader hears of it."""
    faults.script("GET", "/a/b", [cut(1000), s3_faults.NO_KEY])
    with pytest.raises(ObjectMissing), s3.open("a/b") as stream:
        stream.read()


@pytest.mark.parametrize("page", [PAGE, b"{}", b""], ids=["page", "json", "nothing"])
def test_trap_the_page_of_a_proxy_is_a_file(faults: Faults, s3: S3Backend, page: bytes) -> None:
    """A 200 that isn't S3's is not given as the object."""
    faults.script("GET", "/a/b", itertools.repeat(answering(page)))
    with pytest.raises(StorageUnavailable):
        s3.open("a/b")


def test_an_empty_range_asks_for_nothing_but_whether_it_is_there(faults: Faults, s3: S3Backend) -> None:
    """A HEAD."""
    assert read(s3, "a/b", start=5, end=5) == b""
    assert [seen.method for seen in faults.requests] == ["HEAD"]
    with pytest.raises(ObjectMissing):
        s3.open("a/c", start=5, end=5)


def test_what_was_not_read_is_not_downloaded(faults: Faults, s3: S3Backend) -> None:
    """A stream that is closed early takes its connection along; the next one is as good as new."""
    for _ in range(3):
        with s3.open("a/b") as stream:
            stream.read(10)

    assert read(s3, "a/b") == DATA


@pytest.fixture
def expected(faults: Faults, s3: S3Backend, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of thirteen objects, on pages of five."""
    monkeypatch.setattr(s3_memory, "PAGE", 5)
    for number in range(12):
        put(s3, f"many/{number}", b"x")
    faults.requests.clear()
    return sorted(faults.memory.objects)


def test_a_listing_asks_for_page_after_page(faults: Faults, s3: S3Backend, expected: list[str]) -> None:
    """Three pages, none before it is needed."""
    listing = s3.list()
    next(listing)

    assert len(faults.requests) == 1
    assert keys(s3) == expected
    assert len(faults.requests) == 1 + 3


@pytest.mark.parametrize("fault", [SLOW_DOWN, answering(PAGE), s3_faults.ACCESS_DENIED], ids=["503", "page", "403"])
def test_trap_a_listing_that_fails_in_the_middle_looks_complete(
    faults: Faults, s3: S3Backend, expected: list[str], fault: Answer
) -> None:
    """What was listed was listed; then it raises."""
    faults.script("GET", "continuation-token", itertools.repeat(fault))
    seen = []
    with pytest.raises(StorageError):
        seen += [info.key for info in s3.list()]

    assert len(faults.requests) in {1 + 1, 1 + TRIES}


def test_a_page_that_fails_once_is_asked_for_again(faults: Faults, s3: S3Backend, expected: list[str]) -> None:
    """And the listing is complete."""
    faults.script("GET", "continuation-token", [answering(PAGE), answering(xml("ListBucketResult", "").body)])

    assert keys(s3) == expected


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"",
        b"not xml at all",
        b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a/b',
        b'<?xml version="1.0"?><ListBucketResult></ListBucketResult>',
        xml("ListBucketResult", "<IsTruncated>true</IsTruncated>").body,
        xml("ListBucketResult", "<IsTruncated>false</IsTruncated><Contents><Key>a/b</Key></Contents>").body,
        xml("Error", "<Code>InternalError</Code>").body,
        xml("ListAllMyBucketsResult", "<IsTruncated>false</IsTruncated>").body,
    ],
    ids=["html", "empty", "text", "cut", "no facts", "no token", "no size", "error", "buckets"],
)
def test_trap_a_listing_that_is_none_is_empty(faults: Faults, s3: S3Backend, body: bytes) -> None:
    """An answer that isn't a whole page of S3 is an error: "nothing there" would delete rows or hide orphans."""
    faults.script("GET", "list-type", [answering(body, kind="application/xml")] * 50)
    with pytest.raises(StorageError):
        list(s3.list())

    assert len(faults.requests) <= TRIES


def test_trap_a_listing_that_turns_in_a_circle(faults: Faults, s3: S3Backend) -> None:
    """The same token again and again is an error, and soon."""
    page = xml("ListBucketResult", "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>")
    faults.script("GET", "list-type", [answering(page.body, kind="application/xml")] * 50)
    with pytest.raises(StorageError):
        list(s3.list())

    assert len(faults.requests) <= TRIES + 1


def test_trap_a_key_of_somebody_else_that_xml_cannot_hold(faults: Faults, s3: S3Backend) -> None:
    """It is asked for in a form that can, and told as it is."""
    odd = "theirs/é a+b%20\x01&.png"
    faults.memory.objects[odd] = faults.memory.objects["a/b"]

    assert keys(s3) == ["a/b", odd]


@pytest.mark.parametrize("prefix", ["a/\ud800", "é", "\0", "a\nb"])
def test_a_prefix_that_no_key_has_is_not_asked_for(faults: Faults, s3: S3Backend, prefix: str) -> None:
    """Nothing begins with it."""
    assert (keys(s3, prefix), faults.requests) == ([], [])


def test_a_body_through_a_buffer_is_the_object(s3: S3Backend) -> None:
    """The stream is a file like others."""
    with io.BufferedReader(s3.open("a/b")) as stream:  # type: ignore[arg-type]
        assert stream.read() == DATA

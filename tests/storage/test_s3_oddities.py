"""Answers that no S3 server should give, and that some proxy in between does: an error of the store's, nothing else."""

import datetime as dt
import itertools

import pytest

from app.errors import StorageError, StorageUnavailable
from app.storage import s3 as store
from app.storage import s3_client
from app.storage.s3 import S3Backend
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import Answer, Faults, refused
from tests.standins.s3_words import Reply
from tests.storage.backends import put, read
from tests.storage.faulty import TRIES, answering, s3_on

DATA = bytes(range(251)) * 10
XML = "application/xml"
FOUND = {"ETag": '"x"', "Last_Modified": "Sat, 21 Nov 2026 12:00:00 GMT"}
SIZES = ["9" * 5000, "-1", "1e3", "²", ""]
MOMENTS = ["Sat, 21 Nov 99999999999 12:00:00 GMT", "9" * 5000, "2026-13-41", "now", ""]
ENCODINGS = ["klingon", "utf-32", "shift_jis"]


@pytest.fixture
def s3(faults: Faults) -> S3Backend:
    """The store, with one object in it."""
    s3 = s3_on(faults)
    put(s3, "a/b", DATA)
    return s3


def always(faults: Faults, method: str, answer: Answer) -> None:
    """Every request of the method is answered so."""
    faults.script(method, "", itertools.repeat(answer))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("status", [200, 403, 503])
def test_trap_xml_in_letters_that_nobody_can_read(faults: Faults, s3: S3Backend, encoding: str, status: int) -> None:
    """Parsers raise other errors for those than for what is no XML."""
    body = f'<?xml version="1.0" encoding="{encoding}"?><Error><Code>NoSuchKey</Code></Error>'.encode()
    always(faults, "GET", answering(body, status=status, kind=XML))
    for call in (lambda: list(s3.list()), lambda: s3.open("a/b")):
        with pytest.raises(Exception, match="store") as caught:
            call()
        assert caught.type.__name__.startswith("Storage")


@pytest.mark.parametrize("told", MOMENTS, ids=lambda told: told[:12])
def test_trap_a_date_that_is_none(faults: Faults, s3: S3Backend, told: str) -> None:
    """Not even far in the future."""
    always(faults, "HEAD", answering(b"", **{**FOUND, "Last_Modified": told}))
    with pytest.raises(StorageUnavailable):
        s3.stat("a/b")


@pytest.mark.parametrize("told", SIZES, ids=lambda told: told[:12])
def test_trap_a_size_that_is_none(faults: Faults, s3: S3Backend, told: str) -> None:
    """Digits alone, and not thousands of them."""
    listed = f"<Key>a/b</Key><Size>{told}</Size><ETag>x</ETag><LastModified>2026-11-21T12:00:00Z</LastModified>"
    page = f"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>{listed}</Contents></ListBucketResult>"
    always(faults, "GET", answering(page.encode(), kind=XML))
    with pytest.raises(StorageUnavailable):
        list(s3.list())


@pytest.mark.parametrize("status", [200, 503])
def test_trap_an_answer_that_never_ends(
    faults: Faults, s3: S3Backend, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not kept in memory beyond what a page of a listing may be; the next answer is a new one."""
    monkeypatch.setattr(s3_client, "LARGEST", 10_000)
    for body, error in ((bytes(10_001), StorageUnavailable), (bytes(10_000), StorageError)):
        faults.script("GET", "list-type", [answering(body, status=status)] * TRIES)
        with pytest.raises(error, match="no sense" if len(body) > 10_000 or status == 200 else str(status)):
            list(s3.list())

    assert [info.key for info in s3.list()] == ["a/b"]


def ranged(status: int, start: int, end: int, told: tuple[int, int]) -> Answer:
    """Bytes of the object, and which ones they are said to be."""
    named = f"bytes {told[0]}-{told[1] - 1}/{len(DATA)}"
    return answering(DATA[start:end], status=status, ETag='"x"', Content_Range=named)


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize(
    ("start", "end", "told"),
    [(0, 100, (0, 100)), (100, 300, (100, 300)), (0, len(DATA), (0, len(DATA))), (10, 20, (10, 20))],
)
def test_trap_another_range_than_the_one_that_was_asked_for(
    faults: Faults, s3: S3Backend, status: int, start: int, end: int, told: tuple[int, int]
) -> None:
    """Bytes from elsewhere in the object, or more of them, are not what was asked for."""
    always(faults, "GET", ranged(status, start, end, told))
    with pytest.raises(StorageUnavailable):
        read(s3, "a/b", start=100, end=200)


def test_a_range_that_comes_with_200_is_one_if_it_says_so(faults: Faults, s3: S3Backend) -> None:
    """As rclone's server does it."""
    always(faults, "GET", ranged(200, 100, 200, (100, 200)))

    assert read(s3, "a/b", start=100, end=200) == DATA[100:200]


def test_an_upload_that_begins_in_the_words_of_rclone(
    faults: Faults, s3: S3Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its document has another name; what stands in it is the same."""
    monkeypatch.setattr(store, "SINGLE", 1000)
    monkeypatch.setattr(store, "PART", 1000)

    def renamed(server: Faults, exchange: Exchange) -> None:
        usual = server.memory.answer(exchange.asked())
        short = usual.body.replace(b"InitiateMultipartUploadResult", b"InitiateMultipartUpload")
        exchange.reply(Reply(200, short, usual.headers))

    faults.script("POST", "uploads", [renamed])
    put(s3, "a/c", DATA)

    assert read(s3, "a/c") == DATA


def test_trap_a_listing_that_does_not_say_whether_it_is_all(faults: Faults, s3: S3Backend) -> None:
    """Of objects none may be left out: it is an error."""
    always(faults, "GET", answering(b"<ListBucketResult/>", kind=XML))
    with pytest.raises(StorageUnavailable):
        list(s3.list())


@pytest.mark.parametrize(("hours", "word"), [(-2, "clock"), (0, "access key"), (2, "clock"), (None, "access key")])
def test_trap_a_wrong_clock_that_looks_like_a_wrong_key(
    faults: Faults, s3: S3Backend, monkeypatch: pytest.MonkeyPatch, hours: int | None, word: str
) -> None:
    """A HEAD that is forbidden can't say why; the store's clock can."""
    there = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours or 0)
    text = "no date" if hours is None else f"{there:%a, %d %b %Y %H:%M:%S} GMT"
    monkeypatch.setattr(Exchange, "date_time_string", lambda *_: text)
    faults.script("HEAD", "", itertools.repeat(refused(403, "NobodySeesThis")))
    with pytest.raises(StorageUnavailable, match=word):
        s3.ping()

"""What dead processes left in the bucket: parts of uploads that nobody finished, aborted when they are old and ours."""

import dataclasses
import datetime as dt
import itertools

import pytest

from app.errors import ObjectMissing, StorageError
from app.storage import s3 as store
from app.storage import s3_parts
from app.storage.retrying import Patience
from app.storage.s3 import S3Backend
from tests.standins.s3 import S3Server
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import SLOW_DOWN, Answer, Faults, refused
from tests.standins.s3_words import xml
from tests.storage.backends import read
from tests.storage.backends import s3_on as real_store
from tests.storage.faulty import PAGE, answering, put_file, s3_on


@pytest.fixture
def s3(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> S3Backend:
    """The store."""
    monkeypatch.setattr(s3_parts, "ABORTS", Patience(seconds=10, tries=2, pause=0.01))
    return s3_on(faults)


@pytest.fixture
def begun(faults: Faults, s3: S3Backend) -> Faults:
    """Three uploads that nobody finished: begun ten minutes, two hours and three hours ago."""
    for key, minutes in (("logo/new", 10), ("logo/old", 120), ("theirs/old", 180)):
        name = s3_parts._begin(s3._client, key, {})
        moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
        faults.memory.uploads[name] = dataclasses.replace(faults.memory.uploads[name], begun=moment)
    return faults


def left(faults: Faults) -> list[str]:
    """Keys of uploads that are still there."""
    return sorted(upload.key for upload in faults.memory.uploads.values())


def test_trap_parts_of_dead_processes_are_kept_for_ever(begun: Faults, s3: S3Backend) -> None:
    """`tidy` aborts what is old and ours: neither what is young nor what somebody else keeps in the bucket."""
    assert s3.tidy(older_than=3600, ours=lambda key: key.startswith("logo/")) == 1
    assert left(begun) == ["logo/new", "theirs/old"]
    assert s3.tidy(older_than=3600, ours=lambda key: key.startswith("logo/")) == 0


@pytest.mark.parametrize(("ahead", "expected"), [(-5, ["logo/new", "logo/old"]), (+5, [])], ids=["behind", "ahead"])
def test_trap_a_clock_that_differs_from_the_stores(
    begun: Faults, s3: S3Backend, monkeypatch: pytest.MonkeyPatch, ahead: int, expected: list[str]
) -> None:
    """How old an upload is, the store's own clock says: ours may be hours away from it."""
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(hours=ahead)
    text = f"{moment:%a, %d %b %Y %H:%M:%S} GMT"
    monkeypatch.setattr(Exchange, "date_time_string", lambda *_: text)
    s3.tidy(older_than=3600, ours=lambda key: key.startswith("logo/"))

    assert left(begun) == [*expected, "theirs/old"]


def test_an_upload_with_an_odd_name_is_aborted_too(faults: Faults, s3: S3Backend) -> None:
    """Its key is written as addresses are: what is ours may once have been named otherwise."""
    s3_parts._begin(s3._client, "a/é b?c#d%20", {})

    assert left(faults) == ["a/é b?c#d%20"]
    assert s3.tidy(older_than=-60, ours=lambda _: True) == 1
    assert left(faults) == []


def test_what_could_not_be_aborted_is_not_counted(begun: Faults, s3: S3Backend) -> None:
    """And the others are aborted all the same."""
    begun.script("DELETE", "/logo/old", itertools.repeat(SLOW_DOWN))

    assert s3.tidy(older_than=3600, ours=lambda _: True) == 1
    assert left(begun) == ["logo/new", "logo/old"]


@pytest.mark.parametrize("answer", [answering(PAGE), answering(b""), SLOW_DOWN], ids=["page", "empty", "503"])
def test_trap_a_list_of_uploads_that_is_none(begun: Faults, s3: S3Backend, answer: Answer) -> None:
    """It is an error, not an empty list."""
    begun.script("GET", "uploads", itertools.repeat(answer))
    with pytest.raises(StorageError):
        s3.tidy(older_than=3600, ours=lambda _: True)


def test_uploads_past_the_first_page_are_found(faults: Faults, s3: S3Backend) -> None:
    """The list goes on where the page before said."""
    for number in range(3):
        s3_parts._begin(s3._client, f"a/{number}", {})
    names = {upload.key: name for name, upload in faults.memory.uploads.items()}
    asked = []

    def paged(server: Faults, exchange: Exchange) -> None:
        asked.append((exchange.seen.query.get("key-marker"), exchange.seen.query.get("upload-id-marker")))
        number = len(asked) - 1
        key = f"a/{number}"
        more = f"<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{names[key]}</NextUploadIdMarker>"
        entry = f"<Upload><Key>{key}</Key><UploadId>{names[key]}</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated>"
        page = f"<IsTruncated>{str(number < 2).lower()}</IsTruncated>{more if number < 2 else ''}{entry}</Upload>"
        exchange.reply(xml("ListMultipartUploadsResult", page))

    faults.script("GET", "uploads", itertools.repeat(paged))

    assert s3.tidy(older_than=3600, ours=lambda _: True) == 3
    assert asked == [(None, None), ("a/0", names["a/0"]), ("a/1", names["a/1"])]
    assert faults.memory.uploads == {}


def test_no_uploads_in_the_words_of_rclone(faults: Faults, s3: S3Backend) -> None:
    """It says that there is no such upload; and where there are some it doesn't say that they are all."""
    faults.script("GET", "uploads", [refused(404, "NoSuchUpload"), answering(b"<ListMultipartUploadsResult/>")])

    assert [s3.tidy(older_than=0, ours=lambda _: True) for _ in range(2)] == [0, 0]


def test_a_real_server_takes_parts_and_keeps_no_leftovers(request: pytest.FixtureRequest, swift: S3Server) -> None:
    """On Swift: parts of five million bytes and a small one; an upload that nobody finished is found and aborted."""
    request.getfixturevalue("monkeypatch").setattr(store, "PART", 5 * 1024 * 1024)
    backend, data = real_store(request, swift), bytes(11 * 1024 * 1024)
    assert isinstance(backend, S3Backend)
    put_file(backend, "a/large", data)
    name = s3_parts._begin(backend._client, "a/left", {})

    assert read(backend, "a/large") == data
    assert backend.tidy(older_than=3600, ours=lambda _: True) == 0
    assert backend.tidy(older_than=-60, ours=lambda key: key == "a/left") == 1
    with pytest.raises(ObjectMissing):
        backend._client.call("GET", "a/left", query={"uploadId": name})

"""Large objects in parts: all or nothing, whatever the S3 server answers or doesn't."""

import io
import itertools
import logging

import pytest

from app.errors import StorageError, StorageUnavailable
from app.storage import s3 as store
from app.storage import s3_parts
from app.storage.retrying import Patience
from app.storage.s3 import S3Backend
from tests.standins import s3_faults
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import (
    ERROR_IN_200,
    INTERNAL_ERROR,
    NO_KEY,
    SLOW_DOWN,
    Answer,
    Faults,
    dropped,
    lost,
    reset,
)
from tests.standins.s3_words import xml
from tests.storage.backends import put, sha256
from tests.storage.faulty import PAGE, TRIES, answering, sent

DATA = bytes(range(251)) * 10  # 2,510 bytes: two parts of a thousand and a small one
LENGTHS = [1000, 1000, 510]
PASSING = {"slow down": SLOW_DOWN, "500": INTERNAL_ERROR, "dropped": dropped, "reset": reset, "page": answering(PAGE)}


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a thousand bytes go in parts of a thousand."""
    monkeypatch.setattr(store, "SINGLE", 1000)
    monkeypatch.setattr(store, "PART", 1000)
    monkeypatch.setattr(s3_parts, "ABORTS", Patience(seconds=10, tries=2, pause=0.01))


@pytest.mark.parametrize(("size", "lengths"), [(1000, []), (1001, [1000, 1]), (2000, [1000, 1000]), (2510, LENGTHS)])
def test_trap_parts_that_are_not_equal(faults: Faults, s3: S3Backend, size: int, lengths: list[int]) -> None:
    """R2 wants equal ones, but for a smaller last one; up to the limit one PUT is enough."""
    put(s3, "a/b", DATA[:size])

    assert [seen.size for seen in sent(faults, "PUT", "partNumber")] == lengths
    assert len(sent(faults, "PUT")) == max(1, len(lengths))
    assert faults.memory.objects["a/b"].body == DATA[:size]
    assert faults.memory.uploads == {}


def test_nobody_sees_an_object_in_parts_before_its_end(faults: Faults, s3: S3Backend) -> None:
    """Before the completion there is nothing to read."""
    seen: list[bool] = []

    def noting(server: Faults, exchange: Exchange) -> None:
        seen.append("a/b" in server.memory.objects)
        s3_faults.as_usual(server, exchange)

    faults.script("POST", "uploadId", [noting])
    put(s3, "a/b", DATA)

    assert (seen, "a/b" in faults.memory.objects) == ([False], True)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize(("method", "target"), [("POST", "uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId")])
def test_one_failure_of_any_step_is_forgiven(
    faults: Faults, s3: S3Backend, method: str, target: str, fault: Answer
) -> None:
    """The step is done again; the object is whole and nothing is left over."""
    faults.script(method, target, [fault])
    put(s3, "a/b", DATA)

    assert faults.memory.objects["a/b"].body == DATA
    assert faults.memory.uploads == {}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize(("method", "target"), [("POST", "uploads"), ("PUT", "partNumber=2"), ("POST", "uploadId")])
def test_trap_a_put_that_failed_leaves_parts_behind(
    faults: Faults, s3: S3Backend, method: str, target: str, fault: Answer
) -> None:
    """After so many tries the put fails, nobody sees anything, and what was begun is aborted: parts cost money."""
    faults.script(method, target, itertools.repeat(fault))
    with pytest.raises(StorageError):
        put(s3, "a/b", DATA)
    tried = [seen for seen in faults.requests if seen.method == method and target.partition("=")[0] in seen.query]

    assert faults.memory.objects == {}
    assert faults.memory.uploads == {}
    assert len(tried) <= TRIES + 1  # the part before the second one


def test_a_body_that_breaks_between_parts_is_aborted(faults: Faults, s3: S3Backend) -> None:
    """Whatever is raised while parts are sent, an error of the disk under the body too."""

    class Breaking(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            """Well at first, then no more."""
            self.reads += 1
            if len(sent(faults, "PUT")) > 1:
                raise OSError("the disk broke")
            return super().read(size)

    with pytest.raises((OSError, StorageError)):
        s3.put("a/b", Breaking(DATA), content_type="image/png", size=len(DATA), sha256=sha256(DATA))

    assert (faults.memory.objects, faults.memory.uploads) == ({}, {})


def test_trap_an_error_in_an_answer_of_200(faults: Faults, s3: S3Backend) -> None:
    """Amazon may begin to answer before it knows: the completion is tried again, and fails if it stays so."""
    faults.script("POST", "uploadId", [ERROR_IN_200])
    put(s3, "a/b", DATA)
    assert faults.memory.objects["a/b"].body == DATA

    faults.script("POST", "uploadId", itertools.repeat(ERROR_IN_200))
    with pytest.raises(StorageUnavailable, match="InternalError"):
        put(s3, "a/c", DATA)

    assert (list(faults.memory.objects), faults.memory.uploads) == (["a/b"], {})


def test_trap_a_store_that_sends_blanks_while_it_puts_parts_together(faults: Faults, s3: S3Backend) -> None:
    """Amazon does, so that nobody hangs up: they are no failure, and what comes after them counts."""
    answer = xml("CompleteMultipartUploadResult", "<ETag>whole</ETag>").body
    faults.script("POST", "uploadId", [answering(b" \n \n" + answer, kind="application/xml")])
    put(s3, "a/b", DATA)

    assert (len(sent(faults, "POST")), sent(faults, "DELETE")) == (2, [])


@pytest.mark.parametrize("then", [[], [SLOW_DOWN], [dropped]], ids=["at once", "after a 503", "after silence"])
def test_trap_a_completion_whose_answer_was_lost(faults: Faults, s3: S3Backend, then: list[Answer]) -> None:
    """The next try finds no upload any more, because the object is there: the put went well."""
    faults.script("POST", "uploadId", [lost, *then])
    put(s3, "a/b", DATA)

    assert faults.memory.objects["a/b"].body == DATA
    assert sent(faults, "DELETE") == []


def test_trap_an_upload_that_somebody_aborted_is_a_missing_object(faults: Faults, s3: S3Backend) -> None:
    """A put never says that the object is missing: the parts are lost, and the caller may send it again."""
    faults.script("POST", "uploadId", itertools.repeat(s3_faults.refused(404, "NoSuchUpload")))
    with pytest.raises(StorageUnavailable):
        put(s3, "a/b", DATA)

    assert faults.memory.objects == {}


def test_trap_another_object_of_that_name_passes_for_ours(faults: Faults, s3: S3Backend) -> None:
    """Of another size it is not what was sent: the put failed."""
    put(s3, "a/b", DATA[:900])
    faults.script("POST", "uploadId", itertools.repeat(s3_faults.refused(404, "NoSuchUpload")))
    with pytest.raises(StorageUnavailable):
        put(s3, "a/b", DATA)


@pytest.mark.parametrize("answer", [SLOW_DOWN, dropped, NO_KEY], ids=["503", "silence", "gone already"])
def test_an_abort_that_fails_does_not_hide_the_failure(
    faults: Faults, s3: S3Backend, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller hears why the put failed; the log why the parts are still there, if they are."""
    caplog.set_level(logging.INFO, "stowage")
    faults.script("PUT", "partNumber=2", itertools.repeat(s3_faults.DISK_FULL))
    faults.script("DELETE", "uploadId", itertools.repeat(answer))
    with pytest.raises(StorageError) as caught:
        put(s3, "a/b", DATA)

    assert caught.value.status == 507
    assert ("store.not_aborted" in caplog.text) == (answer is not NO_KEY)
    assert len(sent(faults, "DELETE")) <= 2

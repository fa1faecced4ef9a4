"""What the S3 store makes of servers that refuse, are away, or aren't S3: the right refusal, and few requests."""

import itertools
from collections.abc import Callable

import pytest

from app.errors import (
    NoRoom,
    ObjectMissing,
    StorageError,
    StorageRefused,
    StorageUnavailable,
    StoreLimit,
)
from app.storage.retrying import Patience
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.serving import free_port
from tests.standins import s3_faults
from tests.standins.s3_faults import Answer, Faults, dropped, moved, refused, reset
from tests.storage.backends import put, read
from tests.storage.faulty import PAGE, TRIES, answering, s3_settings

DATA = b"a logo, more or less" * 100
XML = "application/xml"
NGINX = b"<!DOCTYPE html><html><head><title>404</title></head><body><hr>nginx<br></html>"
CODED = b"<Problem><Code>NoSuchKey</Code></Problem>"
Call = Callable[[S3Backend], object]
NO_S3 = {"page": answering(PAGE), "empty": answering(b"", kind=XML), "204": answering(b"", status=204)}

# answer -> the refusal, and a word of the reason that the operator needs
PERMANENT: dict[str, tuple[Answer, type[StorageError], str]] = {
    "AccessDenied": (s3_faults.ACCESS_DENIED, StorageRefused, "access key"),
    "InvalidAccessKeyId": (refused(403, "InvalidAccessKeyId"), StorageRefused, "access key"),
    "SignatureDoesNotMatch": (s3_faults.WRONG_SIGNATURE, StorageRefused, "secret key"),
    "RequestTimeTooSkewed": (s3_faults.SKEWED_CLOCK, StorageRefused, "clock"),
    "NoSuchBucket": (s3_faults.NO_BUCKET, StorageRefused, "bucket"),
    "AccessControlListNotSupported": (s3_faults.NO_ACLS, StorageRefused, "S3_ACL"),
    "MissingContentLength": (s3_faults.NO_LENGTH, StorageRefused, "MissingContentLength"),
    "NotImplemented": (s3_faults.NOT_IMPLEMENTED, StorageRefused, "NotImplemented"),
    "AuthorizationHeaderMalformed": (refused(400, "AuthorizationHeaderMalformed"), StorageRefused, "S3_REGION"),
    "PermanentRedirect": (moved("eu-west-1"), StorageRefused, "in eu-west-1: set S3_REGION"),
    "no region told": (moved("<b>"), StorageRefused, "another region"),
    "InsufficientStorage": (s3_faults.DISK_FULL, NoRoom, "room"),
    "QuotaExceeded": (refused(403, "QuotaExceeded"), NoRoom, "room"),
    "EntityTooLarge": (refused(400, "EntityTooLarge"), StoreLimit, "larger"),
    "a proxy's 413": (answering(PAGE, status=413), StoreLimit, "larger"),
    "a proxy's 411": (answering(PAGE, status=411), StorageRefused, "411"),
    "a proxy's 501": (answering(PAGE, status=501), StorageRefused, "501"),
    "a proxy's 507": (answering(PAGE, status=507), NoRoom, "room"),
}
PASSING: dict[str, Answer] = {
    "SlowDown": s3_faults.SLOW_DOWN,
    "InternalError": s3_faults.INTERNAL_ERROR,
    "ServiceUnavailable": refused(503, "ServiceUnavailable"),
    "TooManyRequests": refused(429, "TooManyRequests"),
    "RequestTimeout": refused(400, "RequestTimeout"),
    "OperationAborted": refused(409, "OperationAborted"),
    "BadDigest": refused(400, "BadDigest"),
    "a proxy's 429": answering(PAGE, status=429),
    "a proxy's 502": s3_faults.BAD_GATEWAY,
    "a proxy's 504": answering(b"", status=504),
    "dropped": dropped,
    "reset": reset,
    "a page instead of S3": answering(PAGE),
    "nothing instead of S3": answering(b"", kind=XML),
}
HEADS = {403: StorageRefused, 404: ObjectMissing, 500: StorageUnavailable, 503: StorageUnavailable, 507: NoRoom}
CALLS: dict[str, Call] = {
    "put": lambda s3: put(s3, "a/b", DATA),
    "open": lambda s3: s3.open("a/b"),
    "stat": lambda s3: s3.stat("a/b"),
    "delete": lambda s3: s3.delete("a/b"),
    "list": lambda s3: list(s3.list()),
    "tidy": lambda s3: s3.tidy(older_than=0, ours=lambda _: True),
}


def break_all(faults: Faults, answer: Answer) -> None:
    """Every request of every kind is answered so."""
    for method in ("PUT", "GET", "HEAD", "POST", "DELETE"):
        faults.script(method, "", itertools.repeat(answer))


@pytest.mark.parametrize(("answer", "error", "word"), PERMANENT.values(), ids=PERMANENT)
def test_a_refusal_has_its_class_and_says_what_to_do(
    faults: Faults, s3: S3Backend, answer: Answer, error: type[StorageError], word: str
) -> None:
    """It is not tried again: it would be the same. No redirect is followed."""
    faults.script("PUT", "/a/b", itertools.repeat(answer))
    with pytest.raises(StorageError) as caught:
        put(s3, "a/b", DATA)

    assert (type(caught.value), word in caught.value.detail) == (error, True)
    assert len(faults.requests) == 1


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_for(faults: Faults, s3: S3Backend, answer: Answer) -> None:
    """A put that failed all tries but one went well."""
    faults.script("PUT", "/a/b", [answer] * (TRIES - 1))
    put(s3, "a/b", DATA)

    assert faults.memory.objects["a/b"].body == DATA
    assert len(faults.requests) == TRIES


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING)
def test_trap_requests_without_end(faults: Faults, s3: S3Backend, answer: Answer) -> None:
    """What does not pass ends after so many requests: try again later, and nothing was stored."""
    faults.script("PUT", "/a/b", itertools.repeat(answer))
    with pytest.raises(StorageUnavailable) as caught:
        put(s3, "a/b", DATA)

    assert (caught.value.status, len(faults.requests), faults.memory.objects) == (503, TRIES, {})


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("answer", [s3_faults.SLOW_DOWN, reset, s3_faults.BAD_GATEWAY], ids=["503", "reset", "502"])
def test_every_call_is_bounded(faults: Faults, s3: S3Backend, answer: Answer, call: Call) -> None:
    """So many requests, then 503."""
    break_all(faults, answer)
    with pytest.raises(StorageUnavailable):
        call(s3)

    assert len(faults.requests) == TRIES


@pytest.mark.parametrize("name", [name for name in CALLS if name != "delete"])
@pytest.mark.parametrize("answer", NO_S3.values(), ids=NO_S3)
def test_trap_a_web_site_that_answers_200_passes_for_s3(
    faults: Faults, s3: S3Backend, answer: Answer, name: str
) -> None:
    """A wrong endpoint, a proxy's page: nothing is taken for stored, listed or found."""
    break_all(faults, answer)
    with pytest.raises(StorageUnavailable):
        CALLS[name](s3)


@pytest.mark.parametrize(("status", "error"), HEADS.items())
def test_trap_a_head_that_tells_no_code(faults: Faults, s3: S3Backend, status: int, error: type[StorageError]) -> None:
    """It has no body: the status is all there is."""
    faults.script("HEAD", "/a/b", itertools.repeat(refused(status, "NobodySeesThis")))
    with pytest.raises(error):
        s3.stat("a/b")


def test_trap_without_the_right_to_list_what_is_missing_is_forbidden(faults: Faults, s3: S3Backend) -> None:
    """A 403 is not "missing": it could as well be a wrong key of ours, and files would pass for lost."""
    break_all(faults, s3_faults.ACCESS_DENIED)
    for call in CALLS.values():
        with pytest.raises(StorageRefused, match="access key"):
            call(s3)


def test_trap_deleting_what_is_not_there(faults: Faults, s3: S3Backend) -> None:
    """Most say 204, some 404: it is gone either way. A refusal is not."""
    s3.delete("a/b")
    faults.script("DELETE", "", [s3_faults.NO_KEY])
    s3.delete("a/b")
    faults.script("DELETE", "", [s3_faults.ACCESS_DENIED])
    with pytest.raises(StorageRefused):
        s3.delete("a/b")
    faults.script("DELETE", "", [s3_faults.NO_BUCKET])
    with pytest.raises(StorageRefused):
        s3.delete("a/b")


@pytest.mark.parametrize("page", [PAGE, NGINX, CODED], ids=["well-formed", "ill-formed", "of another XML"])
def test_trap_a_404_of_a_proxy_passes_for_gone(faults: Faults, s3: S3Backend, page: bytes) -> None:
    """Nobody deleted anything: the sweeper would forget an object that stays for ever."""
    put(s3, "a/b", DATA)
    faults.script("DELETE", "", itertools.repeat(answering(page, status=404)))
    with pytest.raises(StorageError):
        s3.delete("a/b")


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answering(NGINX, status=404)) for name in ("put", "list", "tidy")] + [("put", s3_faults.NO_KEY)],
    ids=["put page", "list page", "tidy page", "put S3"],
)
def test_trap_a_put_that_finds_its_object_missing(faults: Faults, s3: S3Backend, name: str, answer: Answer) -> None:
    """What is stored or listed can't be missing: the server is not the right one."""
    break_all(faults, answer)
    with pytest.raises(StorageError) as caught:
        CALLS[name](s3)

    assert not isinstance(caught.value, ObjectMissing)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (refused(404, "x"), "does not exist"),
        (refused(403, "x"), "access key"),
        (moved("eu-west-1"), "in eu-west-1: set S3_REGION"),
        (s3_faults.SLOW_DOWN, "moment"),
        (dropped, "talked to"),
    ],
    ids=["404", "403", "301", "503", "silence"],
)
def test_a_ping_says_why(faults: Faults, s3: S3Backend, answer: Answer, word: str) -> None:
    """One request, one sentence."""
    faults.script("HEAD", "", itertools.repeat(answer))
    with pytest.raises(StorageUnavailable, match=word):
        s3.ping()

    assert len(faults.requests) == 1


@pytest.mark.parametrize("host", [f"127.0.0.1:{free_port()}", "stowage.invalid"], ids=["port", "name"])
def test_a_server_that_is_not_there_is_unavailable(host: str) -> None:
    """Nobody listens, or the name means nothing."""
    quick = Patience(seconds=5, tries=2, pause=0.01)
    backend = S3Backend(S3Client(s3_settings(endpoint=f"http://{host}")), quick=quick)
    with pytest.raises(StorageUnavailable):
        read(backend, "a/b")

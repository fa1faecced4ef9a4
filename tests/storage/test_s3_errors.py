"""Every exception below the S3 store becomes one of ours; errors and log lines keep to themselves what is nobody's."""

import contextlib
import http.client
import io
import itertools
import re

import pytest
import urllib3
import urllib3.exceptions

from app import telemetry
from app.errors import StorageError, StorageTimeout
from app.storage import s3_answers
from app.storage.retrying import Patience
from app.storage.s3_client import S3Client, translated
from tests.standins import s3_faults
from tests.standins.s3_faults import BUCKET, Answer, Faults, dropped, moved
from tests.storage.faulty import KEY_ID, SECRET, answering, put_file, s3_on, s3_settings

HOST, KEY = "hidden-host.example", "hidden/key.png"
HIDDEN = ("hidden", KEY_ID, SECRET, BUCKET, KEY, HOST, "127.0.0.1", "Signature=", "<", "stand-in")
MODULES = (urllib3.exceptions, http.client)
CLASSES = {
    f"{module.__name__}.{name}": cls
    for module in MODULES
    for name, cls in vars(module).items()
    if isinstance(cls, type) and issubclass(cls, Exception) and not issubclass(cls, Warning)
}
POOL = urllib3.HTTPConnectionPool(HOST)


def made(cls: type[Exception]) -> Exception:
    """One of these, with something hidden in every argument that it takes."""
    text = f"hidden {HOST} {KEY}"
    answer = urllib3.HTTPResponse(io.BytesIO(b"hidden"), preload_content=False)
    for arguments in ((text,), (POOL, text), (POOL, KEY, text), (text, text), (answer, b"hidden"), ()):
        with contextlib.suppress(TypeError, AttributeError):
            return cls(*arguments)
    raise AssertionError(f"how is {cls} made?")


def told(text: str) -> list[str]:
    """What of the hidden things stands in a text."""
    return [each for each in HIDDEN if each in text]


def test_the_list_of_exceptions_is_a_list() -> None:
    """The libraries have many; an empty list would test nothing."""
    assert len(CLASSES) > 40
    assert {"http.client.BadStatusLine", "urllib3.exceptions.ProtocolError"} <= set(CLASSES)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_trap_an_exception_of_the_sdk_leaves_the_store(cls: type[Exception]) -> None:
    """Each is a StorageError, whose sentence holds no bucket, key, host, secret or answer."""
    failure = made(cls)
    with pytest.raises(StorageError) as caught, translated():
        raise failure

    assert caught.value.__cause__ is failure
    assert caught.value.detail
    assert told(caught.value.detail) == []


@pytest.mark.parametrize(
    "failure",
    [
        urllib3.exceptions.ReadTimeoutError(POOL, KEY, HOST),
        urllib3.exceptions.ConnectTimeoutError(HOST),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_silence_is_a_timeout(failure: Exception) -> None:
    """Of the answer, or of whoever should take the connection."""
    with pytest.raises(StorageTimeout), translated():
        raise failure


@pytest.mark.parametrize(
    "failure",
    [
        OSError(f"hidden {HOST}"),
        UnicodeEncodeError("ascii", f"hidden {KEY}", 0, 1, "hidden"),
        KeyError(KEY),
        RecursionError("hidden"),
        ValueError(f"Invalid endpoint: {HOST}"),
        urllib3.exceptions.HTTPError(HOST),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_else_goes_wrong_below_is_a_storage_error(failure: Exception) -> None:
    """Libraries pass errors of others and of Python on as they are."""
    with pytest.raises(StorageError) as caught, translated():
        raise failure

    assert told(caught.value.detail) == []


def test_an_error_of_ours_stays_what_it_is() -> None:
    """It isn't wrapped a second time."""
    ours = StorageTimeout("ours")
    with pytest.raises(StorageTimeout) as caught, translated():
        raise ours

    assert caught.value is ours


def test_an_interruption_is_not_a_failure_of_the_store() -> None:
    """Ctrl-C and the end of the process go through."""
    with pytest.raises(KeyboardInterrupt), translated():
        raise KeyboardInterrupt


SECRETIVE: dict[str, Answer] = {
    "a refusal": s3_faults.refused(403, "AccessDenied"),
    "an odd code": answering(f"<Error><Code>{BUCKET} at hidden</Code></Error>".encode(), status=400, kind="text/xml"),
    "a long code": answering(b"<Error><Code>%b</Code></Error>" % (b"hidden" * 99), status=400, kind="text/xml"),
    "a page": answering(b"<html><body>hidden</body></html>", status=400),
    "a page of 503": answering(b"<html><body>hidden</body></html>", status=503),
    "a 200": answering(b"<html><body>hidden</body></html>"),
    "moved": moved("eu-west-1"),
    "silence": dropped,
}


@pytest.fixture
def lines() -> io.StringIO:
    """What the service logs at its most talkative, libraries too."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        telemetry.configure(level="debug", style="json")
    return written


@pytest.mark.parametrize("answer", SECRETIVE.values(), ids=SECRETIVE)
def test_trap_an_answer_of_the_store_is_shown_to_clients(faults: Faults, answer: Answer) -> None:
    """What it says in its own words stays between it and the log of who raised it."""
    for method in ("PUT", "GET", "HEAD", "DELETE"):
        faults.script(method, "", itertools.repeat(answer))
    s3 = s3_on(faults, quick=Patience(seconds=5, tries=1), puts=Patience(seconds=5, tries=1))
    for call in (lambda: put_file(s3, KEY, b"bytes"), lambda: s3.stat(KEY), lambda: list(s3.list())):
        with pytest.raises(StorageError) as caught:
            call()
        assert told(caught.value.detail) == []


def test_trap_signatures_in_the_log(faults: Faults, lines: io.StringIO) -> None:
    """At any level: signer and connection pool would write whole requests, with signatures and tokens."""
    client = S3Client(s3_settings(endpoint=faults.server.url, session_token="hidden-token"))
    s3 = s3_on(faults, client=client)
    put_file(s3, KEY, b"bytes")
    with s3.open(KEY) as stream:
        stream.read()
    s3.url(KEY, expires_in=60)
    faults.script("GET", "", itertools.repeat(s3_faults.SLOW_DOWN))
    with pytest.raises(StorageError):
        s3.open(KEY)
    telemetry.log("test.done", level=10)

    assert '"test.done"' in lines.getvalue()
    assert [
        each for each in (SECRET, "hidden-token", "X-Amz-Signature", "Signature=") if each in lines.getvalue()
    ] == []


@pytest.mark.parametrize("wrong", [{"region": "EU (Ireland)"}, {"endpoint": "https://a b"}, {"region": None}])
def test_what_is_wrong_with_the_settings_tells_no_secret(wrong: dict[str, str | None]) -> None:
    """The refusal to start is one line, and anybody may read it."""
    with pytest.raises(ValueError, match="s3") as caught:
        S3Client(s3_settings(**wrong))

    assert not {SECRET, KEY_ID} & set(re.split(r"\W+", str(caught.value)))
    assert "\n" not in str(caught.value)


def test_every_code_of_the_tables_is_told_apart() -> None:
    """No code means two things."""
    tables = [
        s3_answers.MISSING,
        set(s3_answers.REASONS),
        s3_answers.AWAY,
        s3_answers.FULL,
        s3_answers.LARGE,
        s3_answers.OUTSIDE,
    ]

    assert sum(map(len, tables)) == len(set().union(*tables))

"""Every exception of the Cloudinary SDK becomes one of ours; neither errors nor log lines tell secrets."""

import contextlib
import io
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator

import cloudinary
import cloudinary.exceptions
import pytest
import urllib3
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from app import telemetry
from app.errors import (
    ObjectMissing,
    StorageError,
    StorageRefused,
    StorageTimeout,
    StorageUnavailable,
)
from app.storage.cloudinary import CloudinaryBackend
from app.storage.cloudinary_client import CallRefused, CloudinaryClient, LimitReached, translated
from app.storage.retrying import Patience
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import Fault, page, refuse, reset
from tests.storage.faulty import PUBLIC, cloud_says, cloudinary_on, put_file

KEY = "hidden/key.png"
PLACE = {"resource_type": "raw", "type": "authenticated"}
ONCE = Patience(seconds=10, tries=1)
POOL = urllib3.PoolManager()
CLASSES = {
    name: cls
    for name, cls in vars(cloudinary.exceptions).items()
    if isinstance(cls, type) and issubclass(cls, Exception)
}
MEANT = {
    "AuthorizationRequired": StorageRefused,
    "NotAllowed": StorageRefused,
    "BadRequest": CallRefused,
    "AlreadyExists": CallRefused,
    "NotFound": ObjectMissing,
    "RateLimited": LimitReached,
    "GeneralError": StorageUnavailable,
    "Error": StorageUnavailable,
}
BELOW: dict[str, tuple[Exception, type[StorageError]]] = {
    "read time-out": (ReadTimeoutError(POOL, "/hidden", "hidden"), StorageTimeout),  # type: ignore[arg-type]
    "connect time-out": (ConnectTimeoutError("hidden"), StorageTimeout),
    "many tries": (MaxRetryError(POOL, "/hidden", ReadTimeoutError(POOL, "/h", "hidden")), StorageTimeout),  # type: ignore[arg-type]
    "nobody there": (NewConnectionError(POOL, "hidden"), StorageUnavailable),  # type: ignore[arg-type]
    "protocol": (ProtocolError("hidden", ConnectionResetError("hidden")), StorageUnavailable),
    "text": (ValueError("hidden"), StorageUnavailable),
    "bare": (Exception("Error 502 - hidden"), StorageUnavailable),
    "disk": (OSError("hidden"), StorageUnavailable),
}


@pytest.fixture
def secret_things(cloud: Cloud) -> list[str]:
    """What must not be told."""
    return ["hidden", cloud.api_secret, cloud.api_key, cloud.cloud_name, cloud.url, "127.0.0.1", "signature", "<html"]


def test_the_list_of_exceptions_is_a_list() -> None:
    """An empty one would test nothing; a new one of the SDK is to be thought about."""
    assert set(CLASSES) == set(MEANT)


@pytest.mark.parametrize("name", CLASSES)
def test_trap_an_exception_of_the_sdk_leaves_the_store(name: str) -> None:
    """Each is a StorageError of the right class, whose sentence holds nothing of its text."""
    failure = CLASSES[name]("hidden https://api.example/v1_1/hidden?signature=hidden <html>")
    with pytest.raises(StorageError) as caught, translated():
        raise failure

    assert type(caught.value) is MEANT[name]
    assert not re.search(r"hidden|https?:|signature|<", caught.value.detail)


@pytest.mark.parametrize(("failure", "error"), BELOW.values(), ids=BELOW)
@pytest.mark.parametrize("wrapped", [True, False], ids=["wrapped", "bare"])
def test_what_goes_wrong_below_the_sdk_is_told_apart(
    failure: Exception, error: type[StorageError], *, wrapped: bool
) -> None:
    """The SDK wraps some failures in texts of its own, without saying where they come from, and lets others pass."""
    outer = cloudinary.exceptions.GeneralError(f"Unexpected error {failure!r}")
    outer.__context__ = failure
    with pytest.raises(StorageError) as caught, translated():
        raise outer if wrapped else failure

    assert type(caught.value) is error
    assert "hidden" not in caught.value.detail


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


SECRETIVE: dict[str, Fault] = {
    "a refusal": refuse(400, "hidden is not a valid thing, says the <html> of http://127.0.0.1/?signature=hidden"),
    "a signature": refuse(401, "Invalid Signature hidden. String to sign - 'public_id=hidden'."),
    "a page": page(502, b"<html>hidden</html>"),
    "a page of 200": page(200, b"<html>hidden</html>"),
    "a 418": refuse(418, "hidden"),
    "json": cloud_says(b'{"hidden": "hidden"}'),
    "silence": reset(),
}
CALLS: dict[str, Callable[[CloudinaryBackend], object]] = {
    "put": lambda backend: put_file(backend, KEY, b"bytes"),
    "delete": lambda backend: backend.delete(KEY),
    "stat": lambda backend: backend.stat(KEY),
    "list": lambda backend: list(backend.list()),
    "ping": lambda backend: backend.ping(),
}


@pytest.mark.parametrize("fault", SECRETIVE.values(), ids=SECRETIVE)
def test_trap_an_answer_of_the_cloud_is_shown_to_clients(cloud: Cloud, secret_things: list[str], fault: Fault) -> None:
    """What it says in its own words, with signatures and names in it, is not passed on."""
    for action in ("upload", "destroy", "admin", "download"):
        cloud.faults.always(action, fault)
    backend = cloudinary_on(cloud, patience=ONCE)
    for call in CALLS.values():
        with pytest.raises(StorageError) as caught:
            call(backend)
        assert [each for each in secret_things if each in caught.value.detail] == []


@pytest.fixture
def lines() -> io.StringIO:
    """What the service logs at its most talkative, libraries too."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written):
        telemetry.configure(level="debug", style="json")
    return written


def test_trap_signatures_in_the_log(
    cloud: Cloud, png: bytes, lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of whatever is called, well or not; the SDK's own handler writes nothing either."""
    backend = cloudinary_on(cloud, patience=Patience(seconds=10, tries=2, pause=0.01))
    stored = put_file(backend, KEY, png, serving=PUBLIC)
    with backend.open(KEY, details=stored.details) as stream:
        stream.read()
    backend.url(KEY, expires_in=60)
    for action in ("upload", "destroy", "admin", "download"):
        cloud.faults.always(action, reset())
    for call in CALLS.values():
        with pytest.raises(StorageError):
            call(backend)
    telemetry.log("test.done", level=10)
    written = lines.getvalue() + capfd.readouterr().err

    assert '"test.done"' in written
    assert [each for each in (cloud.api_secret, cloud.api_key, "signature", "v1_1") if each in written] == []


@contextlib.contextmanager
def raw_server(answer: bytes) -> Iterator[CloudinaryBackend]:
    """The store on a server that answers one GET with exactly these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        there = {"upload_prefix": f"http://127.0.0.1:{listening.getsockname()[1]}"}
        names = {"cloud_name": "acme", "api_key": "1", "api_secret": "hidden"}
        yield CloudinaryBackend(CloudinaryClient(names | there), quick=ONCE)
        thread.join()


def test_trap_the_connection_pool_warns_of_a_signed_address(lines: io.StringIO) -> None:
    """A malformed header makes urllib3 log the whole address, signature and all."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nthis is no header\r\n\r\n"
    with raw_server(head + b"bytes") as backend, contextlib.suppress(StorageError):
        backend.open(KEY, details=PLACE).close()
    telemetry.log("test.done", level=10)

    assert '"test.done"' in lines.getvalue()
    assert "signature" not in lines.getvalue()


def test_a_length_that_is_none_is_a_storage_error() -> None:
    """An answer that makes no sense is the store's failure, not a defect of ours."""
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nbytes") as backend:
        try:
            with backend.open(KEY, details=PLACE) as stream:
                assert stream.read() == b"bytes"
        except StorageError as failure:
            assert "five" not in failure.detail  # noqa: PT017 - either is right


def test_errors_keep_their_cause_for_the_one_who_debugs(cloud: Cloud) -> None:
    """In the chain of exceptions, which only an explicit traceback shows."""
    cloud.faults.always("admin", page(502))
    with pytest.raises(StorageUnavailable) as caught:
        cloudinary_on(cloud, patience=ONCE).stat(KEY)

    assert isinstance(caught.value.__cause__, cloudinary.exceptions.GeneralError)


def test_the_sdk_logs_only_through_us() -> None:
    """Its logger bears a handler of its own, for stderr, where platforms take every line for an error."""
    assert logging.getLogger("Cloudinary").level in {logging.NOTSET, logging.WARNING, logging.ERROR, logging.CRITICAL}

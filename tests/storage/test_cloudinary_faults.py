"""What the Cloudinary store makes of a cloud that refuses, is away or says nothing: the right refusal, few requests."""

import time
from collections.abc import Callable

import pytest
import urllib3

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageTimeout, StorageUnavailable, StoreLimit
from app.settings import CloudinarySettings
from app.storage import cloudinary_client
from app.storage.cloudinary import CloudinaryBackend
from app.storage.cloudinary_client import CloudinaryClient
from app.storage.retrying import Patience
from tests.clouds import cloudinary_settings
from tests.serving import free_port
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import Fault, hang, page, refuse, reset
from tests.storage.faulty import IMPATIENT, PUBLIC, TRIES, cloud_says, cloudinary_on, put_file

KEY = "logo/a.png"
PASSING: dict[str, Fault] = {
    "420": refuse(420, "Rate Limit Exceeded"),
    "423": refuse(423, "Resource is being processed"),
    "429": refuse(429, "Too Many Requests"),
    "500": refuse(500),
    "502": page(502),
    "503": refuse(503),
    "504": page(504, b""),
    "page of 200": page(200),
    "page of 404": page(404),
    "null": cloud_says(b"null"),
    "list": cloud_says(b"[]"),
    "text": cloud_says(b'{"error": "text"}', status=400),
    "cut": cloud_says(b'{"public_id": "logo'),
    "reset": reset(),
    "early reset": reset(early=True),
}
PERMANENT: dict[str, tuple[Fault, type[StorageError], str]] = {
    "400": (refuse(400, "Invalid image file"), StorageRefused, "400"),
    "401": (refuse(401, "Invalid Signature abc. String to sign - 'x'."), StorageRefused, "CLOUDINARY_API_SECRET"),
    "403": (refuse(403, "deny"), StorageRefused, ""),
    "409": (refuse(409, "already exists"), StorageRefused, "409"),
    "stale": (refuse(400, "Stale request - reported time is more than 1 hour ago"), StorageRefused, "clock"),
    "too large": (refuse(400, "File size too large. Got 11. Maximum is 10."), StoreLimit, "larger"),
    "413": (refuse(413, "Request Entity Too Large"), StoreLimit, "larger"),
}
CALLS: dict[str, tuple[str, Callable[[CloudinaryBackend, bytes], object]]] = {
    "put": ("upload", lambda backend, png: put_file(backend, KEY, png, serving=PUBLIC)),
    "delete": ("destroy", lambda backend, _: backend.delete(KEY)),
    "stat": ("admin", lambda backend, _: backend.stat(KEY)),
    "list": ("admin", lambda backend, _: list(backend.list())),
    "ping": ("admin", lambda backend, _: backend.ping()),
    "open": ("download", lambda backend, _: backend.open(KEY)),
}
CHANGING = ["put", "delete"]


@pytest.fixture
def store_on(cloud: Cloud) -> CloudinaryBackend:
    """The store on an empty cloud."""
    return cloudinary_on(cloud)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("name", CHANGING)
def test_what_passes_is_waited_for(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, name: str, fault: Fault
) -> None:
    """All tries but one may fail."""
    action, call = CALLS[name]
    cloud.faults.next(action, *[fault] * (TRIES - 1))
    call(store_on, png)

    assert cloud.faults.left == 0
    assert len(cloud.assets) == (name == "put")


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("name", [name for name in CALLS if name not in {"ping", "open"}])
def test_trap_requests_without_end(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, name: str, fault: Fault
) -> None:
    """What does not pass ends after so many requests: 503, and nothing was stored. The SDK adds no tries of its own."""
    action, call = CALLS[name]
    cloud.faults.always(action, fault)
    with pytest.raises(StorageUnavailable) as caught:
        call(store_on, png)

    assert (caught.value.status, cloud.assets) == (503, {})
    assert len(cloud.named(action)) <= TRIES


@pytest.mark.parametrize(("fault", "error", "word"), PERMANENT.values(), ids=PERMANENT)
@pytest.mark.parametrize("name", CHANGING)
def test_a_refusal_has_its_class_and_says_what_to_do(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, name: str, fault: Fault, error: type[StorageError], word: str
) -> None:
    """It isn't tried again: it would be the same."""
    action, call = CALLS[name]
    cloud.faults.always(action, fault)
    with pytest.raises(StorageError) as caught:
        call(store_on, png)

    assert (type(caught.value), len(cloud.named(action))) == (error, 1)
    assert word in caught.value.detail


@pytest.mark.parametrize("fault", [refuse(404, "Resource not found"), refuse(404, "no such cloud")])
def test_trap_a_put_that_finds_its_object_missing(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, fault: Fault
) -> None:
    """What is stored can't be missing: the address isn't that of the API."""
    cloud.faults.always("upload", fault)
    with pytest.raises(StorageError) as caught:
        put_file(store_on, KEY, png)

    assert not isinstance(caught.value, ObjectMissing)


@pytest.mark.parametrize("name", CALLS)
def test_trap_a_cloud_that_says_nothing(cloud: Cloud, png: bytes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call has a time-out, and the tries one deadline: 504 (a ping: 503), in bounded time."""
    for timeout in ("TIMEOUT", "SHORT"):
        monkeypatch.setattr(cloudinary_client, timeout, urllib3.Timeout(connect=0.25, read=0.25))
    action, call = CALLS[name]
    cloud.faults.always(action, hang(8))
    backend = cloudinary_on(cloud, patience=Patience(seconds=0.6, tries=50, pause=0.01))
    began = time.monotonic()
    with pytest.raises(StorageTimeout if name != "ping" else StorageUnavailable):
        call(backend, png)

    assert 0.2 < time.monotonic() - began < 5
    assert len(cloud.named(action)) <= 4


def test_the_time_outs_of_the_service_are_there() -> None:
    """The SDK has none for uploads: ours are finite, and shorter than a put may take."""
    for timeout, longest in ((cloudinary_client.TIMEOUT, 120), (cloudinary_client.SHORT, 10)):
        assert 0 < timeout.connect_timeout <= 10
        assert 0 < timeout.read_timeout <= longest


@pytest.mark.parametrize("done", [True, False], ids=["stored", "not stored"])
def test_trap_an_answer_that_was_lost(cloud: Cloud, store_on: CloudinaryBackend, png: bytes, *, done: bool) -> None:
    """Stored or not: sent again, it lies once at its place, and the put went well."""
    cloud.faults.next("upload", reset(done=done))
    put_file(store_on, KEY, png, serving=PUBLIC)

    assert [asset.content for asset in cloud.assets.values()] == [png]


def test_a_destroy_whose_answer_was_lost_went_well(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """The next try says `not found`, which is what was wanted."""
    stored = put_file(store_on, KEY, png)
    cloud.faults.next("destroy", reset(done=True))
    store_on.delete(KEY, details=stored.details)

    assert (cloud.assets, len(cloud.named("destroy"))) == ({}, 2)


@pytest.mark.parametrize("wrong", ["secret", "key", "cloud"])
def test_wrong_credentials_are_said_to_be_wrong(cloud: Cloud, png: bytes, wrong: str) -> None:
    """By each call in its way; none says what they are, and nothing is tried twice."""
    right = {"cloud": cloud.cloud_name, "key": cloud.api_key, "secret": cloud.api_secret, "prefix": cloud.url}
    settings = CloudinarySettings(**{**right, wrong: "wrong-one"})
    backend = CloudinaryBackend(CloudinaryClient(settings.credentials()), puts=IMPATIENT, quick=IMPATIENT)
    for _, call in CALLS.values():
        with pytest.raises((StorageRefused, StorageUnavailable)) as caught:
            call(backend, png)
        assert "CLOUDINARY_API_" in caught.value.detail
        assert "wrong-one" not in caught.value.detail

    assert len(cloud.calls) == len(CALLS)


def test_trap_a_clock_that_is_wrong(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """Signatures are good for an hour: the reason names the clock."""
    cloud.advance(2 * 3600)
    with pytest.raises(StorageRefused, match="clock"):
        put_file(store_on, KEY, png)


def test_a_cloud_that_is_not_there_is_unavailable(cloud: Cloud, png: bytes) -> None:
    """Nobody listens, whatever is asked."""
    settings = cloudinary_settings(cloud).model_copy(update={"prefix": f"http://127.0.0.1:{free_port()}"})
    quick = Patience(seconds=5, tries=2, pause=0.01)
    backend = CloudinaryBackend(CloudinaryClient(settings.credentials()), puts=quick, quick=quick)
    for _, call in CALLS.values():
        with pytest.raises(StorageUnavailable):
            call(backend, png)

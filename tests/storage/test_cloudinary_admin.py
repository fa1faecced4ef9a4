"""Cloudinary's Admin API takes 500 calls an hour: who asks it, how often, and what its answers are taken for."""

import asyncio
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from app.errors import ObjectMissing, StorageError, StorageUnavailable
from app.settings import CloudinarySettings
from app.storage import cloudinary as store
from app.storage import cloudinary_client, cloudinary_plan
from app.storage.backend import PRIVATE
from app.storage.cloudinary import CloudinaryBackend
from app.storage.cloudinary_client import CloudinaryClient
from app.storage.storage import Storage
from tests.standins.cloudinary.cloud import Account, Cloud
from tests.standins.cloudinary.cloud import running as clouds
from tests.standins.cloudinary.faults import Fault, hang, late, page, refuse, reset
from tests.storage.backends import keys, read
from tests.storage.faulty import PUBLIC, TRIES, cloud_says, cloudinary_on, put_file

KEY = "logo/a.png"
DATA = random.Random(6).randbytes(1000)
NO_LISTS = {
    "page": page(200),
    "nothing": cloud_says(b"{}"),
    "list": cloud_says(b"[]"),
    "null": cloud_says(b'{"resources": null}'),
    "no facts": cloud_says(b'{"resources": [{"public_id": "a/b"}]}'),
    "cut": cloud_says(b'{"resources": [{"public_id": "a/b"'),
}


@pytest.fixture
def store_on(cloud: Cloud) -> CloudinaryBackend:
    """The store on an empty cloud."""
    return cloudinary_on(cloud)


@pytest.fixture
def spent() -> Iterator[Cloud]:
    """A cloud whose allowance is used up."""
    with clouds(Account(admin_limit=0)) as cloud:
        yield cloud


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the plan believes in; a test moves them."""
    now = [1000.0]
    monkeypatch.setattr(cloudinary_plan, "monotonic", lambda: now[0])
    return now


def test_trap_the_admin_api_in_the_path_of_a_request(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """Storing, reading, deleting and telling addresses never ask it."""
    stored = put_file(store_on, KEY, png, serving=PUBLIC)
    put_file(store_on, "file/b.bin", DATA)
    read(store_on, "file/b.bin", start=3)
    store_on.url(KEY, details=stored.details)
    store_on.url("file/b.bin", expires_in=60)
    store_on.max_size("image/png", PUBLIC)
    for key in (KEY, "file/b.bin", "never/was/there"):
        store_on.delete(key)
    with pytest.raises(ObjectMissing):
        store_on.open(KEY)

    assert (cloud.admin_calls, cloud.named("admin")) == (0, [])


def test_trap_a_ping_for_every_probe(cloud: Cloud, store_on: CloudinaryBackend, clock: list[float]) -> None:
    """Many in five minutes are one call, from many threads too; afterwards one more."""
    store_on.ping()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store_on.ping(), range(100)))
    clock[0] += 299
    store_on.ping()
    assert cloud.admin_calls == 1

    clock[0] += 2
    store_on.ping()
    assert cloud.admin_calls == 2


def test_trap_a_spent_allowance_is_a_broken_store(spent: Cloud, png: bytes) -> None:
    """420 of the Admin API: uploads and downloads go on, so the service stays ready."""
    backend = cloudinary_on(spent)
    backend.ping()
    put_file(backend, KEY, png)

    assert read(backend, KEY) == png
    assert backend.max_size("image/png", PUBLIC) is None
    with pytest.raises(StorageUnavailable):
        backend.stat(KEY)
    with pytest.raises(StorageUnavailable):
        list(backend.list())


def test_a_spent_allowance_keeps_the_limits_that_were_known(cloud: Cloud, clock: list[float]) -> None:
    """They don't change by the hour."""
    backend = cloudinary_on(cloud)
    backend.ping()
    clock[0] += 301
    cloud.faults.always("admin", refuse(420, "Rate Limit Exceeded"))
    backend.ping()

    assert backend.max_size("image/png", PUBLIC) == cloud.account.image_limit


@pytest.mark.parametrize(
    "fault", [refuse(500), page(), reset(), cloud_says(b"null")], ids=["500", "page", "reset", "null"]
)
def test_a_cloud_that_is_away_is_not_asked_by_every_probe(
    cloud: Cloud, store_on: CloudinaryBackend, clock: list[float], fault: Fault
) -> None:
    """One failure is not believed; a bad answer is kept for a while, then it is asked again."""
    cloud.faults.next("admin", fault)
    cloudinary_on(cloud).ping()
    cloud.calls.clear()
    cloud.faults.always("admin", fault)
    for _ in range(10):
        with pytest.raises(StorageUnavailable):
            store_on.ping()
    assert len(cloud.named("admin")) <= TRIES
    cloud.faults.clear()
    clock[0] += 61
    store_on.ping()


@pytest.mark.parametrize("field", ["secret", "key"])
def test_a_ping_with_wrong_credentials_says_so(cloud: Cloud, field: str) -> None:
    """Which variables to look at, not what they hold."""
    right = {"cloud": cloud.cloud_name, "key": cloud.api_key, "secret": cloud.api_secret, "prefix": cloud.url}
    settings = CloudinarySettings(**{**right, field: "wrong-one"})
    backend = CloudinaryBackend(CloudinaryClient(settings.credentials()))
    with pytest.raises(StorageUnavailable, match="CLOUDINARY_API_KEY, CLOUDINARY_API_SECRET") as caught:
        backend.ping()

    assert not any(each in caught.value.detail for each in ("wrong-one", cloud.api_key, cloud.api_secret))


@pytest.mark.anyio
async def test_trap_pings_that_hang_hold_up_reads(
    cloud: Cloud, store_on: CloudinaryBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dozen probes while the Admin API hangs: files are read all the same, as its threads are not all waiting."""
    monkeypatch.setattr(cloudinary_client, "SHORT", urllib3.Timeout(connect=10, read=10))
    put_file(store_on, "file/b.bin", DATA)
    cloud.faults.always("admin", hang(10))
    storage = Storage("cloudinary", store_on)
    probes = [asyncio.create_task(storage.ping()) for _ in range(12)]
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(5), await storage.read("file/b.bin") as blocks:
            assert b"".join([block async for block in blocks]) == DATA
    finally:
        cloud.closing.set()  # nothing hangs any more
        await asyncio.gather(*probes, return_exceptions=True)
        storage.close()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five objects are a page."""
    assert store.PAGE == 500
    monkeypatch.setattr(store, "PAGE", 5)


def test_what_nobody_knows_yet_is_not_ready(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """While the first question is under way the others don't wait for it, and don't say that all is well."""
    cloud.faults.next("admin", late(10))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(store_on.ping)
        while not cloud.named("admin"):
            time.sleep(0.01)
        with pytest.raises(StorageUnavailable):
            store_on.ping()
        assert not first.done()
        cloud.closing.set()  # it waits no longer

        assert first.result() is None
    store_on.ping()


def test_a_listing_asks_for_page_after_page(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, short_pages: None
) -> None:
    """Of both places, as many objects a call as it gives, and none that isn't ours; no page before it is needed."""
    expected = [f"file/{n:05}.bin" for n in range(12)]
    cloud.fill(expected, kind="authenticated")
    cloud.fill(["somebody/elses"], kind="upload")  # raw and public: not one of our places
    put_file(store_on, KEY, png, serving=PUBLIC)
    next(store_on.list())
    assert cloud.admin_calls == 1

    assert keys(store_on) == [*expected, KEY]
    assert cloud.admin_calls == 1 + 3 + 1
    assert keys(store_on, "file/0001") == expected[10:]


@pytest.mark.parametrize("fault", [refuse(500), refuse(420), page(), reset()], ids=["500", "420", "page", "reset"])
def test_trap_a_listing_that_fails_in_the_middle_looks_complete(
    cloud: Cloud, store_on: CloudinaryBackend, short_pages: None, fault: Fault
) -> None:
    """It raises; once is forgiven."""
    cloud.fill([f"file/{n:05}.bin" for n in range(6)], kind="authenticated")
    cloud.faults.when("admin", lambda call: "next_cursor" in call.query, fault)
    assert len(keys(store_on)) == 6

    cloud.faults.when("admin", lambda call: "next_cursor" in call.query, fault, once=False)
    with pytest.raises(StorageUnavailable):
        keys(store_on)


@pytest.mark.parametrize("fault", NO_LISTS.values(), ids=NO_LISTS)
def test_trap_a_listing_that_is_none_is_empty(cloud: Cloud, store_on: CloudinaryBackend, fault: Fault) -> None:
    """An answer that isn't a page of objects is an error, for one object too."""
    cloud.faults.always("admin", fault)
    with pytest.raises(StorageError):
        list(store_on.list())
    with pytest.raises(StorageError) as caught:
        store_on.stat(KEY)

    assert not isinstance(caught.value, ObjectMissing)


def test_trap_a_listing_that_turns_in_a_circle(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """The same cursor again and again is an error, and soon."""
    cloud.faults.next("admin", *[cloud_says(b'{"resources": [], "next_cursor": "again"}')] * 50)
    with pytest.raises(StorageError):
        list(store_on.list())

    assert cloud.admin_calls <= TRIES + 1


def test_an_object_is_found_in_either_place(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """By one call or two; what is nowhere is missing after two."""
    put_file(store_on, "file/b.bin", DATA, serving=PRIVATE)
    put_file(store_on, KEY, png, serving=PUBLIC)

    assert (store_on.stat("file/b.bin").size, cloud.admin_calls) == (len(DATA), 1)
    assert (store_on.stat(KEY).size, cloud.admin_calls) == (len(png), 3)
    with pytest.raises(ObjectMissing):
        store_on.stat("logo/other.png")
    assert cloud.admin_calls == 5

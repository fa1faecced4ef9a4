"""Large files at Cloudinary: in chunks, whole or not at all, and few at once."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.errors import StorageError, StorageTimeout, StorageUnavailable, StoreAlteredFile, StoreLimit
from app.storage import cloudinary as store
from app.storage.retrying import Patience
from tests.standins.cloudinary.cloud import Account, Cloud
from tests.standins.cloudinary.cloud import running as clouds
from tests.standins.cloudinary.faults import Fault, alter, late, lose_chunk, page, refuse, reset
from tests.standins.cloudinary.wire import Call
from tests.storage.backends import put, read, sha256
from tests.storage.faulty import TRIES, cloudinary_on, put_file
from tests.storage.test_bodies import Pipe, as_body

KEY = "file/01a1fe46.bin"
DATA = random.Random(9).randbytes(2510)  # two chunks of a thousand and a small one
FAULTS = {"503": refuse(503), "420": refuse(420), "423": refuse(423, "Processing"), "page": page(), "reset": reset()}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud whose chunks may have a thousand bytes, as ours have."""
    monkeypatch.setattr(store, "CHUNK", 1000)
    with clouds(Account(smallest_chunk=1000)) as cloud:
        yield cloud


def chunk(number: int) -> Callable[[Call], bool]:
    """Whether a call is the chunk of that number."""
    return lambda call: call.headers.get("content-range", "").startswith(f"bytes {number * 1000}-")


@pytest.mark.parametrize(
    ("size", "lengths"),
    [
        (6_000_000, [6_000_000]),
        (6_000_001, [6_000_000, 1]),
        (12_000_000, [6_000_000, 6_000_000]),
        (13_000_000, [6_000_000, 6_000_000, 1_000_000]),
    ],
)
def test_trap_chunks_that_the_cloud_refuses(size: int, lengths: list[int]) -> None:
    """Up to six million bytes in one call; above, equal ones of that size and the rest, which may be small."""
    with clouds(Account(raw_limit=20_000_000)) as cloud:
        data = bytes(size)
        put(cloudinary_on(cloud), KEY, data)
        calls = cloud.named("upload")

        assert [call.size for call in calls] == lengths
        assert [asset.size for asset in cloud.assets.values()] == [size]
        assert ["content-range" in call.headers for call in calls] == [len(lengths) > 1] * len(lengths)


def test_every_chunk_says_what_it_is(small: Cloud) -> None:
    """Its place, the whole size, one id for all, and the same name, place and folder as the others."""
    put_file(cloudinary_on(small), KEY, DATA)
    calls = small.named("upload")

    assert [call.headers["content-range"] for call in calls] == [
        "bytes 0-999/2510",
        "bytes 1000-1999/2510",
        "bytes 2000-2509/2510",
    ]
    assert len({call.headers["x-unique-upload-id"] for call in calls}) == 1
    assert {(call.resource_type, call.fields["type"]) for call in calls} == {("raw", "authenticated")}
    assert {call.fields["public_id"] for call in calls} == {KEY}
    assert read(cloudinary_on(small), KEY) == DATA


def test_two_files_have_two_ids(small: Cloud) -> None:
    """Their chunks must not be mixed."""
    for _ in range(2):
        put_file(cloudinary_on(small), KEY, DATA)

    assert len({call.headers["x-unique-upload-id"] for call in small.named("upload")}) == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_trap_a_chunk_that_failed_leaves_a_hole(small: Cloud, fault: Fault, number: int) -> None:
    """The file begins anew, under another id; what was begun before is never seen."""
    small.faults.when("upload", chunk(number), fault)
    put_file(cloudinary_on(small), KEY, DATA)
    calls = small.named("upload")

    assert [asset.content for asset in small.assets.values()] == [DATA]
    assert len(calls) == number + 1 + 3
    assert len({call.headers["x-unique-upload-id"] for call in calls}) == 2
    assert {call.headers["x-unique-upload-id"] for call in calls[-3:]} == {calls[-1].headers["x-unique-upload-id"]}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_trap_tries_without_end(small: Cloud, fault: Fault, number: int) -> None:
    """After so many the put fails; nobody ever sees a part of it."""
    small.faults.when("upload", chunk(number), fault, once=False)
    with pytest.raises(StorageUnavailable):
        put_file(cloudinary_on(small), KEY, DATA)

    assert (small.assets, len(small.named("upload"))) == ({}, TRIES * (number + 1))


def test_a_last_answer_that_was_lost_is_asked_for_again(small: Cloud) -> None:
    """The file may be there already: sent anew it is the same file at the same place."""
    small.faults.when("upload", chunk(2), reset(done=True))
    put_file(cloudinary_on(small), KEY, DATA)

    assert [asset.content for asset in small.assets.values()] == [DATA]


def test_trap_a_chunk_that_the_cloud_forgot(small: Cloud) -> None:
    """It says so by its size and its MD5: what it kept is deleted, and the put fails."""
    small.faults.when("upload", chunk(1), lose_chunk())
    with pytest.raises(StoreAlteredFile):
        put_file(cloudinary_on(small), KEY, DATA)

    assert small.assets == {}


def test_a_file_that_is_too_large_is_refused_at_its_first_chunk() -> None:
    """The rest isn't sent."""
    with clouds(Account(raw_limit=7_000_000)) as cloud, pytest.raises(StoreLimit):
        put(cloudinary_on(cloud), KEY, bytes(13_000_000))
    assert len(cloud.named("upload")) == 1


def test_a_body_that_cannot_be_rewound_is_sent_anew_all_the_same(small: Cloud) -> None:
    """It was kept aside."""
    small.faults.when("upload", chunk(1), reset())
    cloudinary_on(small).put(KEY, as_body(Pipe(DATA)), content_type="a/b", size=len(DATA), sha256=sha256(DATA))

    assert [asset.content for asset in small.assets.values()] == [DATA]


def test_trap_a_deadline_for_each_chunk(small: Cloud) -> None:
    """Chunks that are slow one by one are slow together: a put has one deadline."""
    small.faults.always("upload", late(0.25))
    began = time.monotonic()
    with pytest.raises(StorageTimeout):
        put(cloudinary_on(small, patience=Patience(seconds=0.4, pause=0.01)), KEY, bytes(20_000))

    assert time.monotonic() - began < 3.5


@pytest.mark.parametrize(("size", "most"), [(store.LARGE + 1, store.AT_ONCE), (1000, 6)])
def test_trap_many_large_uploads_at_once_fill_the_memory(cloud: Cloud, size: int, most: int) -> None:
    """Large pieces wait for each other, small ones don't."""
    lock, counts = threading.Lock(), [0, 0]

    def counting(content: bytes) -> bytes:
        with lock:
            counts[0] += 1
            counts[1] = max(counts)
        time.sleep(0.2)
        with lock:
            counts[0] -= 1
        return content

    cloud.faults.always("upload", alter(counting))
    backend, data = cloudinary_on(cloud), bytes(size)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: put_file(backend, f"a/{n}.bin", data), range(6)))

    assert counts[1] == most if most == store.AT_ONCE else counts[1] > store.AT_ONCE


def test_waiting_for_a_turn_has_an_end(cloud: Cloud) -> None:
    """The time of a put runs while others are sent."""
    cloud.faults.always("upload", late(10))
    backend, data = cloudinary_on(cloud), bytes(store.LARGE + 1)
    hasty = Patience(seconds=0.3, tries=2, pause=0.01)
    with ThreadPoolExecutor(store.AT_ONCE) as pool:
        others = [pool.submit(put_file, backend, f"a/{n}.bin", data) for n in range(store.AT_ONCE)]
        while len(cloud.calls) < store.AT_ONCE:
            time.sleep(0.01)
        began, backend._puts = time.monotonic(), hasty
        with pytest.raises(StorageTimeout):
            put_file(backend, KEY, data)
        took = time.monotonic() - began
        cloud.closing.set()  # nothing is late any more
        for other in others:
            other.result()

    assert took < 5


def test_a_turn_is_given_back_when_a_chunk_fails(cloud: Cloud) -> None:
    """More failures than turns, and the next one is sent."""
    cloud.faults.next("upload", *[refuse(400) for _ in range(store.AT_ONCE + 1)])
    backend, data = cloudinary_on(cloud), bytes(store.LARGE + 1)
    for _ in range(store.AT_ONCE + 1):
        with pytest.raises(StorageError):
            put_file(backend, KEY, data)
    put_file(backend, KEY, data)

    assert len(cloud.assets) == 1

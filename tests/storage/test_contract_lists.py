"""The promises of a store about listings, threads and hostile keys, for every store there is."""

import itertools
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from app.errors import ObjectMissing, StorageError
from app.storage.backend import Adopts, Backend, ObjectInfo
from tests.storage.backends import HOSTILE, keys, put, read


def test_a_listing_is_lazy_and_of_infos(backend: Backend) -> None:
    """An iterator: the caller decides how far to go."""
    put(backend, "a/b", b"bytes")
    put(backend, "a/c", b"others")
    listing = backend.list()
    first = next(listing)

    assert isinstance(listing, Iterator)
    assert isinstance(first, ObjectInfo)


def test_a_listing_is_complete_past_a_thousand(backend: Backend) -> None:
    """Every object exactly once: stores that give pages of 1,000 are asked for all of them."""
    expected = [f"many/{n % 3}/{n:04}" for n in range(1_050)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: put(backend, key, b"x"), expected))

    assert keys(backend) == sorted(expected)


def test_a_listing_tells_what_stat_tells(backend: Backend) -> None:
    """Size and etag are the same from both."""
    put(backend, "a/b", b"bytes")

    assert next(backend.list()) == backend.stat("a/b")


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("", ["a/b", "a/c/d", "ab/e", "f"]),
        ("a", ["a/b", "a/c/d", "ab/e"]),
        ("a/", ["a/b", "a/c/d"]),
        ("a/c", ["a/c/d"]),
        ("a/c/", ["a/c/d"]),
        ("a/c/d", ["a/c/d"]),
        ("a/c/d/", []),
        ("f", ["f"]),
        ("f/", []),
        ("nothing", []),
    ],
)
def test_a_prefix_is_the_beginning_of_a_key(backend: Backend, prefix: str, expected: list[str]) -> None:
    """Not a folder: `a` begins `ab/e` too."""
    for key in ("a/b", "a/c/d", "ab/e", "f"):
        put(backend, key, b"x")

    assert keys(backend, prefix) == expected


def test_a_listing_never_shows_what_is_not_an_object(backend: Backend) -> None:
    """Neither the marker nor a body that waits in the spool."""
    put(backend, "a/b", b"x")
    if isinstance(backend, Adopts):
        (backend.spool / "waiting.part").write_bytes(b"not yet")

    assert keys(backend) == ["a/b"]
    assert keys(backend, ".") == []


def test_a_listing_survives_deletions_meanwhile(backend: Backend) -> None:
    """What is deleted after the listing began may be missing from it, and nothing else."""
    for n in range(20):
        put(backend, f"a/{n:02}", b"x")
    listing = backend.list()
    seen = [info.key for info in itertools.islice(listing, 5)]
    for n in range(10, 15):
        backend.delete(f"a/{n}")
    seen += [info.key for info in listing]

    assert {*seen, *(f"a/{n}" for n in range(10, 15))} == {f"a/{n:02}" for n in range(20)}


def test_many_threads_may_put_different_keys(backend: Backend) -> None:
    """Into folders that nobody has made yet: each finds its own bytes."""
    contents = {f"new/{n % 5}/{n % 3}/{n}": random.Random(n).randbytes(5_000) for n in range(64)}
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda item: put(backend, *item), contents.items()))

    assert {key: read(backend, key) for key in keys(backend)} == contents


def test_many_threads_may_put_the_same_key(backend: Backend) -> None:
    """Twins write the same bytes: whoever reads meanwhile sees nothing or all of them."""
    data = random.Random(2).randbytes(300_000)
    seen: set[bytes | None] = set()

    def put_and_read(_: int) -> None:
        with suppress(ObjectMissing):
            seen.add(read(backend, "a/b"))
        put(backend, "a/b", data)
        seen.add(read(backend, "a/b"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put_and_read, range(64)))

    assert seen == {data}
    assert keys(backend) == ["a/b"]


def test_a_stream_that_is_open_outlives_a_delete(backend: Backend) -> None:
    """A reader that started finishes, also when the object is deleted under it."""
    data = random.Random(3).randbytes(1_000_000)
    put(backend, "a/b", data)
    with backend.open("a/b") as stream:
        first = stream.read(1000)
        backend.delete("a/b")
        rest = stream.read()

    assert first + rest == data


@pytest.mark.parametrize("key", HOSTILE, ids=lambda key: ascii(key)[:24])
def test_only_storage_errors_leave_for_a_hostile_key(backend: Backend, key: str) -> None:
    """It is refused everywhere, or it is a name like any other; no other exception leaves any method."""
    stored = went_well(lambda: put(backend, key, b"x"))
    found = went_well(lambda: backend.stat(key))
    opened = went_well(lambda: backend.open(key).close())
    went_well(lambda: backend.delete(key))
    went_well(lambda: list(backend.list(key)))

    assert stored == found == opened
    assert keys(backend) == []


def went_well(call: Callable[[], object]) -> bool:
    """Whether a call returned; only a StorageError may say no."""
    try:
        call()
    except StorageError:
        return False
    return True

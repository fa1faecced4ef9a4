"""How long the S3 store waits for servers that say nothing: one deadline for all that an operation does."""

import itertools
import socket
import time
from collections.abc import Callable

import pytest

from app.errors import StorageTimeout, StorageUnavailable
from app.storage import s3 as store
from app.storage import s3_pool
from app.storage.retrying import Patience
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from app.storage.storage import LARGE, PUTS, QUICK
from tests.standins.s3_exchange import Exchange
from tests.standins.s3_faults import Faults, dropped, late
from tests.storage.backends import put
from tests.storage.faulty import s3_on, s3_settings

DATA = b"a logo, more or less" * 100
CALLS: dict[str, Callable[[S3Backend], object]] = {
    "put": lambda s3: put(s3, "a/b", DATA),
    "open": lambda s3: s3.open("a/b"),
    "delete": lambda s3: s3.delete("a/b"),
    "list": lambda s3: list(s3.list()),
}


def test_the_time_outs_of_the_service_are_there(faults: Faults) -> None:
    """The library has none of its own; and there is a connection for each thread, kept alive."""
    options = s3_on(faults)._client._pool.connection_pool_kw
    patience = options["timeout"]

    assert (patience.connect_timeout, patience.read_timeout) == (s3_pool.CONNECT_SECONDS, s3_pool.READ_SECONDS)
    assert (0 < patience.connect_timeout <= 10, 0 < patience.read_timeout <= 60) == (True, True)
    assert options["maxsize"] >= PUTS + LARGE + QUICK
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in options["socket_options"]


@pytest.fixture
def impatient(faults: Faults, monkeypatch: pytest.MonkeyPatch) -> S3Client:
    """A client that waits a quarter of a second for an answer."""
    monkeypatch.setattr(s3_pool, "READ_SECONDS", 0.25)
    monkeypatch.setattr(s3_pool, "CONNECT_SECONDS", 0.25)
    return S3Client(s3_settings(endpoint=faults.server.url))


def unread(faults: Faults, _: Exchange) -> None:
    """Neither read nor answer."""
    faults.ending.wait(2)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_trap_a_store_that_says_nothing(
    faults: Faults, impatient: S3Client, call: Callable[[S3Backend], object]
) -> None:
    """A hang is a 504, after one deadline for all tries and at most one time-out more."""
    once = Patience(seconds=0.6, tries=50, pause=0.01)
    for method in ("PUT", "GET", "DELETE"):
        faults.script(method, "", itertools.repeat(late(8, dropped)))
    began = time.monotonic()
    with pytest.raises(StorageTimeout) as caught:
        call(s3_on(faults, client=impatient, puts=once, quick=once))

    assert (caught.value.status, len(faults.requests) <= 4) == (504, True)
    assert 0.2 < time.monotonic() - began < 5


def test_trap_a_store_that_does_not_read(faults: Faults, impatient: S3Client) -> None:
    """A body that nobody takes ends like an answer that never comes."""
    faults.script("PUT", "", itertools.repeat(unread))
    began = time.monotonic()
    with pytest.raises((StorageTimeout, StorageUnavailable)):
        put(s3_on(faults, client=impatient, puts=Patience(seconds=0.5, tries=2)), "a/b", bytes(8_000_000))

    assert time.monotonic() - began < 8


def test_trap_a_deadline_for_each_part(faults: Faults, impatient: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts that are slow one by one are slow together: the put has one deadline, and what was begun is aborted."""
    monkeypatch.setattr(store, "SINGLE", 100)
    monkeypatch.setattr(store, "PART", 100)
    faults.script("PUT", "partNumber", itertools.repeat(late(0.2)))
    began = time.monotonic()
    with pytest.raises(StorageTimeout):
        put(s3_on(faults, client=impatient, puts=Patience(seconds=0.5)), "a/b", DATA)

    assert time.monotonic() - began < 3
    assert (faults.memory.objects, faults.memory.uploads) == ({}, {})

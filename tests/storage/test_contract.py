"""The promises of a store (docs/design.md, section 4), once, for every store there is."""

import io
import random
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import ObjectMissing, StorageError, StorageRefused
from app.storage.backend import Backend, Stored
from tests.storage.backends import keys, put, read, sha256

LARGE = random.Random(1).randbytes(3 * 1024 * 1024 + 7)


class OneByteAtATime(io.RawIOBase):
    """A body that gives less than it is asked for, as sockets and pipes do."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Everything when asked for everything, else one byte."""
        return self._data.read() if size < 0 else self._data.read(min(size, 1))


class Breaking(io.BytesIO):
    """A body whose second half cannot be read."""

    def read(self, size: int | None = -1) -> bytes:
        """The first half, then an error."""
        if self.tell() or size in {None, -1}:
            raise OSError("the disk under the body broke")
        return super().read(len(self.getvalue()) // 2)


def test_what_was_put_can_be_read(backend: Backend) -> None:
    """The bytes come back as they were sent, and the store says what it calls them."""
    stored = put(backend, "logo/a.png", b"\0\xff bytes\r\n")

    assert isinstance(stored, Stored)
    assert stored.public_id
    assert read(backend, "logo/a.png") == b"\0\xff bytes\r\n"


def test_an_empty_object_is_an_object_or_refused(backend: Backend) -> None:
    """No bytes are bytes too; a store that can't keep none says so, and keeps nothing. (The service refuses them.)"""
    try:
        put(backend, "file/empty.bin", b"")
    except StorageRefused:
        assert keys(backend) == []
        return

    assert read(backend, "file/empty.bin") == b""
    assert backend.stat("file/empty.bin").size == 0


def test_a_large_body_comes_back_whole(backend: Backend) -> None:
    """Three megabytes and seven bytes, so that no block size divides it."""
    put(backend, "file/large.bin", LARGE)

    assert read(backend, "file/large.bin") == LARGE


def test_a_body_of_short_reads_is_stored_whole(backend: Backend) -> None:
    """A read that gives less than was asked for is not the end."""
    body = OneByteAtATime(b"slowly")
    backend.put("a/slow", body, content_type="text/plain", size=6, sha256=sha256(b"slowly"))

    assert read(backend, "a/slow") == b"slowly"


@pytest.mark.parametrize(("size", "digest"), [(4, b"hello"), (6, b"hello"), (5, b"other"), (0, b"")])
def test_bytes_that_are_not_the_announced_ones_are_not_stored(backend: Backend, size: int, digest: bytes) -> None:
    """A wrong size or a wrong hash is an error, and nobody ever sees the object."""
    with pytest.raises(StorageError):
        backend.put("a/b", io.BytesIO(b"hello"), content_type="text/plain", size=size, sha256=sha256(digest))

    with pytest.raises(ObjectMissing):
        backend.open("a/b")
    assert keys(backend) == []


def test_a_refused_put_leaves_the_older_object_alone(backend: Backend) -> None:
    """All or nothing holds for what was there before, too."""
    put(backend, "a/b", b"first")
    with pytest.raises(StorageError):
        backend.put("a/b", io.BytesIO(b"other"), content_type="text/plain", size=5, sha256=sha256(b"first"))

    assert read(backend, "a/b") == b"first"


def test_a_body_that_breaks_leaves_nothing(backend: Backend) -> None:
    """An error while the body is read is the end of the put."""
    with pytest.raises((OSError, StorageError)):
        backend.put("a/b", Breaking(b"halfhalf"), content_type="text/plain", size=8, sha256=sha256(b"halfhalf"))

    with pytest.raises(ObjectMissing):
        backend.stat("a/b")
    assert keys(backend) == []


def test_the_same_key_and_bytes_again_is_fine(backend: Backend) -> None:
    """A retry stores the same thing at the same place."""
    first, second = put(backend, "a/b", b"same"), put(backend, "a/b", b"same")

    assert first.public_id == second.public_id
    assert read(backend, "a/b") == b"same"
    assert keys(backend) == ["a/b"]


def test_the_body_is_read_to_its_end_and_left_open(backend: Backend) -> None:
    """Whoever opened the body closes it."""
    body = io.BytesIO(LARGE)
    backend.put("a/b", body, content_type="image/png", size=len(LARGE), sha256=sha256(LARGE))

    assert not body.closed
    assert body.read() == b""


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (0, 10, b"0123456789"),
        (3, None, b"3456789"),
        (0, 1, b"0"),
        (3, 7, b"3456"),
        (9, 10, b"9"),
        (5, 1000, b"56789"),
        (10, None, b""),
        (10, 20, b""),
        (1000, None, b""),
        (1000, 2000, b""),
        (4, 4, b""),
    ],
)
def test_a_range_is_what_was_asked_for(backend: Backend, start: int, end: int | None, expected: bytes) -> None:
    """From `start` to before `end`, and no further than the object goes."""
    put(backend, "a/b", b"0123456789")

    assert read(backend, "a/b", start=start, end=end) == expected


def test_a_range_of_a_large_object_ends_where_it_should(backend: Backend) -> None:
    """Also when it is read in blocks that don't divide it."""
    put(backend, "a/b", LARGE)
    with backend.open("a/b", start=1_000_001, end=2_000_003) as stream:
        blocks = list(iter(lambda: stream.read(65_536), b""))

    assert b"".join(blocks) == LARGE[1_000_001:2_000_003]


def test_readers_of_one_object_do_not_disturb_each_other(backend: Backend) -> None:
    """Each stream has its own position."""
    put(backend, "a/b", b"0123456789")
    with backend.open("a/b") as one, backend.open("a/b", start=5) as two:
        mixed = [one.read(2), two.read(2), one.read(2), two.read(2)]

    assert mixed == [b"01", b"56", b"23", b"78"]


def test_a_closed_stream_is_closed(backend: Backend) -> None:
    """The caller closes it, once or twice, and it says so."""
    put(backend, "a/b", b"bytes")
    stream = backend.open("a/b")
    stream.close()
    stream.close()

    assert stream.closed


@pytest.mark.parametrize("key", ["a/missing", "missing/b", "a/b/c", "a"])
def test_what_is_missing_is_said_to_be_missing(backend: Backend, key: str) -> None:
    """`open` and `stat` tell a missing object from a broken store, also beside and below another one."""
    put(backend, "a/b", b"bytes")

    with pytest.raises(ObjectMissing):
        backend.open(key)
    with pytest.raises(ObjectMissing):
        backend.stat(key)


def test_a_deleted_object_is_gone(backend: Backend) -> None:
    """For readers and for listings, and its neighbours stay."""
    put(backend, "a/b", b"bytes")
    put(backend, "a/c", b"others")
    backend.delete("a/b")

    with pytest.raises(ObjectMissing):
        backend.open("a/b")
    assert keys(backend) == ["a/c"]


@pytest.mark.parametrize("key", ["a/b", "never/was/there", "a"])
def test_deleting_twice_is_fine(backend: Backend, key: str) -> None:
    """What isn't there is deleted already."""
    put(backend, "a/b", b"bytes")
    backend.delete("a/b")
    backend.delete("a/b")
    backend.delete("never/was/there")

    assert keys(backend) == []


def test_stat_tells_size_and_time(backend: Backend) -> None:
    """Key, size and an aware time of about now."""
    put(backend, "a/b", b"0123456789")
    info = backend.stat("a/b")

    assert (info.key, info.size) == ("a/b", 10)
    assert abs(info.modified - datetime.now(UTC)) < timedelta(seconds=60)


def test_the_etag_follows_the_bytes(backend: Backend) -> None:
    """It stays while they stay, and differs when others of the same size took their place."""
    put(backend, "a/b", b"one")
    before, again = backend.stat("a/b").etag, backend.stat("a/b").etag
    backend.delete("a/b")
    put(backend, "a/b", b"two")

    assert before == again
    assert before != backend.stat("a/b").etag


def test_a_store_can_be_asked_whether_it_is_there(backend: Backend) -> None:
    """`ping` says nothing when all is well."""
    assert backend.ping() is None


def test_addresses_are_text_or_none(backend: Backend) -> None:
    """With an expiry and without; `put` tells the same permanent one as `url`."""
    stored = put(backend, "a/b", b"bytes")

    assert stored.url == backend.url("a/b")
    assert isinstance(backend.url("a/b"), str | None)
    assert isinstance(backend.url("a/b", expires_in=60, filename="ä.png"), str | None)

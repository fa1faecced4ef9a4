"""Objects on their way from a cloud: taken up again where they broke off, never silently short."""

import io
import random
from collections.abc import Callable
from typing import BinaryIO

import pytest

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageTimeout, StorageUnavailable
from app.storage.download import RESUMPTIONS, Download, Source

DATA = random.Random(5).randbytes(50_000)


class Breaking:
    """A source that breaks: by an error, or by an end that comes too early."""

    def __init__(self, data: bytes, until: int | None = None, failure: StorageError | None = None) -> None:
        self._file, self._failure, self.closed = io.BytesIO(data[:until]), failure if until is not None else None, 0

    def read(self, size: int, /) -> bytes:
        """The bytes, then the failure; without one the end."""
        if size <= 0:
            raise AssertionError("nobody asks for nothing")
        if (data := self._file.read(size)) or self._failure is None:
            return data
        raise self._failure

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Store:
    """One object that breaks off at each of these places in turn, and what was asked of it."""

    def __init__(self, *breaks: tuple[int, StorageError | None], length: bool = True) -> None:
        self.breaks, self.length = list(breaks), length
        self.asked: list[int] = []
        self.sources: list[Breaking] = []

    def connect(self, offset: int) -> tuple[Source, int | None]:
        """From an offset on."""
        self.asked.append(offset)
        until, failure = self.breaks.pop(0) if self.breaks else (None, None)
        source = Breaking(DATA[offset:], until, failure)
        self.sources.append(source)
        return source, len(DATA) - offset if self.length else None

    @property
    def open(self) -> int:
        """How many connections were never given back."""
        return sum(not source.closed for source in self.sources)


def read_all(stream: BinaryIO) -> bytes:
    """To the end, in whatever blocks the stream likes."""
    with stream:
        return b"".join(iter(lambda: stream.read(7001), b""))


@pytest.mark.parametrize("length", [True, False], ids=["told length", "no length"])
def test_what_does_not_break_is_asked_for_once(*, length: bool) -> None:
    """The bytes, one connection, given back."""
    store = Store(length=length)

    assert read_all(Download.of(store.connect)) == DATA
    assert (store.asked, store.open) == ([0], 0)


@pytest.mark.parametrize("failure", [StorageUnavailable(), StorageTimeout(), None], ids=["error", "hang", "short"])
@pytest.mark.parametrize("where", [[0], [1], [49_999], [0, 0], [25_000, 24_999], [10, 20]])
def test_trap_a_download_that_breaks_off_is_short(where: list[int], failure: StorageError | None) -> None:
    """The rest is asked for from where it broke; the whole arrives and every connection is given back."""
    store = Store(*((place, failure) for place in where))

    assert read_all(Download.of(store.connect)) == DATA
    assert store.asked == [0, *(sum(where[: n + 1]) for n in range(len(where)))]
    assert store.open == 0


@pytest.mark.parametrize("failure", [StorageUnavailable(), StorageTimeout(), None], ids=["error", "hang", "short"])
def test_trap_resumptions_without_end(failure: StorageError | None) -> None:
    """A store that breaks off again and again is given up: an error, never an end."""
    store = Store(*((100, failure) for _ in range(100)))
    with pytest.raises((StorageUnavailable, StorageTimeout)):
        read_all(Download.of(store.connect))

    assert len(store.asked) == RESUMPTIONS + 1
    assert store.open == 0


def test_a_download_that_failed_does_not_end_well_afterwards() -> None:
    """Whoever asks again after the error gets an error again, not an end."""
    store = Store(*((100, StorageUnavailable()) for _ in range(100)))
    with Download.of(store.connect) as stream:
        for _ in range(3):
            with pytest.raises(StorageUnavailable):
                stream.read()


@pytest.mark.parametrize("failure", [ObjectMissing, StorageRefused])
def test_what_will_not_pass_is_not_resumed(failure: type[StorageError]) -> None:
    """A refusal in the middle is told at once."""
    store = Store((100, failure()))
    with pytest.raises(failure):
        read_all(Download.of(store.connect))

    assert (store.asked, store.open) == ([0], 0)


def test_what_is_missing_is_known_before_a_byte_is_read() -> None:
    """The first connection is made with the stream."""

    def missing(_: int) -> tuple[Source, int | None]:
        raise ObjectMissing

    with pytest.raises(ObjectMissing):
        Download.of(missing)


def test_an_object_that_went_away_meanwhile_is_missing() -> None:
    """Deleted between two connections: the reader hears of it."""
    store = Store((100, StorageUnavailable()))

    def connect(offset: int) -> tuple[Source, int | None]:
        if offset:
            raise ObjectMissing
        return store.connect(offset)

    with pytest.raises(ObjectMissing):
        read_all(Download.of(connect))


def test_more_than_was_promised_is_not_passed_on() -> None:
    """A connection that gives more than the range ends where the range ends."""
    with Download.of(lambda _: (Breaking(DATA), 100)) as stream:
        assert stream.read() == DATA[:100]


def test_a_stream_that_is_closed_gives_its_connection_back_once() -> None:
    """Also in the middle, also when closed twice; then it can't be read."""
    store = Store()
    stream = Download.of(store.connect)
    stream.read(10)
    stream.close()
    stream.close()

    assert (stream.closed, store.sources[0].closed) == (True, 1)
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_a_connection_that_cannot_be_closed_is_dropped() -> None:
    """Nothing is raised for that at the end of a read."""

    class Stuck(Breaking):
        def close(self) -> None:
            raise OSError("no good order")

    stream = Download.of(lambda _: (Stuck(DATA), len(DATA)))
    stream.close()

    assert stream.closed


def test_trap_a_broken_connection_that_cannot_be_closed() -> None:
    """It is replaced all the same: what close says is of no interest."""

    class Stuck(Breaking):
        def close(self) -> None:
            raise OSError("no good order")

    first = [Stuck(DATA, 100, StorageUnavailable())]

    def connect(offset: int) -> tuple[Source, int | None]:
        source = first.pop() if first else Breaking(DATA[offset:])
        return source, len(DATA) - offset

    assert read_all(Download.of(connect)) == DATA


@pytest.mark.parametrize("read", [lambda s: s.read(), b"".join, lambda s: io.BufferedReader(s).read()])
def test_it_is_a_file_like_others(read: Callable[[BinaryIO], bytes]) -> None:
    """All at once, by lines, through a buffer."""
    with Download.of(Store().connect) as stream:
        assert read(stream) == DATA


def test_whatever_breaks_where_it_is_whole_or_an_error() -> None:
    """Random places, random blocks: as many breaks as are forgiven give everything, one more gives an error."""
    for seed in range(300):
        dice = random.Random(seed)
        breaks = [
            (dice.choice([0, 1, dice.randrange(20_000)]), dice.choice([StorageUnavailable(), StorageTimeout(), None]))
            for _ in range(dice.randrange(5))
        ]
        store, got = Store(*breaks), b""
        with Download.of(store.connect) as stream:
            try:
                while block := stream.read(dice.randrange(1, 9000)):
                    got += block
            except StorageError:
                assert (len(breaks) > RESUMPTIONS, got) == (True, DATA[: len(got)]), seed
            else:
                assert (len(breaks) <= RESUMPTIONS, got) == (True, DATA), seed
        assert store.open == 0, seed

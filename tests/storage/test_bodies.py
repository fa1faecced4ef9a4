"""Bodies on their way to a cloud: whole or refused, cut into parts that behave like files."""

import hashlib
import io
import random
import tempfile
import time
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from app.errors import StorageRefused, StorageTimeout
from app.storage import bodies
from app.storage.bodies import Part, checked
from app.storage.retrying import Deadline, Patience
from tests.storage.backends import sha256

DICE = random.Random(11)
DATA = DICE.randbytes(100_000)
WHENCES = (io.SEEK_SET, io.SEEK_CUR, io.SEEK_END)


class Pipe(io.RawIOBase):
    """A body that can't be rewound and gives what it likes, at least a byte, as sockets do."""

    def __init__(self, data: bytes, *, seed: int = 0) -> None:
        super().__init__()
        self._data, self._dice, self.taken = io.BytesIO(data), random.Random(seed), 0

    def seekable(self) -> bool:
        """No."""
        return False

    def read(self, size: int = -1) -> bytes:
        """Less than was asked for, as a rule."""
        piece = self._data.read(self._dice.randint(1, max(1, size if size > 0 else 10_000)))
        self.taken += len(piece)
        return piece


class Short(io.BytesIO):
    """A file that can be rewound and gives less than it is asked for."""

    def read(self, size: int | None = -1) -> bytes:
        """At most a thousand bytes."""
        return super().read(1000 if size is None or size < 0 else min(size, 1000))


class Window:
    """A file that ends before its file does."""

    def __init__(self, file: io.BytesIO, size: int) -> None:
        self._file, self._end = file, file.tell() + size
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """No further than its end."""
        left = max(0, self._end - self._file.tell())
        return self._file.read(left if size < 0 else min(size, left))


class Endless(Pipe):
    """A body that never ends."""

    def read(self, size: int = -1) -> bytes:
        """As much as was asked for."""
        self.taken += size
        if self.taken > 100 * len(DATA) + 10 * bodies.BLOCK:
            raise AssertionError("it was read on and on")
        return bytes(size)


def as_body(stream: object) -> BinaryIO:
    """As the type that backends are given."""
    return cast("BinaryIO", stream)


def deadline() -> Deadline:
    """Time enough."""
    return Patience(seconds=60).start()


def joined(body: BinaryIO, data: bytes, length: int) -> tuple[bytes, list[int]]:
    """All parts of a body that was found to be `data`, and how long each is."""
    with checked(body, len(data), sha256(data)) as whole:
        parts = list(whole.parts(length, deadline()))
        return b"".join(part.read() for part in parts), [part.length for part in parts]


def part_of(data: bytes, *, before: bytes = b"", time_left: Deadline | None = None) -> Part:
    """All of `data` as one part of a file in which something stands before it and after it."""
    file = io.BytesIO(before + data + before)
    file.seek(len(before))
    with checked(as_body(Window(file, len(data))), len(data), sha256(data)) as whole:
        [part] = whole.parts(max(1, len(data)), time_left or deadline())
        return part


@pytest.mark.parametrize("make", [io.BytesIO, Short, Pipe], ids=lambda make: make.__name__)
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 65_536, 100_000])
@pytest.mark.parametrize("length", [1000, 65_536, 1 << 20])
def test_the_parts_are_the_body(make: type[io.BytesIO], size: int, length: int) -> None:
    """In their order and without a gap: equal ones, then a smaller one; one empty one for no bytes."""
    data = DATA[:size]
    found, lengths = joined(as_body(make(data)), data, length)

    assert found == data
    assert all(each == length for each in lengths[:-1])
    assert 0 < lengths[-1] <= length or lengths == [0]


@pytest.mark.parametrize("make", [io.BytesIO, Short, Pipe], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    "said", [(0, b""), (9_999, DATA[:10_000]), (10_001, DATA[:10_000]), (10_000, DATA[1:10_001]), (9_999, DATA[:9_999])]
)
def test_bytes_that_were_not_announced_are_refused(make: type[io.BytesIO], said: tuple[int, bytes]) -> None:
    """Before anything is sent: too few, too many, others. The body stays open."""
    body = make(DATA[:10_000])
    with pytest.raises(StorageRefused), checked(as_body(body), said[0], sha256(said[1])):
        pytest.fail("nothing may be sent")

    assert not body.closed


def test_trap_a_body_without_end_fills_the_disk() -> None:
    """What is longer than it was said to be is refused when that is seen, not at its end."""
    body = Endless(b"")
    with pytest.raises(StorageRefused), checked(as_body(body), len(DATA), sha256(DATA)):
        pytest.fail("nothing may be sent")

    assert body.taken <= len(DATA) + 2 * bodies.BLOCK


@pytest.mark.parametrize("make", [io.BytesIO, Short], ids=lambda make: make.__name__)
@pytest.mark.parametrize("before", [1, 7, 5000])
def test_trap_a_body_that_does_not_stand_at_the_beginning_of_its_file(make: type[io.BytesIO], before: int) -> None:
    """The body is what a reader would get; what lies before it in the file is never sent."""
    body = make(b"j" * before + DATA[:5000])
    body.seek(before)
    found, _ = joined(as_body(body), DATA[:5000], 1000)

    assert found == DATA[:5000]


@pytest.mark.parametrize("make", [io.BytesIO, Short], ids=lambda make: make.__name__)
def test_the_body_is_left_at_its_end_and_open(make: type[io.BytesIO]) -> None:
    """Also when only a part of it was sent."""
    body = make(DATA)
    with checked(as_body(body), len(DATA), sha256(DATA)) as whole:
        next(whole.parts(1000, deadline())).read(10)

    assert (body.closed, body.read()) == (False, b"")


def test_a_pipe_is_read_once_and_left_open() -> None:
    """It can't be rewound: what it gave is kept for the time of the put only."""
    body = Pipe(DATA)
    with checked(as_body(body), len(DATA), sha256(DATA)) as whole:
        kept = whole.stream
    assert (body.taken, body.closed, kept.closed) == (len(DATA), False, True)


def test_a_long_pipe_goes_to_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Beyond a megabyte it isn't held in memory, and nothing of it is left behind."""
    monkeypatch.setattr(bodies, "IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with checked(as_body(Pipe(DATA)), len(DATA), sha256(DATA)) as whole:
        assert getattr(whole.stream, "_rolled", False)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [1, 999, 50_000, 100_000, 200_000])
def test_the_digests_of_each_part_are_known(length: int) -> None:
    """Stores call the bytes by them, and requests are signed with them; a body in one part has one of each."""
    data = DATA[:5000] if length == 1 else DATA
    with checked(as_body(Pipe(data)), len(data), sha256(data), part=length) as whole:
        read = [part.read() for part in whole.parts(length, deadline())]

    assert list(whole.digests) == [(hashlib.md5(part).digest(), sha256(part)) for part in read]


def test_a_part_behaves_like_a_file() -> None:
    """Whatever is done to it: the same bytes, the same places, as from a BytesIO of the same content."""
    for seed in range(300):
        dice = random.Random(seed)
        data = DATA[: dice.randrange(300)]
        part, file = part_of(data, before=b"j" * dice.randrange(500)), io.BytesIO(data)
        for _ in range(dice.randrange(1, 12)):
            if dice.random() < 0.5:
                size = dice.choice([None, -1, 0, 1, dice.randrange(400)])
                assert part.read(size) == file.read(size), seed
            else:
                move = _move(dice)
                assert part.seek(*move) == file.seek(*move), (seed, move)
            assert part.tell() == file.tell(), seed
        assert len(part) == len(data)


def _move(dice: random.Random) -> tuple[int, int]:
    """Where to, never before the beginning from the beginning."""
    whence = dice.choice(WHENCES)
    return (dice.randrange(500) if whence == io.SEEK_SET else dice.randrange(-400, 400)), whence


def test_a_part_can_be_read_like_other_files() -> None:
    """By code that knows files: `readall`, and line by line."""
    part = part_of(b"one\ntwo\nthree", before=b"xx")

    assert (part.readable(), part.seekable(), part.writable()) == (True, True, False)
    assert part.readall() == b"one\ntwo\nthree"
    part.seek(0)
    assert list(part) == [b"one\n", b"two\n", b"three"]


def test_parts_of_one_stream_do_not_disturb_each_other() -> None:
    """One at a time, but in any order: a try that failed begins anew after the next part was looked at."""
    with checked(io.BytesIO(DATA), len(DATA), sha256(DATA)) as whole:
        one, two, *_ = whole.parts(1000, deadline())
        mixed = [one.read(10), two.read(10), one.read(990), two.read()]

    assert mixed == [DATA[:10], DATA[1000:1010], DATA[10:1000], DATA[1010:2000]]


def test_a_part_never_reads_beyond_itself() -> None:
    """Also when its seek went beyond."""
    part = part_of(b"01234", before=b"junk")
    part.seek(99)

    assert (part.read(), part.tell()) == (b"", 99)


def test_a_stream_that_shrank_ends_the_part() -> None:
    """It is short, and does not turn for ever: the store misses the rest of what was announced."""
    file = io.BytesIO(DATA)
    with checked(file, len(DATA), sha256(DATA)) as whole:
        [part] = whole.parts(len(DATA), deadline())
        file.truncate(100)
        assert part.read() == DATA[:100]


def test_trap_a_sender_that_reads_on_after_the_deadline() -> None:
    """A slow store takes piece after piece: the part ends it when the time is over."""
    limit = deadline()
    part = part_of(DATA, time_left=limit)
    part.read(1)
    limit.at = time.monotonic() - 1
    with pytest.raises(StorageTimeout):
        part.read(1)

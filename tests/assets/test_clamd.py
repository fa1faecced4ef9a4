"""What is asked of clamd, and what counts as its answer."""

import errno
import io
import socket
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.assets.clamd import PIECE, Clamd, Seconds
from app.errors import ScannerUnavailable
from app.settings import ScanSettings
from tests.standins.clamd import Clamd as Debians
from tests.standins.clamd_wire import FOUND, LIMIT, MARK, TOO_LARGE, StandIn, Talk, saying

HASTY = Seconds(connect=0.3, piece=0.3, whole=0.6, answer=0.3)
LARGE = 32 * 1024 * 1024  # bytes; more than sockets hold
NO_VERDICTS = [
    b"",
    b"\0",
    b"stream: OK",  # closed before its end
    b"stream: OK\n",
    b"stream: OK\0stream: OK\0",
    b"stream: OK\0\0",
    b" stream: OK\0",
    b"STREAM: OK\0",
    b"OK\0",
    b"stream: NOT OK\0",
    b"stream: OK OK\0",
    b"stream: FOUND\0",
    b"stream:  FOUND\0",
    b"stream: Can't create temporary file ERROR\0",
    b"INSTREAM: Can't write to temporary file. ERROR\0",
    b"COMMAND READ TIMED OUT\0",
    b"UNKNOWN COMMAND\0",
    b"PONG\0",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"stream: " + b"a" * 5000 + b" FOUND\0",
    b"\xff\xfe\0",
]


def clamd(url: str, seconds: Seconds | None = None) -> Clamd:
    """As the service makes it."""
    place = ScanSettings(clamd=url).clamd_at
    assert place
    return Clamd(place, seconds)


def scan(client: Clamd, data: bytes) -> str | None:
    """What it finds in these bytes."""
    return client.scan(io.BytesIO(data))


def reason(client: Clamd, data: bytes = b"abc") -> str:
    """Why there is no answer, told in less than five seconds."""
    began = time.monotonic()
    with pytest.raises(ScannerUnavailable) as refusal:
        scan(client, data)
    assert time.monotonic() - began < 5
    return refusal.value.detail


@pytest.mark.parametrize("size", [1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, LIMIT])
def test_nothing_is_found_in_nothing(clamd_url: str, size: int) -> None:
    """Of any size that it takes."""
    assert scan(clamd(clamd_url), bytes(size)) is None


@pytest.mark.parametrize("at", [0, 1, PIECE - 5, PIECE, 2 * PIECE + 7], ids=str)
def test_what_is_in_it_is_found_and_named(clamd_url: str, at: int) -> None:
    """Also where two pieces meet, and at the end."""
    assert scan(clamd(clamd_url), bytes(at) + MARK) == FOUND


@pytest.mark.parametrize("size", [LIMIT + 1, 3 * LIMIT, 12 * LIMIT], ids=str)
def test_a_file_above_its_limit_is_no_file_without_findings(clamd_url: str, size: int) -> None:
    """It closes in the middle of the file: the sentence that it sent before is read all the same."""
    assert "StreamMaxLength" in reason(clamd(clamd_url), bytes(size))


def test_it_tells_its_version(clamd_url: str) -> None:
    """In a word."""
    assert clamd(clamd_url).version().startswith("ClamAV 1.")


@pytest.mark.slow
def test_a_socket_of_the_machine_is_as_good(debians_clamd: Debians) -> None:
    """The same answers."""
    client = clamd(debians_clamd.unix_url)

    assert (scan(client, b"abc"), scan(client, MARK)) == (None, FOUND)
    assert client.version() == clamd(debians_clamd.url).version()


def zipped(content: bytes) -> bytes:
    """An archive of one file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", content)
    return packed.getvalue()


@pytest.mark.slow
def test_archives_are_looked_into(debians_clamd: Debians) -> None:
    """Which is what it is asked for."""
    packed = zipped(MARK * 100)

    assert MARK not in packed
    assert scan(clamd(debians_clamd.url), packed) == FOUND


@pytest.mark.slow
def test_what_it_does_not_look_into_to_the_end_is_no_pass(debians_clamd: Debians) -> None:
    """As it is set up on our page: an archive that unpacks to too much."""
    found = scan(clamd(debians_clamd.url), zipped(bytes(9 * LIMIT)))

    assert (found or "").startswith("Heuristics.Limits.Exceeded")


@pytest.mark.parametrize("answer", NO_VERDICTS, ids=lambda answer: repr(answer[:24]))
def test_what_is_no_verdict_is_no_pass(stand_in: StandIn, answer: bytes) -> None:
    """Only its own word for it, whole, is."""
    stand_in.does = saying(answer)

    assert reason(clamd(stand_in.url)) == "The virus scanner gave no verdict."


def test_the_stand_ins_own_words_are_verdicts(stand_in: StandIn) -> None:
    """So that the test above could fail."""
    stand_in.does = saying(b"stream: OK\0")
    passed = scan(clamd(stand_in.url), MARK)
    stand_in.does = saying(b"stream: A b\n\x1b[1m\xff FOUND\0")

    assert (passed, scan(clamd(stand_in.url), b"abc")) == (None, "A b[1m\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize("answer", [b"", b"stream: OK\0", TOO_LARGE])
@pytest.mark.parametrize("pieces", [0, 1, 3])
def test_who_closes_before_the_end_has_not_seen_it(stand_in: StandIn, pieces: int, answer: bytes) -> None:
    """Whatever it says."""

    def does(talk: Talk) -> None:
        talk.command()
        for _ in range(pieces):
            talk.piece()
        talk.say(answer)

    stand_in.does = does

    assert reason(clamd(stand_in.url), bytes(LARGE))


def silent(talk: Talk) -> None:
    """Takes the file, and thinks until the other one has gone."""
    saying(b"")(talk)
    talk.connection.recv(1)


def deaf(talk: Talk) -> None:
    """Takes a little, then nothing."""
    talk.command()
    talk.piece()
    time.sleep(1)


def slow(talk: Talk) -> None:
    """Takes all of it, in its own time."""
    talk.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    talk.command()
    while talk.piece():
        time.sleep(0.05)
    talk.say(b"stream: OK\0")


def dripping(talk: Talk) -> None:
    """Says it letter by letter."""
    saying(b"")(talk)
    for letter in b"stream: OK":
        talk.connection.send(bytes([letter]))
        time.sleep(0.1)
    talk.say(b"\0")


@pytest.mark.parametrize("does", [silent, deaf, slow, dripping])
def test_one_that_takes_its_time_is_not_waited_for(stand_in: StandIn, does: Callable[[Talk], None]) -> None:
    """Neither with a piece, nor with the file, nor with the answer."""
    stand_in.does = does

    assert reason(clamd(stand_in.url, HASTY), bytes(LARGE)) == "The virus scanner does not answer in time."


def test_one_that_does_not_come_to_us_is_not_waited_for() -> None:
    """It loads its signatures, or its machine is gone: connections stay in the queue."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as busy:
        client = clamd(f"tcp://127.0.0.1:{busy.getsockname()[1]}", HASTY)

        assert [reason(client) for _ in range(3)] == ["The virus scanner does not answer in time."] * 3
        with pytest.raises(ScannerUnavailable):
            client.version()


def test_nobody_there(tmp_path: Path) -> None:
    """At the port, or at the path; the sentence has neither."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"tcp://127.0.0.1:{closed.getsockname()[1]}"

    assert reason(clamd(url)) == "The virus scanner cannot be reached: Connection refused."
    assert reason(clamd(f"unix://{tmp_path}/s")) == "The virus scanner cannot be reached: No such file or directory."


def test_what_it_says_of_its_machine_stays_here(stand_in: StandIn) -> None:
    """A path of it, say."""
    stand_in.does = saying(b"stream: /var/lib/a-path: lstat() failed. ERROR\0")

    assert "a-path" not in reason(clamd(stand_in.url))


@pytest.mark.parametrize("answer", [b"", b"ClamAV 1.4.6", b"ClamAV \0", b"PONG\0", b"stream: OK\0"])
def test_what_is_no_version_is_no_scanner(stand_in: StandIn, answer: bytes) -> None:
    """Something else listens there."""
    stand_in.does = lambda talk: talk.say(talk.command() and answer)

    with pytest.raises(ScannerUnavailable):
        clamd(stand_in.url).version()


class Broken(io.RawIOBase):
    """A spool file on a disk that fails."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Not any more."""
        raise OSError(errno.EIO, "broken")


def test_our_own_disk_is_not_the_scanners_fault(stand_in: StandIn) -> None:
    """What fails while the file is read leaves as it is."""
    with pytest.raises(OSError, match="broken"):
        clamd(stand_in.url).scan(Broken())

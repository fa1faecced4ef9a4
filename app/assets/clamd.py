"""What we speak of clamd's protocol: one connection, one command, one answer."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import BinaryIO

from app.errors import ScannerUnavailable
from app.telemetry import log

PIECE = 128 * 1024  # bytes sent at once
LONGEST = 1024  # bytes of an answer
VERDICT = re.compile(rb"stream: (?:OK|(?P<found>[^\0]+) FOUND)\0")
VERSION = re.compile(rb"(?P<version>ClamAV [^\0]+)\0")
TOO_LARGE = b"INSTREAM size limit exceeded. ERROR\0"


@dataclass(frozen=True, slots=True)
class Seconds:
    """What clamd gets: to take a connection, a piece of a file, the whole file, and then to answer."""

    connect: float = 5.0
    piece: float = 10.0
    whole: float = 60.0
    answer: float = 60.0


class Clamd:
    """One clamd, at (host, port) or at the path of its socket. Blocks; each question has a connection of its own.

    Whatever is no verdict about all of a file is `ScannerUnavailable`: nothing passes because nobody said no.
    Source: clamd(8), INSTREAM; the `z` before a command makes NUL the end of command and answer.
    """

    def __init__(self, place: tuple[str, int] | str, seconds: Seconds | None = None) -> None:
        self._place = place
        self._seconds = seconds or Seconds()

    def scan(self, body: BinaryIO) -> str | None:
        """The name of what it finds in these bytes; None: nothing."""
        with self._connected() as connection:
            whole = self._send(connection, body)
            said = self._answer(connection, self._seconds.answer)
        if said == TOO_LARGE:
            raise ScannerUnavailable("The file is larger than the virus scanner takes: raise its StreamMaxLength.")
        verdict = VERDICT.fullmatch(said)
        if verdict and verdict["found"]:
            return _plain(verdict["found"])
        if verdict and whole:
            return None
        raise _no_answer(said)

    def version(self) -> str:
        """`ClamAV 1.4.3/27800/…`: its own, and those of its signatures. It answers once these are loaded."""
        with self._connected() as connection:
            self._give(connection, b"zVERSION\0", self._seconds.piece)
            said = self._answer(connection, self._seconds.connect)
        known = VERSION.fullmatch(said)
        if known is None:
            raise _no_answer(said)
        return _plain(known["version"])

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with _translated():
            connection = self._connect()
        with connection:
            yield connection

    def _connect(self) -> socket.socket:
        if not isinstance(self._place, str):
            return socket.create_connection(self._place, self._seconds.connect)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(self._seconds.connect)
            connection.connect(self._place)
        except OSError:
            connection.close()
            raise
        return connection

    def _send(self, connection: socket.socket, body: BinaryIO) -> bool:
        """Whether it took all. One that closes before the end may have said why."""
        end = monotonic() + self._seconds.whole
        blocks = _framed(body)
        return all(self._give(connection, block, min(self._seconds.piece, end - monotonic())) for block in blocks)

    def _give(self, connection: socket.socket, block: bytes, seconds: float) -> bool:
        with _translated():
            try:
                connection.settimeout(_some(seconds))
                connection.sendall(block)
            except ConnectionError:
                return False
        return True

    def _answer(self, connection: socket.socket, seconds: float) -> bytes:
        """What it says, to the NUL at its end, if it comes to that."""
        end, said = monotonic() + seconds, b""
        with _translated():
            while not said.endswith(b"\0") and len(said) < LONGEST:
                connection.settimeout(_some(end - monotonic()))
                piece = connection.recv(LONGEST)
                if not piece:
                    break
                said += piece
        return said


def _framed(body: BinaryIO) -> Iterator[bytes]:
    """The command, each piece behind its length, and the length 0 that ends it."""
    yield b"zINSTREAM\0"
    while piece := body.read(PIECE):
        yield len(piece).to_bytes(4, "big") + piece
    yield bytes(4)


def _some(seconds: float) -> float:
    """A time-out of 0 would be none."""
    if seconds <= 0:
        raise TimeoutError
    return seconds


@contextmanager
def _translated() -> Iterator[None]:
    """Around the calls to its socket alone: what fails on our disk is the disk's to tell."""
    try:
        yield
    except TimeoutError:
        raise ScannerUnavailable("The virus scanner does not answer in time.") from None
    except OSError as failure:
        reason = failure.strerror or "no connection"
        raise ScannerUnavailable(f"The virus scanner cannot be reached: {reason}.") from None


def _no_answer(said: bytes) -> ScannerUnavailable:
    """The log has what it said: that may be a path of its machine."""
    log("clamd.said", level=30, answer=_plain(said))
    return ScannerUnavailable("The virus scanner gave no verdict.")


def _plain(said: bytes) -> str:
    """Readable, and not long."""
    return "".join(char for char in said.decode("ascii", "replace") if char.isprintable())[:200]

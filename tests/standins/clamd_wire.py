"""A clamd of our own: as strict as Debian's about its protocol, and as faulty as a test wants it to be."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

MARK = b"STOWAGE-TEST-SIGNATURE"  # what the tests' signature stands for
FOUND = "Stowage.Test.UNOFFICIAL"  # what clamd calls a signature that its makers did not sign
LIMIT = 1024 * 1024  # bytes, StreamMaxLength
TOO_LARGE = b"INSTREAM size limit exceeded. ERROR\0"


class Talk:
    """One connection, as clamd sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._stream = connection.makefile("rb")

    def command(self) -> bytes:
        """What comes before the first NUL."""
        letters = b""
        while letter := self._stream.read(1).strip(b"\0"):
            letters += letter
        return letters

    def piece(self) -> bytes:
        """The next piece of a file; b"" at its end. ConnectionError when it isn't all there."""
        length = int.from_bytes(self._exactly(4), "big")
        return self._exactly(length)

    def say(self, answer: bytes) -> None:
        """To whom may have gone."""
        with contextlib.suppress(OSError):
            self.connection.sendall(answer)

    def close(self) -> None:
        """With what was not read yet, as clamd does."""
        self._stream.close()
        self.connection.close()

    def _exactly(self, length: int) -> bytes:
        data = self._stream.read(length)
        if len(data) != length:
            raise ConnectionError
        return data


class StandIn:
    """A running stand-in. `does` is what it does with a connection; honest if nobody says anything."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        self.does: Callable[[Talk], None] = honest
        self.calls = 0
        self.stopping = threading.Event()
        self._listener = listener
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        """Take connections until it is stopped."""
        while not self.stopping.is_set():
            connection, _ = self._listener.accept()
            self.calls += 1
            self._threads.append(threading.Thread(target=self._serve, args=[connection]))
            self._threads[-1].start()

    def stop(self) -> None:
        """Whatever waits for the stop, ends."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), 5).close()

    def join(self) -> None:
        """Until all has ended."""
        for thread in self._threads:
            thread.join(10)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        talk = Talk(connection)
        with contextlib.suppress(OSError):
            self.does(talk)
        talk.close()


def honest(talk: Talk) -> None:
    """As Debian's clamd, with one signature."""
    answer(talk, talk.command())


def answer(talk: Talk, command: bytes) -> None:
    """The honest answer to a command that was read."""
    match command:
        case b"zINSTREAM":
            talk.say(_scanned(talk))
        case b"zVERSION":
            talk.say(b"ClamAV 1.4.6\0")
        case _:
            talk.say(b"UNKNOWN COMMAND\0")


def saying(answer: bytes) -> Callable[[Talk], None]:
    """Takes a command, a file to its end if one comes, and says this."""

    def does(talk: Talk) -> None:
        file = talk.command() == b"zINSTREAM"
        while file and talk.piece():
            pass
        talk.say(answer)

    return does


@contextlib.contextmanager
def running() -> Iterator[StandIn]:
    """A stand-in on a port of the loopback, gone when the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stand_in = StandIn(listener)
        thread = threading.Thread(target=stand_in.run)
        thread.start()
        try:
            yield stand_in
        finally:
            stand_in.stop()
            thread.join(10)
            stand_in.join()


def _scanned(talk: Talk) -> bytes:
    data = b""
    while piece := talk.piece():
        data += piece
        if len(data) > LIMIT:
            return TOO_LARGE
    return f"stream: {FOUND} FOUND\0".encode() if MARK in data else b"stream: OK\0"

"""The proxy does to connections what it is told, no more and no less."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import HEALTHY, Proxy, Trouble

HALF_A_MEGABYTE = bytes(range(256)) * 2048


class Echo:
    """A server that says again what it hears, to the end, and remembers how each connection ended."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.broken = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def close(self) -> None:
        """Wait for the ends of all connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._echo, args=[connection]))
                self._threads[-1].start()

    def _echo(self, connection: socket.socket) -> None:
        heard = b""
        with connection:
            try:
                while data := connection.recv(65_536):
                    heard += data
                    self.heard.append(data)
                    connection.sendall(data)
            except OSError:
                self.broken += 1


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server."""
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    """A proxy before it."""
    with Proxy(echo.port) as proxy:
        yield proxy


@contextlib.contextmanager
def connected(proxy: Proxy) -> Iterator[socket.socket]:
    """A connection through the proxy."""
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        yield connection


def said(proxy: Proxy, data: bytes) -> bytes:
    """What comes back for this, until the connection ends."""
    with connected(proxy) as connection:
        sender = threading.Thread(target=_send, args=[connection, data])
        sender.start()
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                received += piece
        sender.join()
        return received


def _send(connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def test_a_healthy_proxy_passes_everything_on(proxy: Proxy) -> None:
    """Both ways, to the ends."""
    assert said(proxy, HALF_A_MEGABYTE) == HALF_A_MEGABYTE
    assert (proxy.up, proxy.down, proxy.cuts) == (len(HALF_A_MEGABYTE), len(HALF_A_MEGABYTE), 0)


@pytest.mark.parametrize("reset", [False, True])
def test_what_the_client_says_is_cut_to_the_byte(proxy: Proxy, echo: Echo, *, reset: bool) -> None:
    """With an end in good order all bytes before it arrive; with a RST some may be lost."""
    proxy.trouble = Trouble(cut_up=1000, reset=reset)
    said(proxy, bytes(5000))
    deadline = time.monotonic() + (0.2 if reset else 10)  # the other end reads in a thread of its own
    while (arrived := sum(map(len, echo.heard))) < 1000 and time.monotonic() < deadline:
        time.sleep(0.01)

    assert arrived == 1000 or (reset and arrived <= 1000)
    assert proxy.cuts == 1


def test_an_answer_is_cut_to_the_byte(proxy: Proxy) -> None:
    """The client gets so many bytes, and the end."""
    proxy.trouble = Trouble(cut_down=1000)

    assert said(proxy, bytes(5000)) == bytes(1000)


def test_an_answer_is_dropped(proxy: Proxy, echo: Echo) -> None:
    """The server has heard it all."""
    proxy.trouble = Trouble(deaf=True)

    assert said(proxy, bytes(5000)) == b""
    assert sum(map(len, echo.heard)) == 5000


@pytest.mark.parametrize("deaf", [False, True])
def test_a_word_ends_the_connection(proxy: Proxy, echo: Echo, *, deaf: bool) -> None:
    """It does not arrive, or its answer doesn't; also when it comes in two pieces. Then what was said holds."""
    proxy.trouble = Trouble(at=b"COMMIT", deaf=deaf, then=HEALTHY)
    with connected(proxy) as connection:
        connection.sendall(b"BEGIN; COM")
        first = connection.recv(100)
        connection.sendall(b"MIT; MORE")
        rest = connection.recv(100)

    assert (first, rest) == (b"BEGIN; COM", b"")
    assert b"".join(echo.heard) == (b"BEGIN; COMMIT; MORE" if deaf else b"BEGIN; COM")
    assert said(proxy, b"COMMIT") == b"COMMIT"


def test_a_slow_line_is_slow(proxy: Proxy) -> None:
    """40 KB at 200 KB a second take a fifth of a second each way."""
    proxy.trouble = Trouble(rate=200_000)
    began = time.monotonic()

    assert len(said(proxy, bytes(40_000))) == 40_000
    assert time.monotonic() - began > 0.15


def test_a_latency_is_waited_for(proxy: Proxy) -> None:
    """In both directions."""
    proxy.trouble = Trouble(latency=0.1)
    began = time.monotonic()

    assert said(proxy, b"x") == b"x"
    assert time.monotonic() - began > 0.2


def test_silence_holds_what_is_said_until_it_is_over(proxy: Proxy) -> None:
    """On open connections and on new ones."""
    with connected(proxy) as old:
        old.sendall(b"1")
        assert old.recv(10) == b"1"
        proxy.trouble = Trouble(silent=True)
        with connected(proxy) as new:
            for connection in (old, new):
                connection.sendall(b"2")
                connection.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    connection.recv(10)
            proxy.heal()
            for connection in (old, new):
                connection.settimeout(5)
                assert connection.recv(10) == b"2"


def test_connections_are_refused_and_cut(proxy: Proxy, echo: Echo) -> None:
    """New ones end at once; open ones with a RST when they are cut."""
    with connected(proxy) as open_one:
        open_one.sendall(b"1")
        assert open_one.recv(10) == b"1"
        proxy.trouble = Trouble(refuse=True)
        assert said(proxy, b"2") == b""
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            open_one.recv(10)

    assert proxy.accepted == 2


def test_some_connections_are_lucky(proxy: Proxy) -> None:
    """With a chance of none nothing happens."""
    proxy.trouble = Trouble(refuse=True, chance=0.0)

    assert said(proxy, b"1") == b"1"


def test_open_connections_are_forgotten(proxy: Proxy) -> None:
    """Nothing passes on them any more, while new ones are well."""
    with connected(proxy) as old:
        old.sendall(b"1")
        assert old.recv(10) == b"1"
        proxy.forget()
        old.sendall(b"2")
        assert said(proxy, b"3") == b"3"
        old.settimeout(0.1)
        with pytest.raises(TimeoutError):
            old.recv(10)

"""The load: several clients at once, each on a connection of its own, until nobody listens any more."""

import contextlib
import random
import socket
import threading
import time

from tests.crash.book import Book
from tests.crash.clients import Client
from tests.crash.contents import KEY
from tests.crash.service import HarnessError, Service
from tests.crash.talk import FORM, Lost, Refused

CLIENTS = 5
JOIN_SECONDS = 120


class Load:
    """The clients of one round."""

    def __init__(self, book: Book, service: Service, seed: str) -> None:
        self.clients = [Client(book, service, random.Random(f"{seed}/{n}")) for n in range(CLIENTS)]
        self._open = threading.Event()  # the way is free
        self._open.set()
        self._ended = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._drive, args=[client]) for client in self.clients]

    def begin(self) -> None:
        """Let them go."""
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Return when every client has its answer and waits."""
        self._open.clear()
        deadline = time.monotonic() + JOIN_SECONDS
        while any(client.busy for client in self.clients):
            if time.monotonic() > deadline:
                raise HarnessError("a client did not come to rest")
            time.sleep(0.002)

    def end(self) -> None:
        """The service is dead: wait for the clients."""
        self._ended.set()
        self._open.set()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        for client in self.clients:
            client.close()
        if any(thread.is_alive() for thread in self._threads):
            raise HarnessError("a client did not end")
        if self._failures:
            raise HarnessError("a client failed") from self._failures[0]

    def _drive(self, client: Client) -> None:
        while self._open.wait() and not self._failures:
            client.busy = True
            try:
                if self._open.is_set():  # still: pause() looks at `busy` after it has closed the way
                    client.act()
            except Refused:
                return
            except Lost:
                if self._ended.is_set():
                    return
            except Exception as failure:  # noqa: BLE001 - told by end()
                self._failures.append(failure)
            finally:
                client.busy = False


class Dawdler:
    """A client that stalls in the middle of its body when the service is told to end."""

    def __init__(self, book: Book, service: Service) -> None:
        self._book = book
        lines = ["POST /v1/assets?kind=file HTTP/1.1", "Host: x", "Content-Length: 1000000"]
        lines += [f"{name}: {value}" for name, value in (KEY | FORM).items()]
        self._socket = socket.create_connection(("127.0.0.1", service.port), timeout=JOIN_SECONDS)
        self._socket.sendall("\r\n".join([*lines, "", "--"]).encode())

    def end(self) -> None:
        """What it was told: 503, or 408, or nothing. Never that the service is broken."""
        said = b""
        with self._socket, contextlib.suppress(ConnectionError):
            while piece := self._socket.recv(1 << 16):
                said += piece
        head = said.partition(b"\r\n\r\n")[0].lower()
        fine = head.startswith((b"http/1.1 503 ", b"http/1.1 408 "))
        if said and (not fine or (b" 503 " in head and b"retry-after:" not in head)):
            self._book.complain("dropped", f"a stalled upload was told {said[:200]!r} at SIGTERM")

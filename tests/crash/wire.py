"""A proxy before Postgres that sees the statements of an upload pass, and can hold one back for ever."""

import contextlib
import selectors
import socket
from typing import Self
from urllib.parse import urlsplit

from tests.crash.aim import COMMITTED, INSERT, INSERTED, SETTLE, SETTLED, STORED, Gun, Triggers
from tests.crash.watcher import Watcher

TRIGGERS: Triggers = {
    "9": [(INSERT, 0)],
    "10": [(INSERTED, 0.004), (INSERTED, 0.03)],
    "10-11": [(STORED, 0)],
    "11": [(SETTLE, 0), (COMMITTED, 0)],
    "after": [(SETTLED, 0.002)],
}
IDLE = b"Z\x00\x00\x00\x05I"  # ReadyForQuery, outside of a transaction
TABLES = (b"assets", b"slots", b"claims")
BLOCK = 1 << 16


class Sight:
    """One upload, watched while it is the only one."""

    def __init__(self, gun: Gun) -> None:
        self._gun = gun
        self._connection: object = None  # the one that the transaction is on

    def asked(self, connection: object, data: bytes) -> bool:
        """Statements come; whether they may pass."""
        if self._gun.stage == INSERTED and any(table in data for table in TABLES):
            self._connection = connection
            return not self._gun.sees(STORED)
        return not self._gun.shot.is_set()

    def passed(self, connection: object, data: bytes) -> None:
        """They have been sent on."""
        if self._gun.stage == "" and b"INSERT INTO assets" in data:
            self._connection = connection
            self._gun.sees(INSERT)
        elif self._gun.stage == STORED and connection is self._connection:
            self._gun.sees(SETTLE)

    def answered(self, connection: object, data: bytes) -> bool:
        """Postgres answers; whether that may pass."""
        if self._gun.stage == SETTLE and connection is self._connection and data.endswith(IDLE):
            return not self._gun.sees(COMMITTED)
        return not self._gun.shot.is_set()

    def told(self, connection: object, data: bytes) -> None:
        """The answer has been sent on."""
        if connection is self._connection and data.endswith(IDLE):
            next_stage = {INSERT: INSERTED, COMMITTED: SETTLED}.get(self._gun.stage)
            if next_stage:
                self._gun.sees(next_stage)


class Wire(Watcher):
    """One thread carries all connections, so that holding one back holds all."""

    triggers = TRIGGERS

    def __init__(self, url: str) -> None:
        super().__init__("wire")
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        who = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        self.url = parts._replace(netloc=f"{who}127.0.0.1:{self._listener.getsockname()[1]}").geturl()
        self._sight: Sight | None = None
        self._others: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._stop, self._stopped = socket.socketpair()
        for each in (self._listener, self._stopped):
            self._selector.register(each, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._thread.join()

    def watch(self, gun: Gun | None) -> None:
        """From now on, look at what passes."""
        self._sight = Sight(gun) if gun else None

    def _work(self) -> None:
        with self._selector, self._listener, self._stopped:
            while True:
                for key, _ in self._selector.select():
                    if key.fileobj is self._stopped:
                        self._close_all()
                        return
                    if key.fileobj is self._listener:
                        self._connect()
                    elif key.fileobj in self._others:  # it may have been closed since select()
                        self._carry(key.fileobj)

    def _connect(self) -> None:
        client = self._listener.accept()[0]
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        self._others |= {client: server, server: client}
        self._clients.add(client)
        for each in (client, server):
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(each, selectors.EVENT_READ)

    def _carry(self, source: socket.socket) -> None:
        target = self._others[source]
        try:
            data = source.recv(BLOCK)
            if not data or not self._passes(source, target, data):
                self._close(source)
        except OSError:
            self._close(source)

    def _passes(self, source: socket.socket, target: socket.socket, data: bytes) -> bool:
        """Send on what came; False when the service is dead, and it was not."""
        sight, from_service = self._sight, source in self._clients
        if sight is None:
            target.sendall(data)
            return True
        connection = source if from_service else target
        if not (sight.asked if from_service else sight.answered)(connection, data):
            return False
        target.sendall(data)
        (sight.passed if from_service else sight.told)(connection, data)
        return True

    def _close(self, one: socket.socket) -> None:
        other = self._others.pop(one)
        del self._others[other]
        for each in (one, other):
            self._clients.discard(each)
            self._selector.unregister(each)
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _close_all(self) -> None:
        while self._others:
            self._close(next(iter(self._others)))

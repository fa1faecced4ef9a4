"""A cheap HTTP/1.1 client on epoll and bare sockets, so that the client is not what limits the server."""

import contextlib
import hashlib
import http.client
import json
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 120.0
MOST_ERRORS = 50


class Answer:
    """One response, put together from the pieces the socket gives."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._length = -1
        self.status = 0

    def feed(self, data: bytes) -> bool:
        """Take some bytes; True once the response is complete."""
        self._bytes += data
        while self._length < 0:
            end = self._bytes.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._read_head(bytes(self._bytes[:end]))
            del self._bytes[: end + 4]
        return len(self._bytes) >= self._length

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.lower().split(b"\r\n")
        self.status = int(first.split(b" ", 2)[1])
        if self.status == http.HTTPStatus.CONTINUE:
            return
        fields = dict(line.split(b":", 1) for line in lines)
        if b"content-length" not in fields:
            raise OSError(f"an answer {self.status} without a length")
        self._length = int(fields[b"content-length"])

    @property
    def good(self) -> bool:
        """Whether the upload was taken."""
        return self.status == http.HTTPStatus.CREATED

    def json(self) -> Any:
        """The body."""
        return json.loads(self._bytes)

    def __str__(self) -> str:
        return f"{self.status} {bytes(self._bytes[:200])!r}"


@dataclass
class Load:
    """What came of many small requests."""

    seconds: list[float] = field(default_factory=list)
    wall: float = 0.0
    samples: dict[int, Answer] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3 if ordered else float("nan")


class _Lane:
    """One keep-alive connection of the closed loop."""

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.socket.setblocking(False)
        self.number, self.began = -1, 0.0
        self.rest, self.answer = memoryview(b""), Answer()

    def begin(self, number: int, request: bytes) -> None:
        self.number, self.rest, self.answer = number, memoryview(request), Answer()
        self.began = time.perf_counter()

    def push(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest) :]

    def pull(self) -> bool:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return self.answer.feed(data)


class ClosedLoop:
    """Sends requests over keep-alive connections, each connection again as soon as it has its answer."""

    def __init__(self, port: int, requests: list[bytes], sampled: set[int], seconds: float) -> None:
        self._port, self._requests, self._sampled = port, requests, sampled
        self._last_start = time.perf_counter() + seconds
        self._selector = selectors.DefaultSelector()
        self._next = 0
        self.load = Load()

    def run(self, connections: int) -> Load:
        """Send them all; requests that are never answered count as failed."""
        lanes = [_Lane(self._port) for _ in range(min(connections, len(self._requests)))]
        began = time.perf_counter()
        for lane in lanes:
            self._selector.register(lane.socket, selectors.EVENT_READ, lane)
            self._advance(lane)
        while open_lanes := self._selector.get_map():
            ready = self._selector.select(TIMEOUT_SECONDS / 4)
            if not ready or len(self.load.complaints) > MOST_ERRORS:
                self.load.complaints += ["a request was never answered"] * len(open_lanes)
                break
            for key, _ in ready:
                self._serve(key.data)
        self.load.wall = time.perf_counter() - began
        for lane in lanes:
            lane.socket.close()
        self._selector.close()
        return self.load

    def _serve(self, lane: _Lane) -> None:
        try:
            if lane.rest:
                self._push(lane)
            if lane.pull():
                self._finish(lane)
                self._advance(lane)
        except BlockingIOError:
            return
        except OSError as error:
            self.load.complaints.append(repr(error))
            self._replace(lane)

    def _push(self, lane: _Lane) -> None:
        lane.push()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if lane.rest else 0)
        if self._selector.get_key(lane.socket).events != wanted:
            self._selector.modify(lane.socket, wanted, lane)

    def _finish(self, lane: _Lane) -> None:
        self.load.seconds.append(time.perf_counter() - lane.began)
        if not lane.answer.good:
            self.load.complaints.append(str(lane.answer))
        elif lane.number in self._sampled:
            self.load.samples[lane.number] = lane.answer

    def _advance(self, lane: _Lane) -> None:
        """Begin the next request, or leave if there is none or no time."""
        if self._next >= len(self._requests) or time.perf_counter() > self._last_start:
            self._selector.unregister(lane.socket)
            return
        lane.begin(self._next, self._requests[self._next])
        self._next += 1
        self._push(lane)

    def _replace(self, lane: _Lane) -> None:
        """Go on over a new connection."""
        self._selector.unregister(lane.socket)
        lane.socket.close()
        lane.socket = connect(self._port)
        lane.socket.setblocking(False)
        self._selector.register(lane.socket, selectors.EVENT_READ, lane)
        self._advance(lane)


def connect(port: int) -> socket.socket:
    """A connection to this machine."""
    opened = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def stream(port: int, pieces: Iterable[bytes | memoryview]) -> Answer:
    """Send one long request and wait for its answer, also if it comes before the end."""
    answer = Answer()
    with connect(port) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                opened.sendall(piece)
        while not answer.feed(data := opened.recv(65536)):
            if not data:
                raise ConnectionResetError("the server closed the connection")
    return answer


def read_back(port: int, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and SHA-256 of what a path serves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        digest = hashlib.sha256()
        while piece := response.read(1 << 20):
            digest.update(piece)
        return response.status, digest.hexdigest()

"""A cheap HTTP/1.1 client on epoll and bare sockets, so that the client is not what limits the server."""

import contextlib
import hashlib
import http.client
import json
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 120.0
MOST_ERRORS = 50
READING, WRITING = select.EPOLLIN, select.EPOLLIN | select.EPOLLOUT


class Answer:
    """One response, put together from the pieces the socket gives."""

    __slots__ = ("_bytes", "_length", "status")

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
            self._read_head(bytes(self._bytes[:end]).lower())
            del self._bytes[: end + 4]
        return len(self._bytes) >= self._length

    def _read_head(self, head: bytes) -> None:
        self.status = int(head[9:12])
        if self.status == http.HTTPStatus.CONTINUE:
            return
        _, found, rest = head.partition(b"\r\ncontent-length:")
        if not found and self.status != http.HTTPStatus.NO_CONTENT:
            raise OSError(f"an answer {self.status} without a length")
        self._length = int(rest.split(b"\r\n", 1)[0]) if found else 0

    @property
    def good(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self._bytes)

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
    started: int = 0
    received: int = 0  # bytes of bodies
    samples: dict[int, Answer] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def milliseconds(self, share: float) -> float:
        """The latency that this share of the requests did not exceed."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3 if ordered else float("nan")


class _Lane:
    """One keep-alive connection."""

    __slots__ = ("answer", "began", "number", "rest", "socket")

    def __init__(self, port: int) -> None:
        self.socket = connect(port)
        self.socket.setblocking(False)
        self.number, self.began = -1, 0.0
        self.rest, self.answer = memoryview(b""), Answer()

    def begin(self, number: int, request: bytes, began: float) -> None:
        self.number, self.began = number, began
        self.rest, self.answer = memoryview(request), Answer()

    def push(self) -> bool:
        """Send what can be sent; whether something is left."""
        with contextlib.suppress(BlockingIOError):
            while self.rest:
                self.rest = self.rest[self.socket.send(self.rest) :]
        return bool(self.rest)

    def pull(self) -> bool:
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return self.answer.feed(data)


class Loop:
    """Sends requests over keep-alive connections; `request` gives the bytes of the one with a number.

    Closed (no rate): each connection sends again as soon as it has its answer, until `count` requests were sent and
    `least` seconds are over, or `most` seconds. Open (a rate per second): each request has its
    planned time, whatever became of the others, and its latency counts from there.
    """

    def __init__(
        self,
        port: int,
        request: Callable[[int], bytes],
        count: int,
        *,
        sampled: Iterable[int] = (),
        least: float = 0.0,
        most: float = 60.0,
        rate: float | None = None,
    ) -> None:
        self._port, self._request, self._count, self._sampled = port, request, count, set(sampled)
        self._least, self._most, self._rate = least, most, rate
        self._epoll = select.epoll()
        self._busy: dict[int, _Lane] = {}
        self._idle: deque[_Lane] = deque()
        self._began = 0.0
        self.load = Load()

    def run(self, connections: int) -> Load:
        """Send them all; requests that are never answered count as failed."""
        load = self.load
        self._idle.extend(self._opened() for _ in range(min(connections, self._count)))
        self._began = time.perf_counter()
        pause = self._start()
        while self._busy or pause is not None:
            ready = self._epoll.poll(TIMEOUT_SECONDS / 4 if pause is None else pause)
            if (not ready and pause is None) or len(load.complaints) > MOST_ERRORS:
                load.complaints += ["a request was never answered"] * len(self._busy)
                break
            for number, _ in ready:
                self._serve(self._busy[number])
            pause = self._start()
        load.wall = time.perf_counter() - self._began
        for lane in (*self._idle, *self._busy.values()):
            lane.socket.close()
        self._epoll.close()
        return load

    def _start(self) -> float | None:
        """Start what is due; the seconds until the next one is, None if there is none or no connection for it."""
        while self._idle:
            now = time.perf_counter()
            number, passed = self.load.started, now - self._began
            if passed > self._most or (number >= self._count and (self._rate or passed >= self._least)):
                return None
            planned = self._began + number / self._rate if self._rate else now
            if planned > now:
                return planned - now
            self.load.started += 1
            lane = self._idle.popleft()
            lane.begin(number, self._request(number), planned)
            self._busy[lane.socket.fileno()] = lane
            if lane.push():
                self._epoll.modify(lane.socket, WRITING)
        return None

    def _serve(self, lane: _Lane) -> None:
        try:
            if lane.rest and not lane.push():
                self._epoll.modify(lane.socket, READING)
            if lane.pull():
                self._finish(lane)
        except BlockingIOError:
            return
        except OSError as error:
            self.load.complaints.append(repr(error))
            self._leave(lane)
            lane.socket.close()
            self._idle.append(self._opened())

    def _finish(self, lane: _Lane) -> None:
        answer = lane.answer
        self.load.seconds.append(time.perf_counter() - lane.began)
        self.load.received += answer.size
        if not answer.good:
            self.load.complaints.append(str(answer))
        elif lane.number in self._sampled:
            self.load.samples[lane.number] = answer
        self._leave(lane)
        self._idle.append(lane)

    def _leave(self, lane: _Lane) -> None:
        del self._busy[lane.socket.fileno()]

    def _opened(self) -> _Lane:
        lane = _Lane(self._port)
        self._epoll.register(lane.socket, READING)
        return lane


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

"""A TCP proxy on the loopback that spoils what passes: between a client, the service, its database and its store."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

PIECE = 64 * 1024
POLL = 0.02  # seconds between two looks at whether the silence is over
AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER for no time: closing is a RST


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to connections, also to those that are open already. Nothing, if nothing is said."""

    latency: float = 0.0  # seconds that each piece waits, in both directions
    rate: float = 0.0  # bytes a second of each direction; 0: as fast as it goes
    cut_up: int | None = None  # bytes of the client that pass before the connection ends
    cut_down: int | None = None  # bytes of the server that pass before it ends
    at: bytes | None = None  # the connection ends when the client says this: it does not arrive
    deaf: bool = False  # the connection ends at the first byte of an answer; with `at`: of the answer to that
    reset: bool = False  # ends are RSTs, in both directions
    silent: bool = False  # connections are accepted, and nothing passes until it is healed
    refuse: bool = False  # new connections end at once
    chance: float = 1.0  # how likely a new connection has the trouble at all
    then: "Trouble | None" = None  # what is wrong after the first cut; None: the same as before


HEALTHY = Trouble()


class Proxy:
    """Listens on a port of its own and passes on to another one. `trouble` may be set at any time, by any thread."""

    def __init__(self, port: int) -> None:
        self.trouble = HEALTHY
        self.accepted = 0  # connections so far
        self.cuts = 0
        self.up = self.down = 0  # bytes that passed
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._ending = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="proxy")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()
        self._loop.close()

    def heal(self) -> None:
        """Let everything pass."""
        self.trouble = HEALTHY

    def cut(self) -> None:
        """End every connection now, as a network does whose router dies: with RSTs."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._cut_all, done)
        done.wait(10)

    def forget(self) -> None:
        """Let nothing pass on the connections that are open now, for ever: a router has dropped them without a word."""
        for pair in list(self._pairs):
            pair.forgotten = True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._accept, sock=self._listener)
        await self._ending.wait()
        server.close()
        self.trouble = HEALTHY
        tasks = [pair.task for pair in self._pairs]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the next turns of the loop

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        pair = _Pair(self, task, afflicted=random.random() < self.trouble.chance)
        self._pairs.add(pair)
        pair.writers.append(writer)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await pair.connect(reader, writer, self._to)
        self._pairs.discard(pair)
        pair.end(reset=False)

    def _cut_all(self, done: threading.Event) -> None:
        for pair in list(self._pairs):
            self.cuts += 1
            pair.end(reset=True)
        done.set()


class _Pair:
    """One connection: the client's half and the server's."""

    def __init__(self, proxy: Proxy, task: asyncio.Task[None], *, afflicted: bool) -> None:
        self.task = task
        self.writers: list[asyncio.StreamWriter] = []
        self.forgotten = False
        self._proxy = proxy
        self._afflicted = afflicted
        self._said = b""  # the end of what the client has said, as long as what is waited for
        self._heard = False  # whether it has been said

    @property
    def trouble(self) -> Trouble:
        """What is wrong with this connection now."""
        return self._proxy.trouble if self._afflicted else HEALTHY

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """Find the server, then pass on in both directions until both have said all, or one breaks."""
        await self._silence()
        if self.trouble.refuse:
            self.end(reset=self.trouble.reset)
            return
        upstream, upstream_writer = await asyncio.open_connection("127.0.0.1", port)
        self.writers.append(upstream_writer)
        await asyncio.gather(self._up(reader, upstream_writer), self._down(upstream, writer))

    def end(self, *, reset: bool) -> None:
        """Close both halves."""
        for writer in self.writers:
            if reset and (sock := writer.get_extra_info("socket")) is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                writer.transport.abort()
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(self._size()):
            await self._hold(data)
            limit, awaited = self.trouble.cut_up, self.trouble.at
            if limit is not None and passed + len(data) >= limit:
                writer.write(data[: limit - passed])
                await self._cut(writer)
            if awaited and self._hears(data, awaited) and not self.trouble.deaf:
                await self._cut(writer)
            writer.write(data)
            await writer.drain()
            passed += len(data)
            self._proxy.up += len(data)
        writer.write_eof()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(self._size()):
            await self._hold(data)
            limit = self.trouble.cut_down
            if self.trouble.deaf and (self._heard or self.trouble.at is None):
                await self._cut(writer)
            if limit is not None and passed + len(data) >= limit:
                writer.write(data[: limit - passed])
                await self._cut(writer)
            writer.write(data)
            await writer.drain()
            passed += len(data)
            self._proxy.down += len(data)
        writer.write_eof()

    async def _cut(self, writer: asyncio.StreamWriter) -> None:
        """End both halves, after what was written is on its way."""
        with contextlib.suppress(OSError):
            await writer.drain()
        self._proxy.cuts += 1
        trouble = self.trouble
        if trouble.then is not None:
            self._proxy.trouble = trouble.then
        self.end(reset=trouble.reset)
        raise ConnectionError("cut")

    async def _hold(self, data: bytes) -> None:
        if self.trouble.latency:
            await asyncio.sleep(self.trouble.latency)
        if self.trouble.rate:
            await asyncio.sleep(len(data) / self.trouble.rate)
        await self._silence()

    async def _silence(self) -> None:
        while self.trouble.silent or self.forgotten:  # noqa: ASYNC110 - other threads say when it is over
            await asyncio.sleep(POLL)

    def _size(self) -> int:
        """Small pieces where the rate is low: a slow line is slow evenly."""
        return max(64, min(PIECE, int(self.trouble.rate / 20))) if self.trouble.rate else PIECE

    def _hears(self, data: bytes, awaited: bytes) -> bool:
        """Whether the client has said it, also in two pieces."""
        self._heard = awaited in self._said + data
        self._said = (self._said + data)[-len(awaited) :]
        return self._heard

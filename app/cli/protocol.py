"""uvicorn's HTTP protocol with bounds that it lacks: on the size and time of a request's head, on silent readers."""

import asyncio
import contextlib
import fcntl
import struct
import sys
import termios
from socket import SO_LINGER, SOL_SOCKET
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes of the request line and the headers together; platforms' proxies send 32 KiB at most
REST = 2  # times as long as a sender may a reader rest: proxies in front take a megabyte, and pass it on slowly
AT_ONCE = struct.pack("ii", 1, 0)  # to close in no time: with a reset, dropping what was not taken


class BoundedHttp(HttpToolsProtocol):
    """Without these bounds a header without an end fills the memory; half a line, or a reader that takes nothing of a
    large file, holds a connection for ever.
    """

    idle_seconds: ClassVar[float] = 30.0

    _head_bytes = 0
    _in_head = True
    _moved = False  # the head was completed, or something of a body came
    _timer: asyncio.TimerHandle | None = None
    _unsent = 0  # bytes, when it was looked last
    _look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first head is due from now on."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Count what is no body: a head that isn't complete, trailers, extensions of chunks."""
        self._moved = False
        super().data_received(data)
        if self._moved:
            return
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self) -> None:
        """A head has begun."""
        self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is whole; its body has time-outs of its own."""
        self._in_head, self._moved, self._head_bytes = False, True, 0
        self._stop_timer()
        super().on_headers_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are no headers (RFC 9110, 6.5.1): what a proxy has checked or set must not be said again."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Something of the body came."""
        self._moved, self._head_bytes = True, 0
        super().on_body(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._stop_timer()
        self._trust_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader is slower than we are: from now on it must take something."""
        super().pause_writing()
        self._expect_reader()

    def resume_writing(self) -> None:
        """It has taken nearly all."""
        self._trust_reader()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """The connection closes as soon as the rest was taken, which may be never."""
        super().timeout_keep_alive_handler()
        self._expect_reader()

    def _expect_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._stop_timer()
        self._timer = self.loop.call_later(self.idle_seconds, self._cut)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
            self._expect_reader()

    def _expect_reader(self) -> None:
        self._trust_reader()
        if self.transport.get_write_buffer_size():
            self._unsent = unsent(self.transport)
            self._look = self.loop.call_later(REST * self.idle_seconds, self._look_at_reader)

    def _trust_reader(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _look_at_reader(self) -> None:
        """Nothing is added while a reader is waited for: what isn't less than it was has not moved."""
        if unsent(self.transport) < self._unsent:
            self._expect_reader()
        else:
            reset = self.transport.get_extra_info("socket")
            reset.setsockopt(SOL_SOCKET, SO_LINGER, AT_ONCE)  # else the kernel goes on for minutes with its megabytes
            self.transport.abort()


def bounded_http(idle_seconds: float) -> type[BoundedHttp]:
    """The protocol, cutting heads that take longer, and readers that take nothing for twice as long."""
    return type("BoundedHttp", (BoundedHttp,), {"idle_seconds": idle_seconds})


def unsent(transport: asyncio.Transport) -> int:
    """Bytes that the other side has not taken: ours, and the kernel's, which takes megabytes at a time."""
    waiting = bytes(4)
    with contextlib.suppress(OSError):  # where the kernel doesn't tell, ours alone count
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, waiting)
    return transport.get_write_buffer_size() + int.from_bytes(waiting, sys.byteorder)

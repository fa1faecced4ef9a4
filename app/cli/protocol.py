"""uvicorn's HTTP protocol with bounds that it lacks: on the size of a request's head, and on the time it takes."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024  # bytes of the request line and the headers together; platforms' proxies send 32 KiB at most


class BoundedHttp(HttpToolsProtocol):
    """Without these bounds a header without an end fills the memory, and half a line holds a connection for ever."""

    head_seconds: ClassVar[float] = 30.0

    _head_bytes = 0
    _in_head = True
    _moved = False  # the head was completed, or something of a body came
    _timer: asyncio.TimerHandle | None = None

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
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._stop_timer()
        self._timer = self.loop.call_later(self.head_seconds, self._cut)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _cut(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def bounded_http(head_seconds: float) -> type[BoundedHttp]:
    """The protocol, cutting heads that take longer."""
    return type("BoundedHttp", (BoundedHttp,), {"head_seconds": head_seconds})

"""Around every request: its id, its one log line, safe headers. Pure ASGI: it costs microseconds."""

import asyncio
import itertools
import logging
import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from app.errors import Busy, HostNotAllowed, InternalError, RequestTimeout, ShuttingDown, StowageError
from app.telemetry import begin_request, log

GIVEN_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
DRAINED = 64 * 1024 * 1024  # bytes of an unread body that the server throws away to keep the connection
LONGEST_ADDRESS = 64  # characters
QUIET = frozenset({"/healthz", "/readyz", "/health", "/api/health"})
PROCESS = uuid.uuid4().hex  # ids of requests: this process's name and a number

_numbers = itertools.count(1)

Headers = Iterable[tuple[bytes, bytes]]


class RequestContext:
    """Gives the request an id (the client's, if it is a sane one) and writes one line when it is over."""

    def __init__(self, app: ASGIApp, client_header: str | None = None) -> None:
        self._app = app
        self._client_header = client_header.lower().encode() if client_header else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        rid = _request_id(headers)
        exchange = Exchange(receive, send, headers, rid)
        fields = begin_request(rid)
        fields["client"] = self._client_of(scope, headers)
        began = time.perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except BaseException as failure:
            refusal = _refusal_of(failure)
            if (
                refusal is None or exchange.status is not None
            ):  # too late for an answer: the server closes the connection
                raise
            exchange.leaving = isinstance(refusal, ShuttingDown)
            await problem(refusal)(scope, receive, exchange.send)
        finally:
            ms = round((time.perf_counter() - began) * 1000, 2)
            level = 10 if scope["path"] in QUIET else 20
            fields |= {"method": scope["method"], "path": scope["path"], "status": exchange.status, "ms": ms}
            log("request.finished", level=level, **_ordered(fields))

    def _client_of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str | None:
        """Who sent it: what the one trusted proxy says, else the peer. X-Forwarded-For can be made up by anybody."""
        told = headers.get(self._client_header) if self._client_header else None
        if told is not None:
            return told.decode("latin-1")[:LONGEST_ADDRESS]
        return scope["client"][0] if scope.get("client") else None


class AllowedHosts:
    """Answers only requests that name a host of ours: others were sent here by mistake, or to poison a cache."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._exact = frozenset(host.lower() for host in hosts if not host.startswith("*"))
        self._below = tuple(host[1:].lower() for host in hosts if host.startswith("*."))
        self._any = "*" in hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or self._any or self._knows(dict(scope["headers"]).get(b"host", b"")):
            await self._app(scope, receive, send)
            return
        await problem(HostNotAllowed())(scope, receive, send)

    def _knows(self, header: bytes) -> bool:
        host = re.sub(r":\d+$", "", header.decode("latin-1").lower())
        return host in self._exact or host.endswith(self._below)


class Exchange:
    """The two channels of one request, watched."""

    def __init__(self, receive: Receive, send: Send, headers: Mapping[bytes, bytes], rid: str) -> None:
        self._receive, self._send, self._headers = receive, send, headers
        self._own = [(b"x-request-id", rid.encode()), (b"x-content-type-options", b"nosniff")]
        self._unread = b"content-length" in headers or b"transfer-encoding" in headers
        self.leaving = False  # the service stops
        self.status: int | None = None  # None: the client went away before there was an answer

    async def receive(self) -> Message:
        """Know when the body has been read to its end."""
        message = await self._receive()
        if not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        """Add the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", []), *self._own, *self._closing()]
        await self._send(message)

    def _closing(self) -> Headers:
        """An unread body that is small is thrown away, so that the client can send it all and read the answer."""
        length = self._headers.get(b"content-length", b"")
        small = length.isdigit() and int(length) <= DRAINED and b"expect" not in self._headers
        over = self.leaving or self.status == RequestTimeout.status  # the rest of the body is not waited for
        return [(b"connection", b"close")] if self._unread and (over or not small) else []


def _refusal_of(failure: BaseException) -> StowageError | None:
    """What the client is told of something that no door has turned into an answer."""
    if isinstance(failure, asyncio.CancelledError):  # a stop: the time is over, and the request has changed nothing
        return ShuttingDown()
    if isinstance(failure, MemoryError):
        log("request.without_memory", level=logging.ERROR)
        return Busy("There is no memory left.")
    if isinstance(failure, Exception):
        log("request.crashed", level=logging.ERROR, failure=failure)
        return InternalError()
    return None


def _request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if GIVEN_ID.fullmatch(given) else f"{PROCESS}-{next(_numbers):x}"


def _ordered(fields: dict[str, Any]) -> dict[str, Any]:
    """Method, path, status first: people read logs too."""
    first = ("method", "path", "status", "ms")
    return {name: fields[name] for name in first} | {k: v for k, v in fields.items() if k not in first}

"""The one place where a body is read: after the caller is known, counted, bounded, whole or refused."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.types import Message

from app.api.form import FIELDS, Expected, Form, FormReader
from app.assets.policy import Policies
from app.errors import Busy, FormTooLarge, MalformedMultipart, NotMultipart, RequestTimeout, TruncatedBody
from app.storage.spool import Spool

AROUND = FIELDS + 256 * 1024  # bytes that a form may have besides its files
BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^;]*))', re.IGNORECASE)
LONGEST_BOUNDARY = 200  # characters; RFC 2046 allows 70


class Receiver:
    """Reads forms. `idle` is how many seconds a body may stand still, `places` how many are read at once."""

    def __init__(self, spool: Spool, policies: Policies, *, idle: float, places: int) -> None:
        self._spool, self._policies = spool, policies
        self._idle, self._places = idle, places

    async def form(self, request: Request, expected: Expected) -> Form:
        """The whole form. What was refused, cut or timed out leaves nothing behind."""
        if expected.kind is not None:
            _ = self._policies[expected.kind]
        reader = FormReader(_boundary(request), expected, self._policies, self._spool)
        limit = reader.policy.max_size * expected.max_files + AROUND
        if _declared(request) > limit:
            raise reader.policy.too_large()
        try:
            with self._place():
                await self._read(request, reader, limit)
            return reader.finish()
        except BaseException:
            await asyncio.shield(reader.abandon())
            raise

    async def small_body(self, request: Request, limit: int) -> bytes:
        """A whole body of at most `limit` bytes, such as JSON."""
        raw = bytearray()
        async for piece in self._pieces(request):
            raw += piece
            if len(raw) > limit:
                raise FormTooLarge(f"The body has at most {limit} bytes.", limit=limit)
        return bytes(raw)

    async def _read(self, request: Request, reader: FormReader, limit: int) -> None:
        total = 0
        async for piece in self._pieces(request):
            total += len(piece)
            if total > limit:
                raise FormTooLarge("The form is larger than its files may be.", limit=limit)
            await reader.feed(piece)

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        """What comes, until the message ends: a body without that end is cut, whatever came before."""
        more = True
        while more:
            message = await self._next(request)
            if message["type"] != "http.request":
                raise TruncatedBody
            more = message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece

    async def _next(self, request: Request) -> Message:
        try:
            async with asyncio.timeout(self._idle):
                return await request.receive()
        except TimeoutError:
            raise RequestTimeout(f"Nothing came for {self._idle:g} seconds.") from None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._places <= 0:
            raise Busy("Too many uploads at once.")
        self._places -= 1
        try:
            yield
        finally:
            self._places += 1


def _boundary(request: Request) -> str:
    header = request.headers.get("content-type", "")
    media_type = header.partition(";")[0].strip().lower()
    if media_type != "multipart/form-data":
        raise NotMultipart(f"The Content-Type is {media_type or 'missing'}: send multipart/form-data.")
    named = BOUNDARY.search(header)
    boundary = (named["quoted"] or named["plain"] or "").strip() if named else ""
    if not 1 <= len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii():
        raise MalformedMultipart("The Content-Type names no boundary, or an absurd one.")
    return boundary


def _declared(request: Request) -> int:
    """Content-Length in bytes; 0 when it isn't known."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0

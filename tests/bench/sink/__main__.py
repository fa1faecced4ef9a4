"""`python -m tests.bench.sink PORT BUCKET`: speaks S3 and keeps little, so that it is never the limit."""

import asyncio
import sys
from typing import cast

import httptools
import uvloop

from tests.bench.sink.answers import Reply, Request, answer, refusal
from tests.bench.sink.store import Refused, Store

GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection: a request at a time, its body piece by piece."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request("", b"", {})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._request = Request("", b"", {})

    def on_url(self, url: bytes) -> None:
        """Its target, perhaps in pieces."""
        self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._request.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Whoever waits for it before the body is told to go on."""
        self._request.method = self._parser.get_method().decode()
        if self._request.headers.get(b"expect", b"").lower() == b"100-continue":
            self._transport.write(GO_ON)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._request.content.add(body)

    def on_message_complete(self) -> None:
        """The request is whole; one that is cut never gets here."""
        self._store.counts["requests"] += 1
        self._transport.write(self._reply().encoded())
        if not self._parser.should_keep_alive():
            self._transport.close()

    def _reply(self) -> Reply:
        try:
            return answer(self._store, self._request)
        except Refused as refused:
            self._store.counts["refusals"] += 1
            return refusal(self._request, refused)


async def serve(port: int, bucket: str) -> None:
    """Listen until the process is ended."""
    store = Store(bucket)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(store), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), sys.argv[2]))

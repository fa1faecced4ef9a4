"""One request and its answer on S3's wire, whole, late, cut or never; and the server whose threads do that."""

import contextlib
import hashlib
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.standins.s3_words import Reply, Request
from tests.standins.tls import Certificates

IDLE_SECONDS = 60
LINGER_SECONDS = 5
PIECE = 65536


@dataclass(slots=True)
class Seen:
    """A request as it came; names of headers are in lower case. Size and digest are of what was read of its body."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    size: int = 0
    sha256: str = hashlib.sha256().hexdigest()


class Exchange(BaseHTTPRequestHandler):
    """A request, and the ways in which it may be answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: "ThreadedServer"

    def handle_expect_100(self) -> bool:
        """Whoever reads the body says 100 Continue; a refusal comes without it."""
        return True

    def serve(self) -> None:
        """Let the server's `serve` see to it."""
        target = urlsplit(self.path)
        headers = {name.lower(): text for name, text in self.headers.items()}
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        self.seen = Seen(self.command, unquote(target.path), query, headers)
        self._body: bytes | None = None
        self.server.serve(self)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = serve  # noqa: N815 - the library's names

    def asked(self) -> Request:
        """What is asked for, with the whole body."""
        bucket, _, key = self.seen.path.removeprefix("/").partition("/")
        return Request(self.command, bucket, key, self.seen.query, self.seen.headers, self.body())

    def body(self) -> bytes:
        """All of it; ConnectionError if the client stops in between."""
        if self._body is None:
            if self.seen.headers.get("expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            self._body = self._chunks() if self._chunked else self._exactly(self._length)
        return self._body

    def reply(self, reply: Reply, *, cut: int | None = None) -> None:
        """Answer; with `cut` only so many bytes of the body follow the whole head, and the connection ends.

        The connection also ends when the request's body was not read, after the client has seen the answer.
        """
        unread = self._body is None and bool(self._chunked or self._length)
        self.send_response(reply.status)
        for name, text in reply.headers.items():
            self.send_header(name, text)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        if unread:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[:cut])
        self.close_connection = self.close_connection or unread or cut is not None
        if unread:
            self._linger()

    def drop(self) -> None:
        """End the connection in an orderly way, without an answer."""
        self.close_connection = True

    def reset(self) -> None:
        """End the connection with a RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: `Seen` is the log."""

    @property
    def _chunked(self) -> bool:
        return "transfer-encoding" in self.seen.headers

    @property
    def _length(self) -> int:
        return int(self.seen.headers.get("content-length", 0))

    def _exactly(self, size: int) -> bytes:
        data = self.rfile.read(size)
        self.seen.size += len(data)
        self.seen.sha256 = hashlib.sha256(data).hexdigest()
        if len(data) < size:
            raise ConnectionError("the request's body is cut")
        return data

    def _chunks(self) -> bytes:
        """A body of `Transfer-Encoding: chunked`, joined."""
        pieces = bytearray()
        while size := int(self.rfile.readline(PIECE).partition(b";")[0], 16):
            pieces += self.rfile.read(size)
            self.rfile.readline(PIECE)
        while self.rfile.readline(PIECE).strip():
            pass  # trailing headers
        self.seen.size, self.seen.sha256 = len(pieces), hashlib.sha256(pieces).hexdigest()
        return bytes(pieces)

    def _linger(self) -> None:
        """Read on until the client has gone: closing at once could destroy an answer that it has not read yet."""
        self.connection.settimeout(LINGER_SECONDS)
        with contextlib.suppress(OSError):
            while self.connection.recv(PIECE):
                pass


class ThreadedServer(ThreadingHTTPServer):
    """A thread for each connection; none is left when the server is closed."""

    daemon_threads = False

    def __init__(self, serve: Callable[[Exchange], None], certificates: Certificates | None) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.serve = serve
        self.surprises: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._loop = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="s3-faults")
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            # The handshake happens at the first read, which is in the thread of its connection.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._loop.start()

    def server_bind(self) -> None:
        """As the library does, but without asking the network for its own name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]

    def server_close(self) -> None:
        """End the loop, then the connections, then wait for their threads."""
        self.shutdown()
        self._loop.join()
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember who is connected."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget who was connected."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the library's signature
        """Clients may go away at any time; everything else is a mistake, which the tests are to hear of."""
        failure = sys.exception()
        if failure is not None and not isinstance(failure, OSError):
            self.surprises.append(failure)

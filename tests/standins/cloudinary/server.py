"""The HTTP server: reads calls, lets them fail as the script says, sends answers, and closes without a trace."""

import contextlib
import itertools
import os
import secrets
import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.standins.cloudinary import admin, delivery, forms, uploads
from tests.standins.cloudinary.faults import Fault
from tests.standins.cloudinary.wire import Answer, Call, Refused

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Cloud

ACTIONS = {
    "upload": uploads.upload,
    "destroy": uploads.destroy,
    "download": delivery.download,
    "delivery": delivery.deliver,
    "admin": admin.answer,
}
PIECE = 64 * 1024
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time


class Server(ThreadingHTTPServer):
    """One thread per connection; `stop` ends those that wait for another call, too."""

    daemon_threads = False  # joined at the end
    request_queue_size = 128

    def __init__(self, cloud: "Cloud", port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.cloud = cloud
        self.numbers = itertools.count(1)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the library's signature
        """Callers that go away are part of life; anything else is a defect of the stand-in, told at the end."""
        if not isinstance(error := sys.exc_info()[1], ConnectionError):
            self.cloud.errors.append(error)

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self.cloud.closing.set()
        self.shutdown()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "cloudinary-stand-in"
    disable_nagle_algorithm = True  # head and body are two writes
    server: Server

    def setup(self) -> None:
        """Number the connection."""
        super().setup()
        self.number = next(self.server.numbers)

    def serve(self) -> None:
        """One call, from its first line to the last byte of its answer."""
        cloud = self.server.cloud
        call = Call.read(self.command, self.path, dict(self.headers.items()))
        call.connection = self.number
        cloud.calls.append(call)
        if fault := cloud.faults.take(call, early=True):
            call.fault = fault
            self._fail(call, fault)
            return
        form = forms.Form(cloud.folder)
        try:
            self._receive(call, form)
            fault = call.fault = cloud.faults.take(call, early=False)
            answer = self._carry_out(call)
        except forms.BodyCut:
            self.close_connection = True
            return
        except Refused as refused:
            self.close_connection = True
            answer = Answer.error(refused.status, refused.message, refused.headers)
        finally:
            form.discard()
        if answer:
            self._send(call, answer)
        elif fault:
            self._fail(call, fault)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve  # noqa: N815 - the library looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing; `Cloud.calls` has it all."""

    def _receive(self, call: Call, form: forms.Form) -> None:
        body = forms.body_of(self.rfile, call.headers)
        content_type = call.headers.get("content-type", "")
        try:
            if content_type.startswith("multipart/form-data"):
                form.read_multipart(content_type, body)
            else:
                call.body = forms.join(body)
                form.read_other(content_type, call.body)
        finally:
            for _ in body:  # a refusal is read by whoever has finished speaking
                pass
        call.fields, call.file = form.fields, form.file
        call.size = form.file.size if form.file else None

    def _carry_out(self, call: Call) -> Answer | None:
        """What is to be answered; None when the fault decides that."""
        cloud, fault = self.server.cloud, call.fault
        if fault is None:
            return act(cloud, call)
        if fault.kind == "late":
            cloud.closing.wait(fault.seconds)
        answer = act(cloud, call) if fault.acts else None
        if answer and fault.done:
            if answer.file:
                answer.file.close()
            return None
        return answer

    def _fail(self, call: Call, fault: Fault) -> None:
        if fault.answer:
            self._send(call, fault.answer)
            return
        self.close_connection = True
        if fault.kind == "hang":
            self.server.cloud.closing.wait(fault.seconds)
        if fault.kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            os.close(self.connection.detach())

    def _send(self, call: Call, answer: Answer) -> None:
        call.status, call.message = answer.status, answer.headers.get("X-Cld-Error", "")
        length = answer.length if answer.file else len(answer.body)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Request-Id", secrets.token_hex(16))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        with answer.file or contextlib.nullcontext():
            self.end_headers()
            if self.command != "HEAD":
                self._send_body(call, answer)

    def _send_body(self, call: Call, answer: Answer) -> None:
        if answer.file is None:
            self.wfile.write(answer.body)
            return
        left = answer.length
        if call.fault and call.fault.kind == "cut":
            left, self.close_connection = min(left, call.fault.size), True
        while left and (piece := answer.file.read(min(PIECE, left))):
            self.wfile.write(piece)
            left -= len(piece)


def act(cloud: "Cloud", call: Call) -> Answer:
    """Do what a call asks for."""
    if call.action not in ACTIONS:
        return Answer.error(404, f"The stand-in does not do: {call.method} {call.path}")
    try:
        return ACTIONS[call.action](cloud, call)
    except Refused as refused:
        return Answer.error(refused.status, refused.message, refused.headers)

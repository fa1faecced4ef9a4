"""A real server of public keys, and the keys that belong to them."""

import contextlib
import http.server
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
PUBLIC = {
    "keys": [
        {**jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True), "kid": "rsa", "use": "sig"},
        {**jwt.algorithms.ECAlgorithm.to_jwk(EC.public_key(), as_dict=True), "kid": "ec", "use": "sig"},
    ]
}


def signed(key: Any, algorithm: str, kid: str | None, **claims: Any) -> str:
    """A token good for a minute."""
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode({"sub": "s", "exp": time.time() + 60, **claims}, key, algorithm, headers)


@dataclass
class KeyServer:
    """What it answers, and how often it was asked."""

    body: bytes = field(default_factory=lambda: json.dumps(PUBLIC).encode())
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False  # break the connection off instead of answering
    delay: float = 0  # seconds before it answers
    asked: int = 0
    url: str = ""

    @contextlib.contextmanager
    def running(self) -> Iterator["KeyServer"]:
        """On a free port, until the block ends."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/keys"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        known = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known.asked += 1
                time.sleep(known.delay)
                if known.reset:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    return
                self.send_response(known.status)
                for name, value in {"Content-Length": str(len(known.body)), **known.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(known.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

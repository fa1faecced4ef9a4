"""One client's connection: what it asks, what it is told, and whether it was told anything at all."""

import http.client
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tests.crash.contents import KEY

ANSWER_SECONDS = 60
BOUNDARY = "a-line-that-no-file-has-4b1f"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


class Refused(Exception):
    """Nobody listens: nothing was sent."""


class Lost(Exception):
    """Something was sent, and there is no answer."""

    def __init__(self, reason: object) -> None:
        super().__init__(repr(reason))
        self.at = time.monotonic()


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers with lower-case names, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any = None

    @property
    def good(self) -> bool:
        """2xx."""
        return self.status // 100 == 2


class Talk:
    """One kept-alive connection, opened anew when it was closed."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        pieces: int = 1,
        hang_up: bool = False,
    ) -> Answer:
        """One request. `pieces` > 1: a slow client, 40 ms between two; `hang_up`: send it all and read nothing."""
        if self._connection.sock is None:
            try:
                self._connection.connect()
            except OSError as no:
                raise Refused(no) from no
        try:
            self._send(method, path, body, headers or {}, pieces)
            if hang_up:
                raise Lost("hung up on purpose")
            return self._answer()
        except (OSError, http.client.HTTPException) as failure:
            raise Lost(failure) from failure
        finally:
            if hang_up:
                self._connection.close()

    def _send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], pieces: int) -> None:
        self._connection.putrequest(method, path)
        for name, value in {**KEY, **headers, "Content-Length": str(len(body))}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()
        step = -(-len(body) // pieces) or 1
        try:
            for start in range(0, len(body), step):
                if start:
                    time.sleep(0.04)
                self._connection.send(body[start : start + step])
        except OSError:  # it may have answered before the end, and closed
            if self._connection.sock is None:
                raise

    def _answer(self) -> Answer:
        try:
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        names = {name.lower(): value for name, value in response.getheaders()}
        kind = names.get("content-type", "")
        return Answer(response.status, names, body, _json(body) if "json" in kind else None)


def form(field: str, contents: Sequence[bytes]) -> bytes:
    """A multipart body with a file in each part."""
    lines = []
    for number, content in enumerate(contents):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{number}.bin"\r\n\r\n'
        lines += [head.encode(), content, b"\r\n"]
    return b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


def _json(body: bytes) -> Any:
    return json.loads(body)

"""The application called as a server calls it: the test decides when which piece of the body comes."""

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

from tests.api.forms import typed

After = Literal["end", "gone", "silence"]
KEY = {"authorization": "Bearer acme-key"}


@dataclass
class Wired:
    """What came back, and how often the application asked for the body."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    asked: int = 0
    complete: bool = False

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)

    def take(self, message: Message) -> None:
        """One message of the application."""
        if message["type"] == "http.response.start":
            self.status_code = message["status"]
            self.headers = {name.decode(): value.decode("latin-1") for name, value in message["headers"]}
            return
        self.content += message.get("body", b"")
        self.complete = not message.get("more_body", False)


async def send(
    app: ASGIApp,
    pieces: Iterable[bytes] = (),
    *,
    path: str = "/v1/assets",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    after: After = "end",
    patience: float = 30,
    watch: Callable[[int], None] = lambda _: None,
    tell: Callable[[Message], Awaitable[None]] | None = None,
) -> Wired:
    """One request. After its pieces the body ends, the client goes, or nothing comes any more.

    `watch` is called with the number of each message before it is given, `tell` is given the answer's messages too.
    TimeoutError after `patience` seconds.
    """
    answer, waiting = Wired(), iter(pieces)

    async def receive() -> Message:
        watch(answer.asked)
        answer.asked += 1
        if (piece := next(waiting, None)) is not None:
            return {"type": "http.request", "body": piece, "more_body": True}
        if after == "silence":
            await asyncio.Event().wait()
        return {"type": "http.disconnect"} if after == "gone" else {"type": "http.request", "body": b""}

    async def take(message: Message) -> None:
        answer.take(message)
        if tell is not None:
            await tell(message)

    async with asyncio.timeout(patience):
        await app(_scope(path, method, {**KEY, **typed(), **(headers or {})}), receive, take)
    return answer


def through(client: TestClient, pieces: Iterable[bytes] = (), **asked: Any) -> Wired:
    """The same, to the application that a client runs."""
    answer: Wired = client.portal.call(functools.partial(send, client.app, pieces, **asked))
    return answer


def split(body: bytes, size: int) -> list[bytes]:
    """A body in pieces of so many bytes."""
    return [body[at : at + size] for at in range(0, len(body), size)]


def _scope(path: str, method: str, headers: Mapping[str, str]) -> dict[str, Any]:
    bare, _, query = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(bare),
        "raw_path": bare.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items() if value],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }

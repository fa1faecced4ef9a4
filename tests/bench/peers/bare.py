"""Two bare ASGI applications: what the server underneath can take in, without and with a disk."""

import asyncio
import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BATCH = 1 << 20


async def discard(scope: Message, receive: Receive, send: Send) -> None:
    """Count the bytes of a body and forget them."""
    if scope["method"] == "GET":
        await _answer(send, 200, {})
        return
    size = 0
    async for piece in _body(receive):
        size += len(piece)
    await _answer(send, 201, {"size": size})


async def file(scope: Message, receive: Receive, send: Send) -> None:
    """Hash a body and keep it, synced, in a file below BARE_DIR; GET gives it back."""
    if scope["path"] == "/readyz":
        await _answer(send, 200, {})
        return
    folder = Path(os.environ["BARE_DIR"])
    if scope["method"] == "GET":
        await _give_back(folder / Path(scope["path"]).name, send)
        return
    name = uuid.uuid4().hex
    sha256, size = await _keep(folder / name, receive)
    await _answer(send, 201, {"permalink": f"/{name}", "sha256": sha256, "size": size})


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _answer(send: Send, status: int, content: dict[str, object]) -> None:
    body = json.dumps(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _keep(path: Path, receive: Receive) -> tuple[str, int]:
    """Batches go to a thread, one at a time; hashing and writing both release the GIL."""
    digest, size, waiting, held = hashlib.sha256(), 0, list[bytes](), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        async for piece in _body(receive):
            waiting.append(piece)
            held += len(piece)
            size += len(piece)
            if held >= BATCH:
                await asyncio.to_thread(_store, descriptor, digest, waiting)
                waiting, held = [], 0
        await asyncio.to_thread(_store, descriptor, digest, waiting, last=True)
    finally:
        os.close(descriptor)
    return digest.hexdigest(), size


def _store(descriptor: int, digest: Any, pieces: list[bytes], *, last: bool = False) -> None:
    for piece in pieces:
        digest.update(piece)
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    if last:
        os.fsync(descriptor)


async def _give_back(path: Path, send: Send) -> None:
    with path.open("rb") as stored:
        headers = [(b"content-length", b"%d" % os.fstat(stored.fileno()).st_size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while piece := stored.read(BATCH):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})

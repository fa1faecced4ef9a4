"""The door to bytes: permalinks of assets and of slots."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app import errors as e
from app.api.auth import identify_if_known
from app.api.deps import AssetIdDep, ServicesDep, uuid_of
from app.api.direct import DirectRoute
from app.api.problems import Responses, responses
from app.api.ranges import not_modified, wanted_range
from app.assets.callers import Caller
from app.assets.policy import disposition
from app.assets.serving import PRIVATE, PUBLIC, content_disposition, told_type
from app.db.records import Asset
from app.services import Services
from app.storage.storage import Reading
from app.telemetry import note

ATTEMPTS = 5  # at a slot that is replaced while it is read
FRAMED = "default-src 'none'; sandbox"  # nothing in the file may run; browsers' PDF viewers don't work in a sandbox

router = APIRouter(tags=["files"], route_class=DirectRoute)
BYTES = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
ANSWERS: Responses = {
    200: {"description": "The file.", "content": BYTES},
    206: {"description": "The range of it that was asked for.", "content": BYTES},
    304: {"description": "The client has these bytes already."},
    **responses(e.InvalidId, e.NotFound, e.RangeNotSatisfiable, e.DatabaseUnavailable, e.StorageUnavailable),
}


class StreamedFile(Response):
    """A reading as an answer: block by block, closed whatever happens, also as soon as the client has gone."""

    def __init__(self, reading: Reading, status: int, headers: dict[str, str]) -> None:
        super().__init__(None, status, headers)
        self.raw_headers = _raw(headers)
        self._reading = reading

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send head, blocks, end."""
        async with self._reading as blocks:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            gone = None if blocks.whole is not None else asyncio.create_task(_has_gone(receive))
            try:
                async for block in blocks:
                    await send({"type": "http.response.body", "body": block, "more_body": True})
                    if gone is not None and gone.done() and gone.result():
                        note(unfinished=True)
                        return
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                if gone is not None:
                    gone.cancel()


async def known_caller(request: Request, services: ServicesDep) -> Caller | None:
    """Who asks, if anybody is known: public files are for everybody."""
    return await identify_if_known(request, services)


KnownCallerDep = Annotated[Caller | None, Depends(known_caller)]


async def asset_file(request: Request, services: ServicesDep, caller: KnownCallerDep, asset_id: AssetIdDep) -> Response:
    """An asset's bytes. A private asset needs its tenant's credentials; to anybody else it does not exist."""
    asset = await services.assets.shown(caller, asset_id)
    return await answer(request, services, asset, PUBLIC)


async def slot_file(request: Request, services: ServicesDep, caller: KnownCallerDep, slot_id: str) -> Response:
    """The bytes of what a slot holds now; clients ask again each time, by ETag."""
    for _ in range(ATTEMPTS):
        asset = await services.assets.shown_in_slot(caller, uuid_of(slot_id))
        with contextlib.suppress(e.NotFound):  # replaced since then, and swept: there is a newer one
            return await answer(request, services, asset, "public, no-cache")
    raise e.NotFound


async def answer(request: Request, services: Services, asset: Asset, caching: str) -> Response:
    """304, 206, 200 or a refusal; the store is asked only when bytes are sent."""
    note(asset=str(asset.id))
    etag = f'"{asset.sha256}"'
    headers = {"ETag": etag, **_safe_headers(asset, caching)}
    if not_modified(request.headers, etag):
        return _without_body(304, headers)
    chosen = wanted_range(request.headers, asset.size, etag) if request.method == "GET" else None
    start, end = chosen or (0, asset.size)
    headers |= {"Content-Type": told_type(asset), "Content-Length": str(end - start)}
    if chosen:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{asset.size}"
    status = 206 if chosen else 200
    if request.method == "HEAD":
        return _without_body(status, headers)
    return StreamedFile(await services.assets.read(asset, start=start, end=end), status, headers)


async def _has_gone(receive: Receive) -> bool:
    """True when the client has gone; it may take for ever. What it still sends is not read."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        message = await receive()
    return bool(message["type"] == "http.disconnect")


def _safe_headers(asset: Asset, caching: str) -> dict[str, str]:
    """What keeps a file from being run, framed, leaked or cached where it must not be."""
    shown = disposition(asset.kind, asset.content_type)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": caching if asset.visibility == "public" else PRIVATE,
        "Content-Disposition": content_disposition(asset),
        "Cross-Origin-Resource-Policy": "cross-origin" if asset.visibility == "public" else "same-site",
        "Referrer-Policy": "no-referrer",
    }
    if asset.content_type != "application/pdf" or shown == "attachment":
        headers["Content-Security-Policy"] = FRAMED
    return headers


def _without_body(status: int, headers: dict[str, str]) -> Response:
    """HEAD and 304: the headers of the file, not those of an empty body."""
    response = Response(status_code=status)
    response.raw_headers = _raw(headers)
    return response


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """As ASGI wants them, and no others: the framework would add a Content-Length of its own."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def _add(path: str, door: Callable[..., Awaitable[Response]], purpose: str, decoration: str) -> None:
    """GET and HEAD; the last part of the address is there for people and may be anything."""
    name = {"name": decoration, "in": "path", "required": True, "schema": {"type": "string"}}
    router.add_api_route(
        path,
        door,
        methods=["GET"],
        response_class=Response,
        responses=ANSWERS,
        operation_id=purpose,
        openapi_extra={"parameters": [name]},
    )
    router.add_api_route(path, door, methods=["HEAD"], include_in_schema=False)


_add("/f/{asset_id}/{filename}", asset_file, "asset_file", "filename")
_add("/f/s/{slot_id}/{name}", slot_file, "slot_file", "name")

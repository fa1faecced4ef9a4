"""Refusals as RFC 9457 `application/problem+json`, made in this one place."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app.errors import (
    InvalidParameter,
    MethodNotAllowed,
    NotFound,
    RangeNotSatisfiable,
    StowageError,
    Unauthorized,
)
from app.telemetry import note, request_id

Responses = dict[int | str, dict[str, Any]]  # what FastAPI takes as `responses`

MEDIA_TYPE = "application/problem+json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
METHOD_HINT = "If you sent a POST to http://, a redirect to https:// has turned it into a GET: call https:// at once."


def problem(error: StowageError) -> Response:
    """One refusal as an answer."""
    note(code=error.code)
    body = {
        "type": f"urn:stowage:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": request_id.get(),
        **error.extra,
    }
    content = json.dumps(body, ensure_ascii=False, default=str).encode(errors="replace")
    return Response(content, error.status, headers=_headers(error), media_type=MEDIA_TYPE)


def responses(*errors: type[StowageError]) -> Responses:
    """What a route may answer besides its success, for the OpenAPI document."""
    by_status: Responses = {"default": _declared("Any other refusal.")}
    for error in errors:
        line = f"`{error.code}`: {error.title}"
        known = by_status.get(error.status)
        description = f"{known['description']}\n\n{line}" if known else line
        by_status[error.status] = _declared(description)
    return by_status


def _declared(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def install(app: FastAPI) -> None:
    """Let every refusal leave as a problem; defects are the middleware's."""
    app.add_exception_handler(StowageError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _by_status)


def _headers(error: StowageError) -> dict[str, str]:
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-site",
        "Referrer-Policy": "no-referrer",
    }
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.extra['size']}"
    return headers


def _allowed(request: Request) -> list[str]:
    """Every method that this address takes: the framework names those of one route only."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    routes = request.app.routes
    return [m for m, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, StowageError)  # noqa: S101 - it is registered for this class
    return problem(error)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(InvalidParameter(f"{where}: {first['msg']}."))


async def _by_status(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: an unknown address, a method that it doesn't take."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == MethodNotAllowed.status:
        answer = problem(MethodNotAllowed(f"{MethodNotAllowed.title} {METHOD_HINT}"))
        answer.headers["Allow"] = ", ".join(_allowed(request))
        return answer
    return problem(NotFound() if error.status_code == NotFound.status else InvalidParameter())

"""Routes whose dependencies are solved by a plan: they take what our doors need, and refuse the rest at start."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from app.api.direct import DirectRoute

pytestmark = pytest.mark.anyio


async def counted(request: Request) -> int:
    """Called once in a request, however many ask for it."""
    request.state.calls = getattr(request.state, "calls", 0) + 1
    return int(request.state.calls)


async def twice(first: Annotated[int, Depends(counted)], second: Annotated[int, Depends(counted)]) -> list[int]:
    """Asks twice."""
    return [first, second]


async def told(
    request: Request,
    name: str,
    calls: Annotated[list[int], Depends(twice)],
    once: Annotated[int, Depends(counted)],
    kind: str | None = None,
    key: Annotated[str | None, Header(alias="Idempotency-Key")] = None,
) -> Response:
    """All that a door of ours takes."""
    return JSONResponse([request.method, name, calls, once, kind, key])


def with_route(door: Any) -> FastAPI:
    """An application with one direct route."""
    app, router = FastAPI(), APIRouter(route_class=DirectRoute)
    router.add_api_route("/things/{name}", door, methods=["PUT"])
    app.router.routes[:0] = router.routes
    return app


async def test_a_door_gets_what_it_asks_for() -> None:
    """Path, query, header, request, and each dependency once."""
    transport = httpx2.ASGITransport(with_route(told))
    async with httpx2.AsyncClient(transport=transport, base_url="http://h") as client:
        full = await client.put("/things/a%20b?kind=photo", headers={"Idempotency-Key": "k"})
        bare = await client.put("/things/x")
        wrong = await client.get("/things/x")

    assert full.json() == ["PUT", "a b", [1, 1], 1, "photo", "k"]
    assert bare.json() == ["PUT", "x", [1, 1], 1, None, None]
    assert wrong.status_code == 405


def test_it_stands_in_the_document() -> None:
    """With the parameters that the framework found."""
    operation = with_route(told).openapi()["paths"]["/things/{name}"]["put"]

    assert {p["name"] for p in operation["parameters"]} == {"name", "kind", "Idempotency-Key"}


async def takes_a_number(limit: int = 1) -> Response:
    """A number would have to be checked."""
    return JSONResponse(limit)


async def takes_json(body: Annotated[dict[str, str], Body()]) -> Response:
    """The framework would read it."""
    return JSONResponse(body)


async def takes_a_cookie(cookie: Annotated[str | None, Cookie()] = None) -> Response:
    """No door of ours does."""
    return JSONResponse(cookie)


def blocks() -> Response:
    """It would run on the loop."""
    return JSONResponse("")


async def yields() -> Any:
    """Nobody would come back to it."""
    yield 1


async def depends_on_one_that_yields(value: Annotated[int, Depends(yields)]) -> Response:
    """As above."""
    return JSONResponse(value)


@pytest.mark.parametrize("door", [takes_a_number, takes_json, takes_a_cookie, blocks, depends_on_one_that_yields])
def test_what_it_does_not_give_is_refused_at_start(door: Any) -> None:
    """Rather than forgotten in a request."""
    with pytest.raises(TypeError):
        with_route(door)

"""Routes whose dependencies are solved by a plan made once; in the OpenAPI document they are like any other."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Solved = dict[Callable[..., Any], Any]  # dependency -> what it gave in this request
Solver = Callable[[Request, Solved], Awaitable[Any]]
Getter = Callable[[Request], Any]

PLAIN = (str, str | None)


class DirectRoute(APIRoute):
    """Takes what our doors need: the request, `async def` dependencies, and text from path, query and headers.

    The framework solves dependencies anew for each request, with contexts that none of ours uses; that costs more
    than storing the row. TypeError at start for a door that asks for more: it is an ordinary route then.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = _application(_solver(self.dependant))


def _application(solve: Solver) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response: Response = await solve(Request(scope, receive, send), {})
        await response(scope, receive, send)

    return app


def _solver(dependant: Dependant) -> Solver:
    """One function of the tree: its arguments, then itself. Each dependency is called once in a request."""
    call = _coroutine(dependant)
    getters = _getters(dependant)
    needed = [(part.name or "", _coroutine(part), _solver(part)) for part in dependant.dependencies]

    async def solve(request: Request, solved: Solved) -> Any:
        arguments = {name: get(request) for name, get in getters}
        for name, dependency, solve_it in needed:
            if dependency not in solved:
                solved[dependency] = await solve_it(request, solved)
            arguments[name] = solved[dependency]
        return await call(**arguments)

    return solve


def _coroutine(dependant: Dependant) -> Callable[..., Awaitable[Any]]:
    if dependant.call is None or not iscoroutinefunction(dependant.call):
        raise TypeError(f"{dependant.call} is not `async def`.")
    return dependant.call


def _getters(dependant: Dependant) -> list[tuple[str, Getter]]:
    """Argument -> how it is read from the request."""
    if dependant.body_params or dependant.cookie_params or dependant.response_param_name:
        raise TypeError(f"{dependant.call} asks for more than a direct route gives.")
    getters: list[tuple[str, Getter]] = []
    if dependant.request_param_name:
        getters.append((dependant.request_param_name, lambda request: request))
    sources: tuple[tuple[list[Any], Callable[[str], Getter]], ...] = (
        (dependant.path_params, lambda alias: lambda request: request.path_params[alias]),
        (dependant.query_params, lambda alias: lambda request: request.query_params.get(alias)),
        (dependant.header_params, lambda alias: lambda request: request.headers.get(alias)),
    )
    for fields, read in sources:
        for field in fields:
            if field.field_info.annotation not in PLAIN:
                raise TypeError(f"{dependant.call} takes {field.name}, which is not plain text.")
            getters.append((field.name, read(field.alias)))
    return getters

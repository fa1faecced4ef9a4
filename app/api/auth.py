"""Header -> Caller, or 401 with the body still unread."""

from starlette.requests import Request

from app.assets.callers import Caller
from app.errors import Unauthorized
from app.services import Services
from app.telemetry import note


def credential(request: Request) -> str | None:
    """The API key or token that a request carries: `Authorization: Bearer …` or `X-API-Key: …`."""
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, value = header.partition(" ")
        return value.strip() if scheme.lower() == "bearer" else None
    return request.headers.get("x-api-key")


async def identify(request: Request, services: Services) -> Caller:
    """Who asks, or `Unauthorized`."""
    given = credential(request)
    if not given:
        raise Unauthorized
    caller = await services.callers.identify(given)
    note(tenant=caller.tenant)
    return caller


async def identify_if_known(request: Request, services: Services) -> Caller | None:
    """Who asks, or nobody: for addresses that anybody may read."""
    try:
        return await identify(request, services)
    except Unauthorized:
        return None

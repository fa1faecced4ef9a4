"""What doors ask for by type. All of it is `async def`: FastAPI would run plain functions in threads."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path
from starlette.requests import Request

from app.api.auth import identify
from app.api.receive import Receiver
from app.assets.callers import Caller, Scope
from app.errors import InvalidId, InvalidParameter
from app.services import Services
from app.telemetry import note

LONGEST_NAME = 255  # characters of a company, scope, owner, slot name or Idempotency-Key


async def services_of(request: Request) -> Services:
    """The process's objects."""
    services: Services = request.app.state.services
    return services


async def receiver_of(request: Request) -> Receiver:
    """What reads bodies."""
    receiver: Receiver = request.app.state.receiver
    return receiver


ServicesDep = Annotated[Services, Depends(services_of)]
ReceiverDep = Annotated[Receiver, Depends(receiver_of)]


async def reader(request: Request, services: ServicesDep) -> Caller:
    """A caller that may read."""
    return (await identify(request, services)).require(Scope.READ)


async def writer(request: Request, services: ServicesDep) -> Caller:
    """A caller that may write; known before a byte of the body is read."""
    return (await identify(request, services)).require(Scope.WRITE)


async def base_url(request: Request, services: ServicesDep) -> str:
    """What permalinks begin with: the configured address; the Host header only in development."""
    server = services.settings.server
    if server.public_base_url:
        return server.public_base_url
    if server.production:
        return server.local_url
    return str(request.base_url).rstrip("/")


def uuid_of(text: str) -> UUID:
    """An id in a path, or `InvalidId`."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidId from None


def plain_name(text: str) -> str:
    """A name in a path: 1 to 255 characters, none of them a control."""
    if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
        raise InvalidParameter("A name in the address is empty, too long, or has unprintable characters.")
    return text


async def idempotency_key(
    key: Annotated[str | None, Header(alias="Idempotency-Key", description="Makes a retry safe for 24 hours.")] = None,
) -> str | None:
    """The client's key, if it sent one."""
    if key is not None and not (1 <= len(key) <= LONGEST_NAME and key.isprintable()):
        raise InvalidParameter("Idempotency-Key has 1 to 255 printable characters.")
    return key


async def if_match(
    tags: Annotated[str | None, Header(alias="If-Match", description="The ETag that the slot must have.")] = None,
) -> frozenset[str] | None:
    """Entity tags as they stand, with their quotes, or `*`; weak ones match nothing (RFC 9110)."""
    return None if tags is None else frozenset(tag.strip() for tag in tags.split(","))


async def asset_id(asset_id: Annotated[str, Path(description="The asset's id.")]) -> UUID:
    """The id in the path."""
    found = uuid_of(asset_id)
    note(asset=str(found))
    return found


ReaderDep = Annotated[Caller, Depends(reader)]
WriterDep = Annotated[Caller, Depends(writer)]
BaseUrlDep = Annotated[str, Depends(base_url)]
IdempotencyDep = Annotated[str | None, Depends(idempotency_key)]
IfMatchDep = Annotated[frozenset[str] | None, Depends(if_match)]
AssetIdDep = Annotated[UUID, Depends(asset_id)]

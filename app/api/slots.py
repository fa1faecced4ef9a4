"""The door to slots: a named place for one asset, such as `users/7/avatar`."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.responses import Response

from app import errors as e
from app.api.deps import (
    BaseUrlDep,
    IdempotencyDep,
    IfMatchDep,
    ReaderDep,
    ReceiverDep,
    ServicesDep,
    WriterDep,
    plain_name,
)
from app.api.direct import DirectRoute
from app.api.form import Expected
from app.api.orders import DEFAULT_KIND, TEXT_FIELDS
from app.api.problems import Responses, responses
from app.api.schemas import SlotAssetOut, multipart_body, slot_etag, slot_json, stored_in_slot
from app.api.uploads import FINDS, STORES, receive_and_keep
from app.assets.callers import Caller
from app.db.assets import COMPANY
from app.db.records import SlotRef
from app.telemetry import note

PATH = "/v1/slots/{scope}/{owner}/{name}"
KINDS = {"logo": "logo", "avatar": "photo", "photo": "photo"}  # what a slot's name says when `kind` isn't given


def slot_of(caller: Caller, scope: str, owner: str, name: str) -> SlotRef:
    """The slot in the path; a company's slots belong to those who may reach the company."""
    if scope == COMPANY:
        owner = caller.company_named(owner)
    scope, owner, name = map(plain_name, (scope, owner, name))
    return SlotRef(tenant=caller.tenant, scope=scope, owner=owner, name=name)


async def slot_to_write(caller: WriterDep, scope: str, owner: str, name: str) -> SlotRef:
    """As above, for a caller that may write."""
    return slot_of(caller, scope, owner, name)


async def slot_to_read(caller: ReaderDep, scope: str, owner: str, name: str) -> SlotRef:
    """As above, for a caller that may read."""
    return slot_of(caller, scope, owner, name)


WriteSlotDep = Annotated[SlotRef, Depends(slot_to_write)]
ReadSlotDep = Annotated[SlotRef, Depends(slot_to_read)]


async def put_slot(
    request: Request,
    services: ServicesDep,
    receiver: ReceiverDep,
    caller: WriterDep,
    slot: WriteSlotDep,
    base: BaseUrlDep,
    key: IdempotencyDep,
    wanted: IfMatchDep,
    kind: str | None = None,
) -> Response:
    """Put a file into a slot, replacing what it holds. Without `kind`, the slot's name decides, else document."""
    names = ("file",) if slot.name in TEXT_FIELDS else ("file", slot.name)
    default = KINDS.get(slot.name, DEFAULT_KIND)
    asked = {"slot": slot, "if_match": wanted, "idempotency_key": key, "default_kind": default}
    expected = Expected(names, 1, kind)
    kept = await receive_and_keep(request, services, receiver, caller, expected, **asked)
    return stored_in_slot(kept, base, slot_json)


async def get_slot(services: ServicesDep, caller: ReaderDep, slot: ReadSlotDep, base: BaseUrlDep) -> Response:
    """What a slot holds; the ETag is for `If-Match`."""
    held, asset = await services.assets.slot(caller, slot)
    note(asset=str(asset.id))
    return JSONResponse(slot_json(held, asset, base), headers=slot_etag(asset))


async def delete_slot(services: ServicesDep, caller: WriterDep, slot: WriteSlotDep, wanted: IfMatchDep) -> Response:
    """Delete what a slot holds; its address stays the same for the next one."""
    await services.assets.empty_slot(caller, slot, if_match=wanted)
    return Response(status_code=204)


def make_router() -> APIRouter:
    """POST and PUT are one."""
    router = APIRouter(tags=["slots"], route_class=DirectRoute)
    replaced: Responses = {200: {"description": "The asset was replaced.", "model": SlotAssetOut}}
    stores = replaced | responses(*STORES, e.CompanyRequired, e.PreconditionFailed)
    for method in ("POST", "PUT"):
        router.add_api_route(
            PATH,
            put_slot,
            methods=[method],
            status_code=201,
            response_model=SlotAssetOut,
            responses=stores,
            openapi_extra=multipart_body("file", "kind", "visibility", "metadata"),
            operation_id=f"{method.lower()}_slot",
        )
    finds = responses(*FINDS, e.CompanyRequired)
    router.add_api_route(PATH, get_slot, response_model=SlotAssetOut, responses=finds)
    changes = responses(*FINDS, e.CompanyRequired, e.PreconditionFailed)
    router.add_api_route(PATH, delete_slot, methods=["DELETE"], status_code=204, responses=changes)
    return router

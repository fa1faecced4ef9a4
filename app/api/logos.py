"""The door to company logos: one slot for each company, under the address that clients call already."""

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
from app.api.problems import Responses, responses
from app.api.schemas import LogoOut, logo_json, multipart_body, slot_etag, stored_in_slot
from app.api.uploads import FINDS, STORES, receive_and_keep
from app.assets.callers import Caller
from app.db.assets import COMPANY
from app.db.records import SlotRef
from app.telemetry import note

FIELDS = ("logo", "file")
EXPECTED = Expected(FIELDS, max_files=1, kind="logo")
PATHS = ("/v1/companies/{company}/logo", "/api/companies/{company}/logo")


def logo_slot(caller: Caller, company: str) -> SlotRef:
    """The logo's slot; `my-company` is the caller's own."""
    owner = plain_name(caller.company_named(company))
    return SlotRef(tenant=caller.tenant, scope=COMPANY, owner=owner, name="logo")


async def slot_to_write(caller: WriterDep, company: str) -> SlotRef:
    """As above, for a caller that may write."""
    return logo_slot(caller, company)


async def slot_to_read(caller: ReaderDep, company: str) -> SlotRef:
    """As above, for a caller that may read."""
    return logo_slot(caller, company)


WriteSlotDep = Annotated[SlotRef, Depends(slot_to_write)]
ReadSlotDep = Annotated[SlotRef, Depends(slot_to_read)]


async def put_logo(
    request: Request,
    services: ServicesDep,
    receiver: ReceiverDep,
    caller: WriterDep,
    slot: WriteSlotDep,
    base: BaseUrlDep,
    key: IdempotencyDep,
    wanted: IfMatchDep,
) -> Response:
    """Set or replace a company's logo. Readers see the old one until this answers, then the new one."""
    asked = {"slot": slot, "if_match": wanted, "idempotency_key": key}
    kept = await receive_and_keep(request, services, receiver, caller, EXPECTED, **asked)
    return stored_in_slot(kept, base, logo_json)


async def get_logo(services: ServicesDep, caller: ReaderDep, slot: ReadSlotDep, base: BaseUrlDep) -> Response:
    """A company's logo; the ETag is for `If-Match`."""
    held, asset = await services.assets.slot(caller, slot)
    note(asset=str(asset.id))
    return JSONResponse(logo_json(held, asset, base), headers=slot_etag(asset))


async def delete_logo(services: ServicesDep, caller: WriterDep, slot: WriteSlotDep, wanted: IfMatchDep) -> Response:
    """Delete a company's logo; the address of its slot stays the same for the next one."""
    await services.assets.empty_slot(caller, slot, if_match=wanted)
    return Response(status_code=204)


def make_router() -> APIRouter:
    """The same three calls under both addresses; POST and PUT are one."""
    router = APIRouter(tags=["logos"], route_class=DirectRoute)
    for path in PATHS:
        _add_calls(router, path, path.split("/")[1])
    return router


def _add_calls(router: APIRouter, path: str, prefix: str) -> None:
    replaced: Responses = {200: {"description": "The logo was replaced.", "model": LogoOut}}
    for method in ("POST", "PUT"):
        router.add_api_route(
            path,
            put_logo,
            methods=[method],
            status_code=201,
            response_model=LogoOut,
            responses=replaced | responses(*STORES, e.CompanyRequired, e.PreconditionFailed),
            openapi_extra=multipart_body("logo", "metadata"),
            operation_id=f"{prefix}_{method.lower()}_logo",
        )
    finds = responses(*FINDS, e.CompanyRequired)
    router.add_api_route(path, get_logo, response_model=LogoOut, responses=finds, operation_id=f"{prefix}_get_logo")
    changes = responses(*FINDS, e.CompanyRequired, e.PreconditionFailed)
    name = f"{prefix}_delete_logo"
    router.add_api_route(path, delete_logo, methods=["DELETE"], status_code=204, responses=changes, operation_id=name)

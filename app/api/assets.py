"""The door to assets: store one or several, list, read, change, delete."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app import errors as e
from app.api.deps import (
    AssetIdDep,
    BaseUrlDep,
    IdempotencyDep,
    ReaderDep,
    ReceiverDep,
    ServicesDep,
    WriterDep,
    plain_name,
)
from app.api.direct import DirectRoute
from app.api.form import Expected
from app.api.orders import json_object, metadata_of, visibility_of
from app.api.problems import responses
from app.api.schemas import AssetOut, AssetsOut, PageOut, asset_json, multipart_body, stored
from app.api.uploads import FINDS, READS, STORES, receive_and_keep
from app.assets.service import Page
from app.db.assets import Filter
from app.db.records import SlotRef

FIELDS = ("file", "files", "file[]", "files[]")
MOST_FILES = 20
LONGEST_CHANGE = 128 * 1024  # bytes of a JSON body

router = APIRouter(prefix="/v1/assets", tags=["assets"], route_class=DirectRoute)


CHANGES = (
    e.NotCleaned,
    e.PublicAddress,
    e.InvalidId,
    e.InvalidJson,
    e.InvalidField,
    e.FormTooLarge,
    e.TruncatedBody,
    e.RequestTimeout,
)


class Change(BaseModel):
    """What may change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filename: str | None = None
    visibility: str | None = None
    metadata: dict[str, object] | None = None


@router.post(
    "",
    status_code=201,
    response_model=AssetOut | AssetsOut,
    responses=responses(*STORES),
    openapi_extra=multipart_body("file", "kind", "visibility", "metadata"),
)
async def upload(
    request: Request,
    services: ServicesDep,
    receiver: ReceiverDep,
    caller: WriterDep,
    base: BaseUrlDep,
    key: IdempotencyDep,
    kind: str | None = None,
) -> Response:
    """Store a file, or up to 20 of them: all or none. `kind` is logo, photo, document (if unset) or file."""
    expected = Expected(FIELDS, MOST_FILES, kind)
    kept = await receive_and_keep(request, services, receiver, caller, expected, idempotency_key=key)
    shown = [asset_json(asset, base) for asset in kept.assets]
    if len(shown) > 1:
        return stored({"items": shown}, kept, {})
    return stored(shown[0], kept, {"Location": f"{base}/v1/assets/{kept.assets[0].id}"})


async def pages(
    services: ServicesDep,
    caller: ReaderDep,
    base: BaseUrlDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: str | None = None,
    kind: str | None = None,
    slot: Annotated[str | None, Query(description="scope/owner/name, such as company/42/logo")] = None,
    sha256: str | None = None,
    filename: str | None = None,
) -> Response:
    """A page of your assets, newest first."""
    wanted = {"kind": kind, "slot": slot, "sha256": sha256, "filename": filename}
    chosen = Filter(tenant=None, kind=kind, sha256=sha256, filename=filename, slot=_slot_of(slot, caller.tenant))
    page = await services.assets.page(caller, chosen, limit=limit, cursor=cursor)
    content = {"items": [asset_json(asset, base) for asset in page.items], "next_cursor": page.next_cursor}
    return JSONResponse(content, headers=_link(page, base, {"limit": str(limit), **wanted}))


router.add_api_route(  # `limit` is a number, which the framework checks
    "",
    pages,
    response_model=PageOut,
    responses=responses(*READS, e.InvalidCursor),
    route_class_override=APIRoute,
)


@router.get("/{asset_id}", response_model=AssetOut, responses=responses(*FINDS, e.InvalidId))
async def read(services: ServicesDep, caller: ReaderDep, base: BaseUrlDep, asset_id: AssetIdDep) -> Response:
    """What is known of an asset."""
    return JSONResponse(asset_json(await services.assets.get(caller, asset_id), base))


@router.patch(
    "/{asset_id}",
    response_model=AssetOut,
    responses=responses(*FINDS, *CHANGES),
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": Change.model_json_schema()}}}},
)
async def change(
    request: Request,
    services: ServicesDep,
    receiver: ReceiverDep,
    caller: WriterDep,
    base: BaseUrlDep,
    asset_id: AssetIdDep,
) -> Response:
    """Change filename, visibility or metadata; metadata is replaced as a whole."""
    sent = _changes(await receiver.small_body(request, LONGEST_CHANGE))
    changed = await services.assets.change(caller, asset_id, sent)
    return JSONResponse(asset_json(changed, base))


@router.delete("/{asset_id}", status_code=204, responses=responses(*FINDS, e.InvalidId))
async def delete(services: ServicesDep, caller: WriterDep, asset_id: AssetIdDep) -> Response:
    """Delete: nobody can read it from now on; its bytes go at the next sweep."""
    await services.assets.delete(caller, asset_id)
    return Response(status_code=204)


def _changes(raw: bytes) -> dict[str, Any]:
    """The members that were sent, checked."""
    try:
        sent = Change.model_validate(json_object(raw, name="The body")).model_dump(exclude_unset=True)
    except ValidationError as failure:
        first = failure.errors()[0]
        raise e.InvalidField(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from failure
    if not sent or None in sent.values():
        raise e.InvalidField("Send at least one of filename, visibility, metadata; null is none of their values.")
    if "visibility" in sent:
        visibility_of(sent["visibility"])
    if "metadata" in sent:
        metadata_of(json.dumps(sent["metadata"], ensure_ascii=False, separators=(",", ":")))
    return sent


def _slot_of(text: str | None, tenant: str) -> SlotRef | None:
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) != len(("scope", "owner", "name")):
        raise e.InvalidParameter("slot is scope/owner/name, such as company/42/logo.")
    scope, owner, name = map(plain_name, parts)
    return SlotRef(tenant=tenant, scope=scope, owner=owner, name=name)


def _link(page: Page, base: str, wanted: dict[str, str | None]) -> dict[str, str]:
    """RFC 8288: where the next page is."""
    if page.next_cursor is None:
        return {}
    query = urlencode({name: value for name, value in {**wanted, "cursor": page.next_cursor}.items() if value})
    return {"Link": f'<{base}/v1/assets?{query}>; rel="next"'}

"""What answers look like: the models of the OpenAPI document, and assets and slots as JSON."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.responses import Response

from app.assets.ingest import permalink_path
from app.db.records import Asset, Kept, Slot


class AssetOut(BaseModel):
    """One stored file."""

    id: UUID
    kind: str
    filename: str
    content_type: str
    size: int
    sha256: str
    original_sha256: str
    uncleaned: list[str] | None
    width: int | None
    height: int | None
    store: str
    public_id: str
    url: str
    permalink: str
    visibility: str
    metadata: dict[str, Any]
    created_at: datetime


class AssetsOut(BaseModel):
    """Several files that were stored together."""

    items: list[AssetOut]


class PageOut(BaseModel):
    """Some assets, newest first; `next_cursor` is null on the last page."""

    items: list[AssetOut]
    next_cursor: str | None


class SlotOut(BaseModel):
    """A named place; the bytes behind its permalink change, its address never does."""

    scope: str
    owner: str
    name: str
    permalink: str


class SlotAssetOut(AssetOut):
    """An asset and the slot that holds it."""

    slot: SlotOut


class LogoOut(SlotAssetOut):
    """A company's logo; `logo_url` is its `url`."""

    logo_url: str


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str


def asset_json(asset: Asset, base: str) -> dict[str, Any]:
    """An asset as `AssetOut`; `base` is what our own addresses begin with."""
    return {
        "id": str(asset.id),
        "kind": asset.kind,
        "filename": asset.filename,
        "content_type": asset.content_type,
        "size": asset.size,
        "sha256": asset.sha256,
        "original_sha256": asset.original_sha256 or asset.sha256,
        "uncleaned": asset.uncleaned,
        "width": asset.width,
        "height": asset.height,
        "store": asset.store,
        "public_id": asset.public_id,
        "url": base + asset.url if asset.url.startswith("/") else asset.url,
        "permalink": base + permalink_path(asset.id, asset.filename),
        "visibility": asset.visibility,
        "metadata": dict(asset.metadata),
        "created_at": asset.created_at.isoformat().replace("+00:00", "Z"),
    }


def slot_json(slot: Slot, asset: Asset, base: str) -> dict[str, Any]:
    """A slot and what it holds as `SlotAssetOut`."""
    decoration = slot.name if slot.name.strip(".") else "slot"  # clients would resolve . and .. away
    permalink = f"{base}/f/s/{slot.id}/{quote(decoration, safe='')}"
    place = {"scope": slot.scope, "owner": slot.owner, "name": slot.name, "permalink": permalink}
    return {**asset_json(asset, base), "slot": place}


def logo_json(slot: Slot, asset: Asset, base: str) -> dict[str, Any]:
    """A logo as `LogoOut`."""
    shown = slot_json(slot, asset, base)
    return {"logo_url": shown["url"], **shown}


def slot_etag(asset: Asset) -> dict[str, str]:
    """The ETag of a slot: another asset, another tag."""
    return {"ETag": f'"{asset.id}"', "Cache-Control": "private, no-cache"}


def stored(content: Mapping[str, Any], kept: Kept, headers: Mapping[str, str]) -> Response:
    """201 for what is new, 200 for what has replaced something; a replayed answer says so."""
    replayed = {"Idempotency-Replayed": "true"} if kept.replayed else {}
    return JSONResponse(content, 200 if kept.replaced else 201, headers={**headers, **replayed})


def stored_in_slot(kept: Kept, base: str, shape: Callable[[Slot, Asset, str], dict[str, Any]]) -> Response:
    """The answer of a door that fills a slot."""
    asset, slot = kept.assets[0], kept.slot
    content = asset_json(asset, base) if slot is None else shape(slot, asset, base)
    return stored(content, kept, {"Location": f"{base}/v1/assets/{asset.id}", **slot_etag(asset)})


def multipart_body(*fields: str) -> dict[str, Any]:
    """The `requestBody` of a door that reads its body itself: a file in the first field, text in the others."""
    file, *texts = fields
    properties: dict[str, Any] = {file: {"type": "string", "format": "binary"}}
    properties |= {text: {"type": "string"} for text in texts}
    schema = {"type": "object", "properties": properties, "required": [file]}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}

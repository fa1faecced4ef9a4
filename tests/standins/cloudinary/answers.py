"""What the vendor says of an asset: the fields of its answers, its delivery addresses, its bytes."""

import re
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from tests.standins.cloudinary.assets import Asset
from tests.standins.cloudinary.signing import delivery_signature, response_signature
from tests.standins.cloudinary.wire import Answer

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Account

DELIVERY_HOST = "res.cloudinary.com"
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
CONTENT_TYPES = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webm": "video/webm",
    "webp": "image/webp",
}


def stored(asset: Asset, account: "Account", *, existing: bool = False) -> dict[str, Any]:
    """The answer to an upload."""
    answer: dict[str, Any] = {
        **_identity(asset),
        "signature": response_signature(asset.public_id, asset.version, account.api_secret),
        **_picture(asset),
        "resource_type": asset.resource_type,
        "created_at": asset.created_at,
        "tags": asset.tags,
        "bytes": asset.size,
        "type": asset.type,
        "etag": asset.etag,
        "placeholder": False,
        **addresses(asset, account),
        **_place(asset, account),
    }
    if asset.context:
        answer["context"] = {"custom": asset.context}
    if asset.original_filename:
        answer["original_filename"] = asset.original_filename
    if existing:
        answer["existing"] = True
    return {**answer, "api_key": account.api_key}


def listed(asset: Asset, account: "Account") -> dict[str, Any]:
    """One entry of a list of the Admin API: no etag, no signature."""
    return {
        "asset_id": asset.asset_id,
        "public_id": asset.public_id,
        **({"format": asset.format} if asset.resource_type != "raw" else {}),
        "version": asset.version,
        "resource_type": asset.resource_type,
        "type": asset.type,
        "created_at": asset.created_at,
        "bytes": asset.size,
        **_measures(asset),
        **_place(asset, account),
        **addresses(asset, account),
    }


def detailed(asset: Asset, account: "Account") -> dict[str, Any]:
    """One asset of the Admin API."""
    extra = {"tags": asset.tags} if asset.tags else {}
    return {**listed(asset, account), "version_id": asset.version_id, "etag": asset.etag, **extra, "derived": []}


def file_name(asset: Asset) -> str:
    """public_id, and the format of what has one."""
    return asset.public_id if asset.resource_type == "raw" else f"{asset.public_id}.{asset.format}"


def addresses(asset: Asset, account: "Account") -> dict[str, str]:
    """Where it is delivered: of type upload to all, of the other types with a signature in the address."""
    name = file_name(asset)
    sign = f"s--{delivery_signature(name, account.api_secret)}--/" if asset.type != "upload" else ""
    path = f"{account.cloud_name}/{asset.resource_type}/{asset.type}/{sign}v{asset.version}/{quote(name, safe='/:')}"
    return {"url": f"http://{DELIVERY_HOST}/{path}", "secure_url": f"https://{DELIVERY_HOST}/{path}"}


def contents(asset: Asset, file: BinaryIO, wanted: str | None) -> Answer:
    """The bytes; `wanted` is a Range header: one range is honoured, anything else is ignored."""
    kind = CONTENT_TYPES.get(asset.format, "application/octet-stream")
    headers = {"ETag": f'"{asset.etag}"', "Accept-Ranges": "bytes"}
    first, last = 0, asset.size - 1
    match = RANGE.fullmatch(wanted.strip()) if wanted else None
    if match and (match[1] or match[2]):
        first = int(match[1]) if match[1] else max(0, asset.size - int(match[2]))
        last = min(last, int(match[2])) if match[1] and match[2] else last
        if first > last:
            file.close()
            return Answer.error(416, "Range Not Satisfiable", {"Content-Range": f"bytes */{asset.size}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{asset.size}"
    file.seek(first)
    status = 206 if "Content-Range" in headers else 200
    return Answer(status, headers=headers, content_type=kind, file=file, length=last - first + 1)


def _identity(asset: Asset) -> dict[str, Any]:
    return {
        "asset_id": asset.asset_id,
        "public_id": asset.public_id,
        "version": asset.version,
        "version_id": asset.version_id,
    }


def _measures(asset: Asset) -> dict[str, Any]:
    return {"width": asset.width, "height": asset.height} if asset.resource_type != "raw" else {}


def _picture(asset: Asset) -> dict[str, Any]:
    if asset.resource_type == "raw":
        return {}
    more = {"pages": 1} if asset.resource_type == "image" else {"duration": 1.0}
    return {**_measures(asset), "format": asset.format, **more}


def _place(asset: Asset, account: "Account") -> dict[str, Any]:
    if account.folder_mode != "dynamic":
        return {"folder": asset.public_id.rpartition("/")[0]}
    return {"asset_folder": asset.asset_folder, "display_name": asset.display_name}

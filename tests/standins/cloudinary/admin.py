"""The Admin API: ping, usage, config, assets listed, shown and deleted; counted by the hour."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from tests.standins.cloudinary import answers, signing
from tests.standins.cloudinary.assets import Asset
from tests.standins.cloudinary.wire import Answer, Call, Refused

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Account, Cloud

LARGEST_PAGE, PAGE = 500, 10
LARGEST_DELETE = 100  # public_ids of one call
GIGABYTE = 1024**3


class Allowance:
    """How many calls an hour are left; the hour of the clock, as the vendor counts."""

    def __init__(self) -> None:
        self.calls = 0  # in all
        self._hour = 0
        self._used = 0
        self._lock = threading.Lock()

    def use(self, account: "Account", now: float) -> dict[str, str]:
        """Count one call; the headers that say what is left, or 420."""
        with self._lock:
            self.calls += 1
            hour = int(now // signing.HOUR)
            self._used = self._used + 1 if hour == self._hour else 1
            self._hour = hour
            left, reset = account.admin_limit - self._used, (hour + 1) * signing.HOUR
        headers = {
            "X-FeatureRateLimit-Limit": str(account.admin_limit),
            "X-FeatureRateLimit-Remaining": str(max(0, left)),
            "X-FeatureRateLimit-Reset": formatdate(reset, usegmt=True),
        }
        if left < 0:
            again = datetime.fromtimestamp(reset, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            reached = f"Limit of {account.admin_limit} api operations reached. Try again on {again}"
            raise Refused(420, f"Rate Limit Exceeded. {reached}", headers)
        return headers


def answer(cloud: "Cloud", call: Call) -> Answer:
    """Any call of the Admin API."""
    signing.check_basic(call, cloud.account)
    headers = cloud.allowance.use(cloud.account, cloud.now())
    try:
        return Answer.of(_route(call)(cloud, call), headers=headers)
    except Refused as refused:
        raise Refused(refused.status, refused.message, headers) from None


def _route(call: Call) -> Callable[["Cloud", Call], dict[str, Any]]:
    match call.method, call.rest:
        case "GET", (("ping" | "usage" | "config") as name,):
            return {"ping": _ping, "usage": _usage, "config": _config}[name]
        case "GET", ("resources", "by_asset_folder" | "image" | "video" | "raw"):
            return _list
        case "GET", ("resources", "image" | "video" | "raw", _):
            return _list
        case "GET", ("resources", "image" | "video" | "raw", _, *_):
            return _show
        case "DELETE", ("resources", "image" | "video" | "raw", _):
            return _delete
    raise Refused(404, f"The stand-in does not do: {call.method} {'/'.join(call.rest)}")


def _ping(_cloud: "Cloud", _call: Call) -> dict[str, Any]:
    return {"status": "ok"}


def _usage(cloud: "Cloud", _call: Call) -> dict[str, Any]:
    assets, now = cloud.shelf.newest_first(), cloud.now()
    stored = sum(asset.size for asset in assets)
    credit = round(stored / GIGABYTE, 2)
    nothing = {"usage": 0, "credits_usage": 0.0}
    return {
        "plan": cloud.account.plan,
        "last_updated": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d"),
        "date_requested": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT00:00:00Z"),
        "transformations": nothing,
        "objects": {"usage": len(assets)},
        "bandwidth": nothing,
        "storage": {"usage": stored, "credits_usage": credit},
        "impressions": nothing,
        "seconds_delivered": nothing,
        "credits": {"usage": credit, "limit": 25.0, "used_percent": round(credit * 4, 2)},
        "resources": len(assets),
        "derived_resources": 0,
        "requests": len(cloud.calls),
        "media_limits": cloud.account.media_limits,
    }


def _config(cloud: "Cloud", call: Call) -> dict[str, Any]:
    known = {"cloud_name": cloud.account.cloud_name, "created_at": "2025-01-01T00:00:00Z"}
    if call.one("settings") == "true":
        return {**known, "settings": {"folder_mode": cloud.account.folder_mode}}
    return known


def _list(cloud: "Cloud", call: Call) -> dict[str, Any]:
    if call.one("prefix") and len(call.rest) < len(("resources", "raw", "upload")):
        raise Refused(400, "Missing required parameter - type")
    chosen = [asset for asset in cloud.shelf.newest_first() if _wanted(call, asset)]
    if call.one("direction", "desc") in {"asc", "1"}:
        chosen.reverse()
    size = _page_size(call)
    if cursor := call.one("next_cursor"):
        chosen = _after(chosen, cursor, cloud.first_cursor, call)
    page = {"resources": [answers.listed(asset, cloud.account) for asset in chosen[:size]]}
    if len(chosen) <= size:
        return page
    return {**page, "next_cursor": cloud.new_cursor(chosen[size - 1].number)}


def _wanted(call: Call, asset: Asset) -> bool:
    _, name, *kind = call.rest
    if name == "by_asset_folder":
        return asset.asset_folder == call.one("asset_folder")
    ids = call.query.get("public_ids[]")
    return (
        asset.resource_type == name
        and asset.type == (kind[0] if kind else asset.type)
        and asset.public_id.startswith(call.one("prefix"))
        and (ids is None or asset.public_id in ids)
    )


def _page_size(call: Call) -> int:
    value = call.one("max_results", str(PAGE))
    if not value.isdigit() or not 1 <= int(value) <= LARGEST_PAGE:
        raise Refused(400, f"Invalid value {value} for parameter max_results")
    return int(value)


def _after(chosen: list[Asset], cursor: str, first: int, call: Call) -> list[Asset]:
    """What follows the cursor's asset, which may be gone meanwhile; cursors before the first are forgotten."""
    try:
        issue, last = int(cursor[:16], 16), int(cursor[16:], 16)
    except ValueError:
        issue = last = -1
    if issue < first:
        raise Refused(400, f"Invalid value {cursor} for parameter next_cursor")
    if call.one("direction", "desc") in {"asc", "1"}:
        return [asset for asset in chosen if asset.number > last]
    return [asset for asset in chosen if asset.number < last]


def _show(cloud: "Cloud", call: Call) -> dict[str, Any]:
    _, name, kind, *parts = call.rest
    asset = cloud.shelf.get((name, kind, "/".join(parts)))
    if asset is None:
        raise Refused(404, f"Resource not found - {'/'.join(parts)}")
    return answers.detailed(asset, cloud.account)


def _delete(cloud: "Cloud", call: Call) -> dict[str, Any]:
    _, name, kind = call.rest
    try:
        asked = json.loads(call.body)
        ids, invalidate = list(asked["public_ids"]), str(asked.get("invalidate", "")).lower() in {"1", "true"}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(400, "Missing required parameter - public_ids") from None
    if len(ids) > LARGEST_DELETE:
        raise Refused(400, f"public_ids may have {LARGEST_DELETE} entries")
    gone = {
        public_id: cloud.shelf.remove((name, kind, public_id), invalidate=invalidate, cdn_keeps=cloud.cdn_keeps)
        for public_id in ids
    }
    return {
        "deleted": {public_id: "deleted" if found else "not_found" for public_id, found in gone.items()},
        "deleted_counts": {public_id: {"original": int(found), "derived": 0} for public_id, found in gone.items()},
        "partial": False,
    }

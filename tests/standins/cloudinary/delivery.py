"""Reading: signed downloads of the original from the API, and delivery as the CDN does it."""

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from tests.standins.cloudinary import answers, parameters, signing
from tests.standins.cloudinary.assets import Asset
from tests.standins.cloudinary.wire import RESOURCE_TYPES, Answer, Call, Refused

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Cloud

SIGNATURE = re.compile(r"s--([A-Za-z0-9_-]+)--")
VERSION = re.compile(r"v\d+")
BLOCKED = {"pdf", "zip", "rar", "tgz", "gz", "tar", "7z", "bz2"}


def download(cloud: "Cloud", call: Call) -> Answer:
    """`GET /<resource type>/download?…`: the original, for whoever has a signed address that is not too old."""
    call.fields = {name: ",".join(values) for name, values in call.query.items()}
    signing.check_call(call, cloud.account)
    parameters.check(call, parameters.DOWNLOAD)
    _check_expiry(cloud, call)
    public_id, wanted = call.fields.get("public_id", ""), call.fields.get("format", "")
    found = cloud.shelf.open((call.resource_type, call.fields.get("type", "upload"), public_id))
    if not found:
        raise Refused(404, f"Resource not found - {public_id}")
    asset, file = found
    if wanted and wanted != asset.format:  # a raw asset has no format; another format would be a conversion
        file.close()
        raise Refused(404, f"Resource not found - {public_id}")
    answer = answers.contents(asset, file, call.headers.get("range") if cloud.ranges else None)
    if parameters.is_true(call.fields.get("attachment", "")) and answer.file:
        name = answers.file_name(asset).rpartition("/")[2]
        answer.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return answer


def deliver(cloud: "Cloud", call: Call) -> Answer:
    """`GET /<cloud>/<resource type>/<type>/[s--…--/]v<version>/<public_id>[.<format>]`: what the CDN serves."""
    signing.check_cloud(call, cloud.account)
    if call.resource_type not in RESOURCE_TYPES:
        raise Refused(404, "Resource not found")
    kind, *rest = call.rest
    signature = rest.pop(0) if SIGNATURE.fullmatch(rest[0]) else ""
    if any(VERSION.fullmatch(part) for part in rest[1:-1]):
        raise Refused(501, "The stand-in does not do: transformations")
    name = "/".join(rest[1:] if VERSION.fullmatch(rest[0]) else rest)
    asset = _find(cloud, call.resource_type, kind, name)
    if kind != "upload" and not _signed(signature, name, cloud.account.api_secret):
        raise Refused(401, "deny or ACL failure")
    formats = {name.rpartition(".")[2].lower(), asset.format if asset else ""}
    if formats & BLOCKED and not cloud.account.delivers_documents:
        raise Refused(401, "deny or ACL failure")
    found = cloud.shelf.open(asset.key, cdn=True) if asset else None
    if not found:
        raise Refused(404, f"Resource not found - {name}")
    found[0].delivered = True
    return answers.contents(*found, call.headers.get("range"))


def _check_expiry(cloud: "Cloud", call: Call) -> None:
    until = signing.read_time(call, "timestamp") + signing.HOUR
    if "expires_at" in call.fields:
        until = signing.read_time(call, "expires_at")
    if cloud.now() > until:
        raise Refused(401, "The download link has expired")


def _find(cloud: "Cloud", resource_type: str, kind: str, name: str) -> Asset | None:
    if resource_type == "raw":
        return cloud.shelf.delivered((resource_type, kind, name))
    stem, _, wanted = name.rpartition(".")
    asset = cloud.shelf.delivered((resource_type, kind, stem)) if stem else None
    if asset and asset.format == wanted:
        return asset
    return cloud.shelf.delivered((resource_type, kind, name))


def _signed(signature: str, name: str, secret: str) -> bool:
    match = SIGNATURE.fullmatch(signature)
    return match is not None and match[1] == signing.delivery_signature(
        name, secret, long=len(match[1]) > signing.SHORT
    )

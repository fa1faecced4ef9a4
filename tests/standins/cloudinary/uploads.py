"""Upload and destroy: the calls that change what is stored."""

import hashlib
import re
import secrets
import string
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tests.standins.cloudinary import answers, formats, parameters, signing
from tests.standins.cloudinary.assets import Asset
from tests.standins.cloudinary.forms import HEAD
from tests.standins.cloudinary.wire import RESOURCE_TYPES, Answer, Call, Incoming, Refused

if TYPE_CHECKING:
    from tests.standins.cloudinary.cloud import Account, Cloud

TYPES = ("upload", "private", "authenticated")
FORBIDDEN = re.compile(r"[?&#\\%<>+]|^[\s/]|[\s/]$|//")
LONGEST_ID = 255  # characters
GENERATED = 20  # characters
UPGRADE = "Upgrade your plan to enjoy higher limits https://www.cloudinary.com/pricing/upgrades/file-limit"


def upload(cloud: "Cloud", call: Call) -> Answer:
    """`POST /<resource type>/upload`: a whole file, or a chunk of one."""
    _check(cloud, call)
    incoming, span = call.file, call.span
    if incoming is None:
        raise Refused(400, _no_file(call))
    if incoming.size > cloud.account.request_limit:
        raise Refused(400, _too_large(incoming.size, cloud.account.request_limit))
    if span:
        if span.first == 0:
            _check_size(_resource_type(call, incoming), span.total, cloud.account)
        unfinished, whole = cloud.incomplete.add(call, span, cloud.account.smallest_chunk)
        if whole is None:
            return Answer.of(_not_done(call, unfinished.received))
        incoming, call.fault = whole, unfinished.fault
    answer = _store(cloud, call, incoming)
    return Answer.of({"done": True, **answer} if span else answer)


def destroy(cloud: "Cloud", call: Call) -> Answer:
    """`POST /<resource type>/destroy`: exactly this resource type, type and public_id, or `not found`, both 200."""
    signing.check_call(call, cloud.account)
    parameters.check(call, parameters.DESTROY)
    signing.check_age(call, cloud.now())
    if call.resource_type not in RESOURCE_TYPES:
        raise Refused(400, f"Invalid value {call.resource_type} for parameter resource_type")
    if not (public_id := call.fields.get("public_id")):
        raise Refused(400, "Missing required parameter - public_id")
    invalidate = parameters.is_true(call.fields.get("invalidate", ""))
    key = (call.resource_type, call.fields.get("type", "upload"), public_id)
    found = cloud.shelf.remove(key, invalidate=invalidate, cdn_keeps=cloud.cdn_keeps)
    return Answer.of({"result": "ok" if found else "not found"})


def _check(cloud: "Cloud", call: Call) -> None:
    if call.resource_type not in (*RESOURCE_TYPES, "auto"):
        raise Refused(400, f"Invalid value {call.resource_type} for parameter resource_type")
    signing.check_call(call, cloud.account)
    parameters.check(call, parameters.UPLOAD)
    signing.check_age(call, cloud.now())
    if call.fields.get("upload_preset"):
        raise Refused(400, "Upload preset not found")
    if call.fields.get("type", "upload") not in TYPES:
        raise Refused(400, f"Invalid value {call.fields['type']} for parameter type")
    public_id = _explicit_id(call)
    if FORBIDDEN.search(public_id):
        raise Refused(400, f"public_id ({public_id}) is invalid")
    if len(public_id) > LONGEST_ID:
        raise Refused(400, "public_id is too long")


def _no_file(call: Call) -> str:
    if "file" in call.fields:
        return f"Unsupported source URL: {call.fields['file'][:100]}"
    return "Missing required parameter - file"


def _too_large(size: int, limit: int) -> str:
    return f"File size too large. Got {size}. Maximum is {limit}. {UPGRADE}"


def _not_done(call: Call, received: int) -> dict[str, object]:
    answer: dict[str, object] = {"done": False, "bytes": received, "kind": call.fields.get("type", "upload")}
    if call.resource_type != "auto":
        answer["resource_type"] = call.resource_type
    if "public_id" in call.fields:
        answer["public_id"] = call.fields["public_id"]
    return answer


def _resource_type(call: Call, incoming: Incoming) -> str:
    return formats.recognise(incoming.head)[0] if call.resource_type == "auto" else call.resource_type


def _check_size(resource_type: str, size: int, account: "Account") -> None:
    if size > account.limits[resource_type]:
        raise Refused(400, _too_large(size, account.limits[resource_type]))


def _explicit_id(call: Call) -> str:
    public_id = call.fields.get("public_id", "")
    places = (call.fields.get("folder"), call.fields.get("public_id_prefix"), public_id)
    return "/".join(part for part in places if part)


def _store(cloud: "Cloud", call: Call, incoming: Incoming) -> dict[str, object]:
    if call.fault and call.fault.kind == "alter":
        incoming = _altered(incoming, call.fault.change)
    try:
        asset = _asset(call, incoming, cloud.account)
        before = cloud.shelf.get(asset.key)
        if before and not parameters.is_true(call.fields.get("overwrite", "1")):
            return answers.stored(before, cloud.account, existing=True)
        return answers.stored(cloud.shelf.add(asset, incoming, cloud.now()), cloud.account)
    finally:
        incoming.path.unlink(missing_ok=True)  # unless it is stored, and has another name


def _check_content(resource_type: str, incoming: Incoming, account: "Account") -> None:
    if not incoming.size:
        raise Refused(400, "Empty file")
    found, name = formats.recognise(incoming.head)
    if resource_type in {"image", "video"} and found != resource_type:
        raise Refused(400, "Invalid image file" if resource_type == "image" else "Unsupported video format or file")
    _check_size(resource_type, incoming.size, account)
    width, height = formats.measure(name, incoming.head)
    if resource_type == "image" and width * height > account.image_max_px:
        raise Refused(400, f"Maximum image size is {account.image_max_px / 1e6:g} Megapixels")


def _asset(call: Call, incoming: Incoming, account: "Account") -> Asset:
    resource_type, name = _resource_type(call, incoming), formats.recognise(incoming.head)[1]
    _check_content(resource_type, incoming, account)
    width, height = formats.measure(name, incoming.head)
    public_id = _explicit_id(call) if call.fields.get("public_id") else _generated_id(call)
    return Asset(
        resource_type=resource_type,
        type=call.fields.get("type", "upload"),
        public_id=public_id,
        format=name if resource_type != "raw" else "",
        width=width,
        height=height,
        size=incoming.size,
        etag=incoming.md5,
        path=incoming.path,
        tags=[tag for tag in call.fields.get("tags", "").split(",") if tag],
        context=_context(call.fields.get("context", "")),
        asset_folder=call.fields.get("asset_folder", call.fields.get("folder", "")),
        display_name=call.fields.get("display_name", public_id.rpartition("/")[2]),
        original_filename=_original_name(call, incoming),
    )


def _generated_id(call: Call) -> str:
    letters = string.ascii_lowercase + string.digits
    made = "".join(secrets.choice(letters) for _ in range(GENERATED))
    return f"{prefix}/{made}" if (prefix := _explicit_id(call)) else made


def _original_name(call: Call, incoming: Incoming) -> str:
    if parameters.is_true(call.fields.get("discard_original_filename", "")):
        return ""
    return PurePosixPath(call.fields.get("filename_override", incoming.name)).stem


def _context(value: str) -> dict[str, str]:
    pairs = [re.split(r"(?<!\\)=", pair, maxsplit=1) for pair in re.split(r"(?<!\\)\|", value) if pair]
    return {re.sub(r"\\(.)", r"\1", pair[0]): re.sub(r"\\(.)", r"\1", pair[-1]) for pair in pairs}


def _altered(incoming: Incoming, change: object) -> Incoming:
    assert callable(change)
    content = change(incoming.path.read_bytes())
    incoming.path.write_bytes(content)
    return Incoming(incoming.path, incoming.name, len(content), hashlib.md5(content).hexdigest(), content[:HEAD])

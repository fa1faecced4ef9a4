"""Ids and keys: ours, never made of what a client calls a file."""

import hashlib
import re
import secrets
import time
from uuid import UUID

from app.assets.policy import EXTENSIONS
from app.db.records import SlotRef

SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")
DEFAULT_TENANT = "default"
LONGEST_FOLDER, LONG = 140, 40  # characters: with tenant and id below the 255 that Cloudinary takes
OURS = re.compile(r"(?:[A-Za-z0-9_-]+/){1,5}[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.[a-z0-9]+")

# (scope, name) of a slot -> its folder; any other slot lies in scope/owner/name.
FOLDERS = {("company", "logo"): "company_logos/company_{owner}"}


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, 74 random bits."""
    value = time.time_ns() // 1_000_000 << 80 | secrets.randbits(80)
    return UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def slug(text: str) -> str:
    """A name as a path segment: itself if it is plain, else `h-` and 16 hex digits of its SHA-256."""
    return text if SLUG.fullmatch(text) else _hashed(text)


def _hashed(text: str) -> str:
    return f"h-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:16]}"


def key_for(asset_id: UUID, *, tenant: str, kind: str, content_type: str, slot: SlotRef | None) -> str:
    """[tenant/]folder/uuid7.ext, in ASCII."""
    prefix = "" if tenant == DEFAULT_TENANT else f"{slug(tenant)}/"
    folder = kind if slot is None else _slot_folder(slot)
    if len(folder) > LONGEST_FOLDER:
        folder = "/".join(part if len(part) <= LONG else _hashed(part) for part in folder.split("/"))
    return f"{prefix}{folder}/{asset_id}.{EXTENSIONS.get(content_type, 'bin')}"


def is_key(name: str) -> bool:
    """Whether a name in a store could be a key of ours: a bucket may hold other things too."""
    return OURS.fullmatch(name) is not None


def _slot_folder(slot: SlotRef) -> str:
    pattern = FOLDERS.get((slot.scope, slot.name), "{scope}/{owner}/{name}")
    return pattern.format(scope=slug(slot.scope), owner=slug(slot.owner), name=slug(slot.name))

"""How a file may be shown, the same at our own addresses and at those of a store."""

import re
from urllib.parse import quote

from app.assets.kinds import SVG
from app.assets.policy import disposition, served_type
from app.db.records import Draft
from app.storage.backend import Serving

DAY = 86_400  # seconds
PUBLIC, PRIVATE = f"public, max-age={DAY}", "private, no-store"
NOT_PLAIN = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()@,=\[\]{}-]")


def serving_of(asset: Draft) -> Serving:
    """What a store tells those who read a file at its own addresses; an SVG has none, for these lack our headers."""
    public = asset.visibility == "public" and asset.content_type != SVG
    return Serving(public, content_disposition(asset), PUBLIC if public else PRIVATE)


def told_type(asset: Draft) -> str:
    """The Content-Type that readers are told."""
    return served_type(asset.kind, asset.content_type)


def content_disposition(asset: Draft) -> str:
    """`inline` or `attachment` with a name for every client: ASCII for old ones, UTF-8 for the others (RFC 6266)."""
    fallback = NOT_PLAIN.sub("_", asset.filename)
    shown = disposition(asset.kind, asset.content_type)
    return f"{shown}; filename=\"{fallback}\"; filename*=UTF-8''{quote(asset.filename, safe='')}"

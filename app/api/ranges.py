"""Conditional and partial requests (RFC 9110): entity tags and one byte range."""

import re
from collections.abc import Mapping

from app.errors import RangeNotSatisfiable

ONE_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.ASCII)


def not_modified(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the client has these bytes already (If-None-Match, weak comparison)."""
    tags = headers.get("if-none-match")
    return tags is not None and (tags.strip() == "*" or etag in {_strong(tag) for tag in tags.split(",")})


def wanted_range(headers: Mapping[str, str], size: int, etag: str) -> tuple[int, int] | None:
    """(first, one past the last) of the range asked for, or None for the whole file.

    Several ranges, other units and a failed If-Range mean the whole file; a range outside of it is
    `RangeNotSatisfiable`.
    """
    match = ONE_RANGE.fullmatch(headers.get("range", "").strip())
    if match is None or match["first"] == match["last"] == "":
        return None
    if (condition := headers.get("if-range")) is not None and condition.strip() != etag:
        return None
    if match["first"] == "":  # the last so many bytes
        first, last = max(0, size - int(match["last"])), size - 1
        empty = int(match["last"]) == 0
    else:
        first, last = int(match["first"]), int(match["last"] or size - 1)
        empty = match["last"] != "" and last < first
        if empty:
            return None  # not a range at all: ignored, as the RFC says
    if empty or first >= size:
        raise RangeNotSatisfiable(f"The file has {size} bytes.", size=size)
    return first, min(last, size - 1) + 1


def _strong(tag: str) -> str:
    return tag.strip().removeprefix("W/")

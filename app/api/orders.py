"""A form's text fields -> an order, for every door that stores."""

import json
import math
from typing import Any

from app.api.form import Form
from app.assets.orders import Order
from app.db.records import SlotRef
from app.errors import InvalidField, InvalidJson

DEFAULT_KIND = "document"  # private: a forgotten kind publishes nothing
TEXT_FIELDS = ("kind", "visibility", "metadata")
VISIBILITIES = ("public", "private")
LARGEST_METADATA = 64 * 1024  # characters
DEEPEST = 32  # levels of JSON


def order_of(
    form: Form,
    *,
    kind: str | None,
    default_kind: str = DEFAULT_KIND,
    slot: SlotRef | None = None,
    if_match: frozenset[str] | None = None,
    idempotency_key: str | None = None,
) -> Order:
    """What the form asks for; `kind` from the address wins over the field, the field over the door's default."""
    return Order(
        kind=kind or form.fields.get("kind") or default_kind,
        visibility=visibility_of(form.fields["visibility"]) if form.fields.get("visibility") else None,
        metadata=metadata_of(form.fields["metadata"]) if form.fields.get("metadata") else {},
        slot=slot,
        if_match=if_match,
        idempotency_key=idempotency_key,
    )


def visibility_of(value: object) -> str:
    """`public` or `private`."""
    if value not in VISIBILITIES:
        raise InvalidField("visibility is public or private.", allowed=list(VISIBILITIES))
    return str(value)


def metadata_of(text: str) -> dict[str, Any]:
    """A JSON object that every database can keep, of a size that rows can have."""
    if len(text) > LARGEST_METADATA:
        raise InvalidField(f"metadata has at most {LARGEST_METADATA} characters.", limit=LARGEST_METADATA)
    return json_object(text, name="metadata")


def json_object(text: str | bytes, *, name: str) -> dict[str, Any]:
    """Strict JSON (RFC 8259): an object, without NaN, infinite numbers, zero bytes or lone surrogates."""
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as failure:
        raise InvalidJson(f"{name} is not valid JSON.") from failure
    if not isinstance(value, dict):
        raise InvalidJson(f"{name} is a JSON object, such as {{}}.")
    if _deeper(value, DEEPEST):
        raise InvalidJson(f"{name} is nested deeper than {DEEPEST} levels.")
    if "\\u0000" in json.dumps(value).replace("\\\\", "") or _has_surrogates(value):
        raise InvalidJson(f"{name} holds a character that cannot be kept.")
    return value


def _deeper(value: object, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    members = value.values() if isinstance(value, dict) else value
    return left == 0 or any(_deeper(member, left - 1) for member in members)


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _has_surrogates(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False

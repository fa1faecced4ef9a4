"""An answer as JSON, for the claim that gives it again."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.records import Asset, Kept, Slot


def to_json(kept: Kept) -> dict[str, Any]:
    """An answer -> what a JSON column takes."""
    return {
        "assets": [_plain(asdict(asset)) for asset in kept.assets],
        "slot": _plain(asdict(kept.slot)) if kept.slot else None,
        "replaced": kept.replaced,
    }


def from_json(answer: Mapping[str, Any]) -> Kept:
    """The first answer again, marked as such."""
    return Kept(
        assets=tuple(_asset(values) for values in answer["assets"]),
        slot=_slot(answer["slot"]) if answer["slot"] else None,
        replaced=answer["replaced"],
        replayed=True,
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID | datetime) else value for name, value in values.items()}


def _asset(values: Mapping[str, Any]) -> Asset:
    created_at = datetime.fromisoformat(values["created_at"])
    return Asset(**{**values, "id": UUID(values["id"]), "created_at": created_at})


def _slot(values: Mapping[str, Any]) -> Slot:
    return Slot(**{**values, "id": UUID(values["id"]), "asset_id": UUID(values["asset_id"])})

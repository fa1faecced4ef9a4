"""Rows as values: what the database functions take and give."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known of an asset before its bytes are stored; it becomes a pending row."""

    id: UUID
    tenant: str
    kind: str
    key: str
    store: str
    filename: str
    content_type: str
    size: int  # bytes
    sha256: str  # lower-case hex
    width: int | None  # pixels
    height: int | None
    visibility: str  # public | private
    metadata: Mapping[str, Any]
    original_sha256: str | None = None  # of what came, where something else is stored
    uncleaned: list[str] | None = None  # personal metadata that could not be taken out; None: nobody has looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset(Draft):
    """One stored file and its row; its bytes never change."""

    state: str  # pending | ready | doomed
    public_id: str  # what the store calls it
    url: str  # the store's address; one that begins with / is ours, relative to the service
    details: Mapping[str, Any]  # what the store needs to find the object again
    created_at: datetime  # when it was acknowledged, by the database's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What the store said of one stored object."""

    id: UUID
    public_id: str
    url: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRef:
    """The name of a slot: unique within its tenant."""

    tenant: str
    scope: str
    owner: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(SlotRef):
    """A named place that holds one asset, or none."""

    id: UUID
    asset_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one upload has kept: ready assets in the order of the files, and the slot that holds the one it was for."""

    assets: tuple[Asset, ...]
    slot: Slot | None = None
    replaced: bool = False  # the slot held another asset before
    replayed: bool = False  # it is the answer of an earlier request with the same Idempotency-Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One use of an Idempotency-Key."""

    tenant: str
    key: str
    fingerprint: str
    asset_ids: tuple[UUID, ...]
    answer: Kept | None = None  # None while the first request is under way


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A row that the sweeper may finish off: its bytes first, then the row."""

    id: UUID
    store: str
    key: str
    details: Mapping[str, Any]  # empty for one that was never acknowledged
    attempts: int

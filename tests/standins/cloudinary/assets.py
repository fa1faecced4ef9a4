"""The assets of a cloud: what is stored, under which name, in files of a temporary folder."""

import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tests.standins.cloudinary.wire import Incoming

Key = tuple[str, str, str]  # resource type, type, public_id


@dataclass
class Asset:
    """One stored file."""

    resource_type: str
    type: str
    public_id: str
    format: str
    width: int
    height: int
    size: int
    etag: str  # MD5
    path: Path
    tags: list[str] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)
    asset_folder: str = ""
    display_name: str = ""
    original_filename: str = ""
    asset_id: str = ""
    version: int = 0
    version_id: str = ""
    created_at: str = ""
    number: int = 0  # the order of creation
    delivered: bool = False  # whether the CDN has a copy

    @property
    def key(self) -> Key:
        """What tells it from all others."""
        return self.resource_type, self.type, self.public_id

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()


class Shelf:
    """Every asset, and what the CDN still has of those that are gone."""

    def __init__(self, folder: Path) -> None:
        self.assets: dict[Key, Asset] = {}
        self.folder = folder
        self._cdn: dict[Key, Asset] = {}
        self._lock = threading.RLock()
        self._number = 0

    def add(self, asset: Asset, incoming: Incoming, now: float) -> Asset:
        """Store it, in the place of the one of that name if there is one: its asset_id stays, its version grows."""
        with self._lock:
            before = self.assets.get(asset.key)
            self._number += 1
            asset.number = before.number if before else self._number
            asset.asset_id = before.asset_id if before else secrets.token_hex(16)
            asset.version = max(int(now), before.version + 1 if before else 0)
            asset.version_id = secrets.token_hex(16)
            asset.created_at = before.created_at if before else moment(now)
            asset.path = incoming.path.rename(self.folder / f"asset-{asset.asset_id}-{asset.version_id}")
            self.assets[asset.key] = asset
            if before:
                before.path.unlink()
            return asset

    def remove(self, key: Key, *, invalidate: bool, cdn_keeps: bool = False) -> bool:
        """Forget one asset; False when there is none. The CDN keeps what it delivered, if it is that kind."""
        with self._lock:
            asset = self.assets.pop(key, None)
            if invalidate:
                self._drop(key)
            if asset and cdn_keeps and asset.delivered and not invalidate:
                self._cdn[key] = asset
            elif asset:
                asset.path.unlink()
            return asset is not None

    def get(self, key: Key) -> Asset | None:
        """The asset of that name, if it is whole and there."""
        return self.assets.get(key)

    def delivered(self, key: Key) -> Asset | None:
        """The asset of that name, if only the CDN has it, too."""
        return self.assets.get(key) or self._cdn.get(key)

    def open(self, key: Key, *, cdn: bool = False) -> tuple[Asset, BinaryIO] | None:
        """The asset and its bytes; `cdn`: also what only the CDN still has."""
        with self._lock:
            asset = self.assets.get(key) or (self._cdn.get(key) if cdn else None)
            return (asset, asset.path.open("rb")) if asset else None

    def newest_first(self) -> list[Asset]:
        """All of them."""
        with self._lock:
            return sorted(self.assets.values(), key=lambda asset: asset.number, reverse=True)

    def _drop(self, key: Key) -> None:
        if kept := self._cdn.pop(key, None):
            kept.path.unlink()


def moment(now: float) -> str:
    """A time as the vendor writes it."""
    return datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

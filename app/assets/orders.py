"""What a door asks the waist to keep."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.assets.incoming import Incoming
from app.db.records import SlotRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Keep these files, all or none, as one kind; in a slot if one is named.

    `if_match` holds entity tags (an asset's id in quotes), or `*`: the slot must hold one of them.
    `idempotency_key` makes a retry safe.
    """

    kind: str
    visibility: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    slot: SlotRef | None = None
    if_match: frozenset[str] | None = None
    idempotency_key: str | None = None

    def fingerprint(self, tenant: str, files: Sequence[Incoming]) -> str:
        """The same for the same request, whatever its boundary was: SHA-256 in hex."""
        slot = asdict(self.slot) if self.slot else None
        contents = [[file.filename, file.original_sha256] for file in files]
        parts = [tenant, self.kind, self.visibility, self.metadata, slot, contents]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

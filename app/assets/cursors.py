"""Cursors: where a page ended, as a word that says nothing to anybody else."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.db.records import Asset
from app.errors import InvalidCursor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LENGTH = 24  # bytes: 8 of microseconds since 1970, 16 of the id


def cursor_after(asset: Asset) -> str:
    """The cursor of the page that follows this asset."""
    moment = (asset.created_at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(moment.to_bytes(8, "big") + asset.id.bytes).decode()


def read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """A cursor of ours, or `InvalidCursor`."""
    try:
        raw = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        moment = EPOCH + timedelta(microseconds=int.from_bytes(raw[:8], "big"))
    except (binascii.Error, ValueError, OverflowError):
        raise InvalidCursor from None
    if len(raw) != LENGTH:
        raise InvalidCursor
    return moment, UUID(bytes=raw[8:])

"""Cursors: where a page ended."""

import base64
import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from app.assets.cursors import cursor_after, read_cursor
from app.db.records import Asset
from app.errors import InvalidCursor
from tests.db.rows import draft

MOMENTS = [datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]


def asset(created_at: datetime, asset_id: UUID) -> Asset:
    """A ready asset of that time and id."""
    return Asset(**asdict(draft(id=asset_id)), state="ready", public_id="p", url="u", details={}, created_at=created_at)


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_a_cursor_is_where_a_page_ended(moment: datetime) -> None:
    """To the microsecond, and the id."""
    asset_id = uuid4()

    assert read_cursor(cursor_after(asset(moment, asset_id))) == (moment, asset_id)


def test_a_cursor_can_stand_in_an_address() -> None:
    """Nothing in it has to be escaped."""
    for _ in range(100):
        cursor = cursor_after(asset(MOMENTS[0], uuid4()))

        assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "abc=",
        "!" * 32,
        "ä" * 32,
        "\ud800" * 32,
        "0",
        base64.urlsafe_b64encode(bytes(23)).decode(),
        base64.urlsafe_b64encode(bytes(25)).decode(),
        base64.urlsafe_b64encode(b"\xff" * 24).decode(),
        base64.urlsafe_b64encode(b"\x7f" + bytes(23)).decode(),
        base64.urlsafe_b64encode(bytes(24)).decode() + "\n",
        " " + base64.urlsafe_b64encode(bytes(24)).decode(),
        base64.urlsafe_b64encode(bytes(24)).decode() * 2,
    ],
    ids=range(14),
)
def test_any_other_word_is_refused(cursor: str) -> None:
    """As the caller's fault, never as a defect."""
    with pytest.raises(InvalidCursor):
        read_cursor(cursor)


def test_no_word_breaks_it() -> None:
    """2,000 of about the right length: a place, or a refusal."""
    chance = random.Random(8)
    for _ in range(2_000):
        raw = bytearray(base64.urlsafe_b64encode(chance.randbytes(24)))
        raw[chance.randrange(len(raw))] = chance.randrange(128)
        try:
            moment, _ = read_cursor(raw.decode())
        except InvalidCursor:
            continue

        assert moment.utcoffset() == timedelta(0)

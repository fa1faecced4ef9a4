"""The two transactions of an upload: one before the bytes are stored (step 9), one after (step 11)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Connection

from app.db import assets, bulk, claims, slots
from app.db.records import Asset, Claim, Draft, Kept, Placed, Slot, SlotRef
from app.errors import IdempotencyKeyReused, Superseded


def begin(
    connection: Connection, drafts: Sequence[Draft], claim: Claim, *, grace: float
) -> tuple[Claim, Sequence[Draft]]:
    """Claim the Idempotency-Key and insert pending rows; the claim that holds it says what to do next.

    With an `answer`: give that. Else go on with the drafts that are returned: our own, or those of another try that is
    under way, or died. Then the same bytes are stored at its place, and whoever passes step 11 first wins.
    """
    held = claims.take(connection, claim)
    if held.fingerprint != claim.fingerprint:
        raise IdempotencyKeyReused
    if held.answer is not None:
        return held, drafts
    if held.asset_ids != claim.asset_ids:
        if (places := assets.renew(connection, held.asset_ids, grace=grace)) is not None:
            return held, _moved(drafts, held.asset_ids, places)
        claims.take_over(connection, claim)
    bulk.insert_pending(connection, drafts, grace=grace)
    return claim, drafts


def settle(
    connection: Connection,
    placed: Sequence[Placed],
    *,
    slot: SlotRef | None,
    if_match: frozenset[str] | None,
    claim: Claim | None,
) -> Kept | None:
    """Make the assets ready, flip the slot, doom what it held, keep the answer: all or nothing.

    None when the slot is not what `if_match` asks for: the new assets are doomed then. `Superseded` when one of them
    is pending no more. Locks are taken in one order everywhere: claim, slot, assets.
    """
    if claim is not None and (first := claims.take(connection, claim).answer) is not None:
        return first
    held = slots.lock(connection, slot) if slot else None
    if if_match is not None and not slots.matches(held, if_match):
        assets.doom_pending(connection, [p.id for p in placed])
        return None
    ready = tuple(_make_ready(connection, p) for p in placed)
    if held is not None:
        held, replaced = _flip(connection, held, ready[0].id)
    else:
        replaced = False
    kept = Kept(assets=ready, slot=held, replaced=replaced)
    if claim is not None:
        claims.answer(connection, claim, kept)
    return kept


def _moved(
    drafts: Sequence[Draft], asset_ids: Sequence[UUID], places: Mapping[UUID, tuple[str, str]]
) -> Sequence[Draft]:
    """The same drafts under the ids, keys and stores of the try that began them."""
    pairs = zip(drafts, asset_ids, strict=True)
    return [replace(draft, id=other, key=places[other][0], store=places[other][1]) for draft, other in pairs]


def _make_ready(connection: Connection, placed: Placed) -> Asset:
    ready = assets.make_ready(connection, placed)
    if ready is None:
        raise Superseded
    return ready


def _flip(connection: Connection, held: Slot, asset_id: UUID) -> tuple[Slot, bool]:
    """Readers see the old asset until this commits, and the new one from then on."""
    slots.put(connection, held.id, asset_id)
    if held.asset_id is not None:
        assets.doom_replaced(connection, held.asset_id)
    now = Slot(id=held.id, tenant=held.tenant, scope=held.scope, owner=held.owner, name=held.name, asset_id=asset_id)
    return now, held.asset_id is not None

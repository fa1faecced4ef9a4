"""The life of an upload once its bytes are received: steps 5 to 12 of docs/design.md."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from app.assets.callers import Caller
from app.assets.clean import Cleaner
from app.assets.incoming import Incoming
from app.assets.inspection import Inspection
from app.assets.keys import key_for, new_id
from app.assets.orders import Order
from app.assets.policy import Policies
from app.assets.serving import serving_of, told_type
from app.db import assets, slots, uploads
from app.db.bulk import DRAFT
from app.db.database import Database
from app.db.ledger import Entry, Ledger
from app.db.records import Asset, Claim, Draft, Kept, Placed
from app.errors import Busy, DatabaseUnavailable, OutcomeUnknown, PreconditionFailed, StowageError, Superseded
from app.storage.storage import Storage, Stores
from app.telemetry import log

T = TypeVar("T")

UNKNOWN_SECONDS = 15.0  # that a database is asked whether it has committed


@dataclass(frozen=True, slots=True)
class Work:
    """One order on its way: its files and the rows that they shall become."""

    order: Order
    files: Sequence[Incoming]
    drafts: tuple[Draft, ...]
    claim: Claim | None


class Ingest:
    """Inspects, decides, names, inserts, stores, makes ready."""

    def __init__(
        self, database: Database, stores: Stores, policies: Policies, cleaner: Cleaner, *, grace: float
    ) -> None:
        self._database = database
        self._stores = stores
        self._policies = policies
        self._cleaner = cleaner
        self._grace = grace
        self._ledger = Ledger(database, grace=grace)
        self._under_way: set[asyncio.Task[Kept]] = set()

    async def ingest(self, caller: Caller, order: Order, files: Sequence[Incoming]) -> Kept:
        """Keep all files or none.

        What is refused is refused before anything is stored. From then on a task of its own goes on to the end,
        whether or not the client is still there, and discards the bodies.
        """
        work = await self._prepare(caller, order, files)
        task = asyncio.create_task(self._keep(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:  # the service stops: whoever is still there is told the true outcome
            return await task

    async def finish(self, seconds: float) -> None:
        """Wait for the uploads that go on without their clients, so many seconds at most."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    async def _prepare(self, caller: Caller, order: Order, files: Sequence[Incoming]) -> Work:
        """Steps 5 to 8."""
        visibility = order.visibility or self._policies[order.kind].visibility
        inspections = [await self._cleaner.admit(file, order.kind, visibility) for file in files]
        pairs = zip(inspections, files, strict=True)
        drafts = tuple(self._draft(caller.tenant, order, seen, file, visibility) for seen, file in pairs)
        for draft in drafts:
            self._stores.default.check_size(draft.size, told_type(draft), serving_of(draft))
        claim = _claim_of(caller.tenant, order, files, drafts)
        return Work(order, [file.take() for file in files], drafts, claim)

    def _draft(self, tenant: str, order: Order, seen: Inspection, file: Incoming, visibility: str) -> Draft:
        asset_id = new_id()
        return Draft(
            id=asset_id,
            tenant=tenant,
            kind=order.kind,
            key=key_for(asset_id, tenant=tenant, kind=order.kind, content_type=seen.content_type, slot=order.slot),
            store=self._stores.default.name,
            filename=file.filename,
            content_type=seen.content_type,
            size=file.body.size,
            sha256=file.body.sha256,
            width=seen.width,
            height=seen.height,
            visibility=visibility,
            metadata=order.metadata,
            original_sha256=None if file.original_sha256 == file.body.sha256 else file.original_sha256,
            uncleaned=file.uncleaned,
        )

    async def _keep(self, work: Work) -> Kept:
        """Steps 9 to 11."""
        try:
            work, answer = await self._begin(work)
            if answer is not None:
                return answer
            placed = await self._store(work)
            return await self._settle(work, placed)
        finally:
            for file in work.files:
                await file.discard()

    async def _begin(self, work: Work) -> tuple[Work, Kept | None]:
        """Step 9: pending rows, or the answer that was given before."""
        if work.claim is None:
            await self._ledger.write(Entry(drafts=work.drafts))
            return work, None
        held, drafts = await self._database.run(uploads.begin, work.drafts, work.claim, grace=self._grace)
        return replace(work, drafts=tuple(drafts)), held.answer

    async def _store(self, work: Work) -> list[Placed]:
        """Step 10: every put ends before any failure is told, so that no body is taken away from under one."""
        puts = [_place(self._stores[d.store], d, f) for d, f in zip(work.drafts, work.files, strict=True)]
        return [await puts[0]] if len(puts) == 1 else await _all(puts)

    async def _settle(self, work: Work, placed: Sequence[Placed]) -> Kept:
        """Step 11, and what to do when its outcome is unknown or somebody was faster."""
        order = work.order
        try:
            kept = await self._make_ready(work, placed)
        except DatabaseUnavailable:
            return await self._read_again(work)
        except Superseded:
            await self._undo(work)
            raise
        if kept is not None and kept.replayed:  # another try was faster; its asset may be deleted by now
            await self._undo(work)
        if kept is None:
            raise PreconditionFailed(f"The slot {order.slot.name if order.slot else ''} has changed since you read it.")
        return kept

    async def _make_ready(self, work: Work, placed: Sequence[Placed]) -> Kept | None:
        order = work.order
        if order.slot is None and work.claim is None and len(placed) == 1:
            acknowledged = await self._ledger.write(Entry(placed=placed[0]))
            if acknowledged is None:
                raise Superseded
            return Kept(assets=(_ready(work.drafts[0], placed[0], acknowledged),))
        return await self._database.run(
            uploads.settle, placed, slot=order.slot, if_match=order.if_match, claim=work.claim
        )

    async def _read_again(self, work: Work) -> Kept:
        """The connection died at COMMIT: what is true now is the answer; nothing is undone blindly.

        A database that restarts is waited for: only it knows what was done.
        """
        deadline = monotonic() + UNKNOWN_SECONDS
        while True:
            try:
                ready = await self._database.read(assets.get_all, [draft.id for draft in work.drafts])
                held = await self._database.read(slots.held, work.order.slot) if work.order.slot else None
                break
            except (DatabaseUnavailable, Busy):
                if monotonic() > deadline:
                    raise OutcomeUnknown from None
                await asyncio.sleep(0.25)
        if len(ready) != len(work.drafts):
            raise DatabaseUnavailable
        return Kept(assets=tuple(ready), slot=held[0] if held else None)

    async def _undo(self, work: Work) -> None:
        """Nobody will come again for bytes that we stored after the sweeper had deleted them."""
        states = await self._database.read(assets.states, [draft.id for draft in work.drafts])
        for draft in work.drafts:
            if states.get(draft.id) not in {"pending", "ready"}:
                log("upload.superseded", level=30, asset=draft.id, key=draft.key)
                with contextlib.suppress(StowageError):  # the store's own log line says why; the answer stands
                    await self._stores[draft.store].delete(draft.key)


def _ready(draft: Draft, placed: Placed, acknowledged: datetime) -> Asset:
    """The row as it stands now."""
    return Asset(
        **{name: getattr(draft, name) for name in DRAFT},
        state="ready",
        public_id=placed.public_id,
        url=placed.url,
        details=placed.details,
        created_at=acknowledged,
    )


async def _place(store: Storage, draft: Draft, file: Incoming) -> Placed:
    stored = await store.put(draft.key, file.body, content_type=told_type(draft), serving=serving_of(draft))
    url = stored.url or permalink_path(draft.id, draft.filename)
    return Placed(id=draft.id, public_id=stored.public_id, url=url, details=stored.details)


def permalink_path(asset_id: UUID, filename: str) -> str:
    """Our own address of an asset, relative to the service."""
    return f"/f/{asset_id}/{quote(filename, safe='')}"


def _claim_of(tenant: str, order: Order, files: Sequence[Incoming], drafts: Sequence[Draft]) -> Claim | None:
    if order.idempotency_key is None:
        return None
    ids = tuple(draft.id for draft in drafts)
    return Claim(tenant=tenant, key=order.idempotency_key, fingerprint=order.fingerprint(tenant, files), asset_ids=ids)


async def _all(waiting: Sequence[Awaitable[T]]) -> list[T]:
    """Wait for all, then raise the first failure; the others are logged."""
    results = await asyncio.gather(*waiting, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for other in failures[1:]:
        log("store.failed_too", level=30, code=getattr(other, "code", type(other).__name__))
    if failures:
        raise failures[0]
    return [result for result in results if not isinstance(result, BaseException)]

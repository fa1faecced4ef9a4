"""What can be asked about assets and slots, by whom; and how their bytes are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.assets.callers import Caller, Scope
from app.assets.clean import Cleaner
from app.assets.cursors import cursor_after, read_cursor
from app.assets.incoming import Incoming
from app.assets.ingest import Ingest
from app.assets.names import clean_name
from app.assets.orders import Order
from app.db import assets, slots
from app.db.assets import Filter
from app.db.database import Database
from app.db.lookup import Lookup
from app.db.records import Asset, Kept, Slot, SlotRef
from app.errors import Forbidden, NotFound, ObjectMissing, PreconditionFailed, PublicAddress
from app.storage.storage import Reading, Stores


@dataclass(frozen=True, slots=True)
class Page:
    """Some assets, newest first, and where the next ones begin."""

    items: tuple[Asset, ...]
    next_cursor: str | None


class AssetService:
    """The waist. Another tenant's asset does not exist."""

    def __init__(self, database: Database, stores: Stores, ingest: Ingest, cleaner: Cleaner) -> None:
        self._database = database
        self._lookup = Lookup(database)
        self._stores = stores
        self._ingest = ingest
        self._cleaner = cleaner

    async def ingest(self, caller: Caller, order: Order, files: Sequence[Incoming]) -> Kept:
        """Keep received files, all or none."""
        return await self._ingest.ingest(caller.require(Scope.WRITE), order, files)

    async def get(self, caller: Caller, asset_id: UUID) -> Asset:
        """One asset, or `NotFound`."""
        return await self._own(caller.require(Scope.READ), asset_id)

    async def page(self, caller: Caller, chosen: Filter, *, limit: int, cursor: str | None) -> Page:
        """One page of what the caller may see; `limit` 1 to 100."""
        caller.require(Scope.READ)
        company = None if caller.any_company else caller.company
        scoped = replace(chosen, tenant=None if caller.administrator else caller.tenant, company=company)
        after = read_cursor(cursor) if cursor else None
        found = await self._database.read(assets.page, scoped, limit=limit + 1, after=after)
        items = tuple(found[:limit])
        return Page(items, cursor_after(items[-1]) if len(found) > limit else None)

    async def change(self, caller: Caller, asset_id: UUID, values: Mapping[str, Any]) -> Asset:
        """Change filename, visibility or metadata: never the bytes."""
        asset = await self._own(caller.require(Scope.WRITE), asset_id)
        if values.get("visibility") == "private" and not asset.url.startswith("/"):
            raise PublicAddress
        if values.get("visibility") == "public" and asset.visibility != "public":
            self._cleaner.expect_clean(asset)
        if "filename" in values:
            values = {**values, "filename": clean_name(values["filename"])}
        changed = await self._database.run(assets.change, asset_id, values)
        if changed is None:
            raise NotFound
        return changed

    async def delete(self, caller: Caller, asset_id: UUID) -> None:
        """Gone for readers when it returns; the sweeper deletes the bytes."""
        await self._own(caller.require(Scope.WRITE), asset_id)
        if not await self._database.run(assets.doom, asset_id):
            raise NotFound

    async def slot(self, caller: Caller, ref: SlotRef) -> tuple[Slot, Asset]:
        """What a slot holds, or `NotFound` when it holds nothing."""
        caller.require(Scope.READ)
        return await self._held(ref)

    async def empty_slot(self, caller: Caller, ref: SlotRef, *, if_match: frozenset[str] | None) -> None:
        """Delete what a slot holds; its address stays the same for the next one."""
        caller.require(Scope.WRITE)
        match await self._database.run(slots.empty, ref, if_match=if_match):
            case None:
                raise PreconditionFailed
            case False:
                raise NotFound

    async def shown(self, caller: Caller | None, asset_id: UUID) -> Asset:
        """The asset behind a permalink, for anybody if it is public."""
        return await self._visible(caller, await self._lookup.find(asset_id))

    async def shown_in_slot(self, caller: Caller | None, slot_id: UUID) -> Asset:
        """The asset behind a slot's permalink, for anybody if it is public."""
        _, asset = await self._held(slot_id)
        return await self._visible(caller, asset)

    async def read(self, asset: Asset, *, start: int = 0, end: int | None = None) -> Reading:
        """The bytes of an asset, from whichever store its row names; `end` is the first byte not read.

        `NotFound` when it was deleted since its row was read: what is missing then is no loss.
        """
        try:
            store, end = self._stores[asset.store], asset.size if end is None else end
            return await store.serve(asset.key, start=start, end=end, details=asset.details)
        except ObjectMissing:
            if await self._lookup.find(asset.id) is None:
                raise NotFound from None
            raise

    async def _visible(self, caller: Caller | None, asset: Asset | None) -> Asset:
        """Public, or the caller's own."""
        if asset is None:
            raise NotFound
        if asset.visibility == "public":
            return asset
        if caller is None or Scope.READ not in caller.scopes or not caller.may_see(asset):
            raise NotFound
        if not await self._reaches(caller, asset.id):
            raise NotFound
        return asset

    async def _reaches(self, caller: Caller, asset_id: UUID) -> bool:
        """Whether no other company's slot holds the asset."""
        if caller.any_company:
            return True
        return await self._database.read(slots.company_of, asset_id) in {None, caller.company}

    async def _own(self, caller: Caller, asset_id: UUID) -> Asset:
        asset = await self._lookup.find(asset_id)
        if asset is None or not caller.may_see(asset):
            raise NotFound
        if not await self._reaches(caller, asset_id):
            raise Forbidden("This token belongs to another company.")
        return asset

    async def _held(self, wanted: SlotRef | UUID) -> tuple[Slot, Asset]:
        held = await self._database.read(slots.held, wanted)
        if held is None:
            raise NotFound
        return held

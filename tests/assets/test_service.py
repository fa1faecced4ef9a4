"""What can be asked about assets and slots, by whom."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.assets.callers import Caller, Scope
from app.assets.service import AssetService
from app.db import assets
from app.db.assets import Filter
from app.errors import Forbidden, InvalidCursor, NotFound, ObjectMissing, PreconditionFailed, StorageUnavailable
from tests.assets.waist import ACME, LOGO, Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio

PNG = make_png()
OTHER = Caller("other")
ROOT = Caller("default", frozenset(Scope), administrator=True)
READER = Caller("acme", frozenset({Scope.READ}))
WRITER = Caller("acme", frozenset({Scope.WRITE}))
OF_42 = Caller("acme", company="42", any_company=False)
OF_43 = Caller("acme", company="43", any_company=False)


@pytest.fixture
def service(waist: Waist) -> AssetService:
    """The waist's face, over the parts that the test holds."""
    return AssetService(waist.database, waist.stores, waist.ingest, waist.cleaner)


async def kept(waist: Waist, **order: Any) -> UUID:
    """The id of a new asset of acme."""
    return (await waist.keep(PNG, **order)).assets[0].id


def calls(service: AssetService, asset_id: UUID) -> list[Callable[[Caller], Any]]:
    """Everything that names one asset."""
    return [
        lambda caller: service.get(caller, asset_id),
        lambda caller: service.change(caller, asset_id, {"filename": "x"}),
        lambda caller: service.delete(caller, asset_id),
    ]


async def test_another_tenant_s_asset_does_not_exist(service: AssetService, waist: Waist) -> None:
    """Not found, exactly as one that never was; and nothing has changed."""
    asset_id = await kept(waist)
    for call in (*calls(service, asset_id), *calls(service, uuid4())):
        with pytest.raises(NotFound):
            await call(OTHER)

    assert (await service.get(ACME, asset_id)).filename == "a.png"


async def test_the_administrator_sees_every_tenant_s(service: AssetService, waist: Waist) -> None:
    """And may change and delete it."""
    asset_id = await kept(waist)
    page = await service.page(ROOT, Filter(tenant="ignored"), limit=5, cursor=None)
    await service.change(ROOT, asset_id, {"filename": "x"})
    await service.delete(ROOT, asset_id)

    assert [asset.id for asset in page.items] == [asset_id]
    assert await waist.rows() == {asset_id: "doomed"}


async def test_a_filter_cannot_name_another_tenant(service: AssetService, waist: Waist) -> None:
    """Whatever it says, a page is of the caller's own."""
    await kept(waist)
    for tenant in ("acme", None):
        page = await service.page(OTHER, Filter(tenant=tenant), limit=5, cursor=None)

        assert page.items == ()


async def test_scopes_are_asked_for(service: AssetService, waist: Waist) -> None:
    """Reading takes `read`, changing and deleting take `write`."""
    asset_id = await kept(waist)
    get, change, delete = calls(service, asset_id)
    await get(READER)
    await change(WRITER)
    for call, caller in ((change, READER), (delete, READER), (get, WRITER)):
        with pytest.raises(Forbidden):
            await call(caller)
    with pytest.raises(Forbidden):
        await service.page(WRITER, Filter(tenant="acme"), limit=5, cursor=None)


async def test_pages_follow_each_other(service: AssetService, waist: Waist) -> None:
    """By their cursors, to the end, which has none."""
    ids = [await kept(waist) for _ in range(5)]
    found, cursor, sizes = [], None, []
    while True:
        page = await service.page(ACME, Filter(tenant="acme"), limit=2, cursor=cursor)
        found += [asset.id for asset in page.items]
        sizes.append(len(page.items))
        if (cursor := page.next_cursor) is None:
            break

    assert sizes == [2, 2, 1]
    assert sorted(found) == sorted(ids)


async def test_a_full_last_page_is_the_last(service: AssetService, waist: Waist) -> None:
    """No cursor to an empty page."""
    await waist.keep(PNG, PNG)
    page = await service.page(ACME, Filter(tenant="acme"), limit=2, cursor=None)

    assert (len(page.items), page.next_cursor) == (2, None)


async def test_a_cursor_of_nobody_s_is_refused(service: AssetService) -> None:
    """As the caller's fault."""
    with pytest.raises(InvalidCursor):
        await service.page(ACME, Filter(tenant="acme"), limit=2, cursor="nonsense")


async def test_a_new_name_is_cleaned(service: AssetService, waist: Waist) -> None:
    """As the first one was."""
    changed = await service.change(ACME, await kept(waist), {"filename": "../e\u0301vil\n.png"})

    assert changed.filename == "évil.png"


async def test_a_deleted_asset_is_gone_at_once(service: AssetService, waist: Waist) -> None:
    """By its id, on pages, in its slot, by its permalink; a second time it is not found."""
    asset_id = await kept(waist, slot=LOGO)
    await service.delete(ACME, asset_id)
    for call in (*calls(service, asset_id), lambda caller: service.shown(caller, asset_id)):
        with pytest.raises(NotFound):
            await call(ACME)
    with pytest.raises(NotFound):
        await service.slot(ACME, LOGO)

    assert (await service.page(ACME, Filter(tenant="acme"), limit=5, cursor=None)).items == ()


@pytest.mark.parametrize("caller", [None, OTHER, WRITER], ids=["nobody", "other tenant", "no read scope"])
async def test_a_private_asset_is_shown_to_its_own_only(
    service: AssetService, waist: Waist, caller: Caller | None
) -> None:
    """To anybody else it is not there; a public one is there for all."""
    private, public = await kept(waist, visibility="private"), await kept(waist)
    with pytest.raises(NotFound):
        await service.shown(caller, private)

    assert (await service.shown(caller, public)).id == public
    assert (await service.shown(READER, private)).id == private
    assert (await service.shown(ROOT, private)).id == private


async def test_a_company_s_logo_is_out_of_another_one_s_reach(service: AssetService, waist: Waist) -> None:
    """With tokens of one company each: not read, changed, deleted or listed, and not shown when it is private."""
    asset_id = await kept(waist, slot=LOGO, visibility="private")
    for call in calls(service, asset_id):
        with pytest.raises((Forbidden, NotFound)):
            await call(OF_43)
    with pytest.raises(NotFound):
        await service.shown(OF_43, asset_id)

    assert (await service.page(OF_43, Filter(tenant="acme"), limit=5, cursor=None)).items == ()
    assert (await service.page(OF_42, Filter(tenant="acme"), limit=5, cursor=None)).items[0].id == asset_id
    assert (await service.get(OF_42, asset_id)).id == asset_id


async def test_a_slot_is_shown_by_its_id(service: AssetService, waist: Waist) -> None:
    """Its address stays while its asset changes; an empty one is not found."""
    first = await waist.keep(PNG, slot=LOGO)
    second = await waist.keep(PNG, slot=LOGO)
    assert first.slot is not None
    shown = await service.shown_in_slot(None, first.slot.id)
    await service.empty_slot(ACME, LOGO, if_match=None)

    assert shown.id == second.assets[0].id
    with pytest.raises(NotFound):
        await service.shown_in_slot(None, first.slot.id)


async def test_emptying_a_slot_has_three_outcomes(service: AssetService, waist: Waist) -> None:
    """It has changed, it is empty now, it was empty."""
    await kept(waist, slot=LOGO)
    with pytest.raises(PreconditionFailed):
        await service.empty_slot(ACME, LOGO, if_match=frozenset({'"another"'}))
    await service.empty_slot(ACME, LOGO, if_match=frozenset({"*"}))
    with pytest.raises(NotFound):
        await service.empty_slot(ACME, LOGO, if_match=None)


async def test_bytes_are_read_from_the_store_that_the_row_names(service: AssetService, waist: Waist) -> None:
    """Whole or in part; a store that is configured no more is unavailable, not empty."""
    (asset,) = (await waist.keep(PNG)).assets
    async with await service.read(asset, start=1, end=4) as blocks:
        part = b"".join([block async for block in blocks])

    assert part == PNG[1:4]
    with pytest.raises(StorageUnavailable):
        await service.read(replace(asset, store="gone"))


async def test_bytes_that_are_missing_are_a_loss_or_a_delete(service: AssetService, waist: Waist) -> None:
    """A ready row without its bytes is our fault; a row that was deleted a moment ago is not."""
    (asset,) = (await waist.keep(PNG)).assets
    waist.backend.delete(asset.key)
    with pytest.raises(ObjectMissing):
        await service.read(asset)
    await waist.database.run(assets.doom, asset.id)
    with pytest.raises(NotFound):
        await service.read(asset)

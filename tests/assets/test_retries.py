"""Retries with an Idempotency-Key: one stored object, one answer, whatever died in between."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.assets.orders import Order
from app.db import assets
from app.errors import IdempotencyKeyReused, StorageUnavailable
from app.storage.memory import MemoryBackend
from tests.assets.waist import LOGO, Moody, Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio

PNG = make_png()
OTHER = make_png(noise=b"other")


async def test_a_retry_gets_the_first_answer(waist_on: Waist) -> None:
    """The same assets, marked as a replay; nothing is stored again."""
    first = await waist_on.keep(PNG, OTHER, idempotency_key="key", metadata={"n": 1.5})
    again = await waist_on.keep(PNG, OTHER, idempotency_key="key", metadata={"n": 1.5})

    assert again == replace(first, replayed=True)
    assert waist_on.backend.puts == 2
    assert waist_on.left() == (0, [])


async def test_six_twins_at_once_give_one_asset(waist_on: Waist) -> None:
    """One row, one object, one id for all; one of them is told that it was the first."""
    kept = await asyncio.gather(*[waist_on.keep(PNG, slot=LOGO, idempotency_key="key") for _ in range(6)])

    assert len({k.assets[0].id for k in kept}) == 1
    assert sorted(k.replayed for k in kept) == [False, True, True, True, True, True]
    assert (await waist_on.states(), len(waist_on.keys())) == (["ready"], 1)


async def test_a_retry_meanwhile_writes_to_the_same_place(waist_on: Waist) -> None:
    """The first try still puts its bytes: the second adopts its id, and whoever is first wins."""
    waist_on.backend.gate.clear()
    first = asyncio.create_task(waist_on.keep(PNG, idempotency_key="key"))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    second = asyncio.create_task(waist_on.keep(PNG, idempotency_key="key"))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    waist_on.backend.gate.set()
    kept = await asyncio.gather(first, second)

    assert kept[0].assets == kept[1].assets
    assert (await waist_on.states(), len(waist_on.keys())) == (["ready"], 1)


async def test_a_retry_after_a_failed_put_takes_its_place(waist_on: Waist) -> None:
    """The pending row of the first try becomes ready; there is one row and one object."""
    waist_on.backend.failing_after = 0
    with pytest.raises(StorageUnavailable):
        await waist_on.keep(PNG, idempotency_key="key")
    (pending,) = await waist_on.rows()
    waist_on.backend.failing_after = None
    kept = await waist_on.keep(PNG, idempotency_key="key")

    assert [asset.id for asset in kept.assets] == [pending]
    assert (await waist_on.states(), len(waist_on.keys())) == (["ready"], 1)


async def test_a_retry_after_the_sweep_starts_anew(waist_on: Waist) -> None:
    """Nothing of the first try is left."""
    waist_on.backend.failing_after = 0
    with pytest.raises(StorageUnavailable):
        await waist_on.keep(PNG, idempotency_key="key")
    await waist_on.expire()
    await waist_on.sweeper.sweep()
    waist_on.backend.failing_after = None
    kept = await waist_on.keep(PNG, idempotency_key="key")

    assert not kept.replayed
    assert (await waist_on.states(), waist_on.keys()) == (["ready"], [kept.assets[0].key])


async def test_a_late_twin_does_not_bring_deleted_bytes_back(waist_on: Waist) -> None:
    """The asset that its twin made was deleted and swept while its own put hung: no orphan stays behind."""
    waist_on.backend.gate.clear()
    waist_on.backend.hanging = {1}
    late = asyncio.create_task(waist_on.keep(PNG, idempotency_key="key"))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    kept = await waist_on.keep(PNG, idempotency_key="key")
    await waist_on.database.run(assets.doom, kept.assets[0].id)
    await waist_on.sweeper.sweep()
    waist_on.backend.gate.set()
    answer = await late

    assert answer == replace(kept, replayed=True)
    assert (await waist_on.states(), waist_on.keys()) == ([], [])


async def test_a_retry_after_a_change_of_stores_is_where_its_row_says(
    make_waist: Callable[..., Waist], sqlite_url: str
) -> None:
    """The first try died, new bytes went to another store from then on, the retry came: its row names its store."""
    old, new = Moody(), MemoryBackend()
    before = make_waist(sqlite_url, stores=[("old", old)])
    old.failing_after = 0
    with pytest.raises(StorageUnavailable):
        await before.keep(PNG, idempotency_key="key")
    old.failing_after = None
    after = make_waist(sqlite_url, stores=[("new", new), ("old", old)])
    kept = await after.keep(PNG, idempotency_key="key")
    (asset,) = kept.assets
    async with await after.stores[asset.store].read(asset.key) as blocks:
        content = b"".join([block async for block in blocks])

    assert content == PNG
    assert len([*old.list(), *new.list()]) == 1


@pytest.mark.parametrize(
    "change",
    [{"kind": "photo"}, {"visibility": "private"}, {"metadata": {"a": 1}}, {"slot": LOGO}, {"contents": [OTHER]}],
    ids=str,
)
async def test_another_request_is_another_request(waist: Waist, change: dict[str, object]) -> None:
    """With the same key: 422, for whatever differs."""
    await waist.keep(PNG, idempotency_key="key")
    given = {"contents": [PNG], **change}
    contents = given.pop("contents")
    with pytest.raises(IdempotencyKeyReused):
        await waist.keep(*contents, idempotency_key="key", **given)

    assert len(waist.keys()) == 1


async def test_a_fingerprint_is_of_the_content(waist: Waist) -> None:
    """The order of the metadata's names is no difference; a tenant, a file's name or another file is one."""
    one, other = Order(kind="logo", metadata={"a": 1, "b": 2}), Order(kind="logo", metadata={"b": 2, "a": 1})
    files = [await waist.incoming(PNG)]
    renamed = [await waist.incoming(PNG, "b.png")]
    prints = [one.fingerprint("acme", files), other.fingerprint("acme", files)]
    others = [one.fingerprint("other", files), one.fingerprint("acme", renamed), one.fingerprint("acme", files * 2)]
    for file in (*files, *renamed):
        await file.discard()

    assert len(set(prints)) == 1
    assert len({*prints, *others}) == 4

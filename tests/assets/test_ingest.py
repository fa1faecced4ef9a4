"""The life of an upload once its bytes are received."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from app.assets.callers import Caller
from app.assets.ingest import permalink_path
from app.assets.orders import Order
from app.db import assets, slots
from app.errors import (
    EmptyFile,
    FileTooLarge,
    IdempotencyKeyReused,
    PreconditionFailed,
    StorageUnavailable,
    Superseded,
    UnsafeSvg,
    UnsupportedMediaType,
)
from app.storage.local import LocalBackend
from tests.assets.waist import ACME, LOGO, Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio

PNG = make_png()
LARGE = make_png(noise=bytes(400_000))  # 800 KB: it is spooled


async def test_a_file_is_kept(waist: Waist) -> None:
    """A ready row, its bytes under its key, and nothing left in the spool."""
    kept = await waist.keep(PNG)
    (asset,) = kept.assets

    assert (asset.state, asset.content_type, asset.width, asset.height) == ("ready", "image/png", 8, 8)
    assert asset.key == f"acme/logo/{asset.id}.png"
    assert waist.backend.open(asset.key).read() == PNG
    assert waist.left() == (0, [])


async def test_the_row_says_what_the_body_was(waist: Waist) -> None:
    """Size, hash, name, visibility and metadata; the store's name; our own address where the store has none."""
    kept = await waist.keep(LARGE, kind="photo", visibility="private", metadata={"a": [1]})
    (asset,) = kept.assets

    assert (asset.size, asset.filename, asset.visibility) == (len(LARGE), "a.png", "private")
    assert asset.metadata == {"a": [1]}
    assert (asset.store, asset.public_id, asset.url) == ("memory", asset.key, permalink_path(asset.id, "a.png"))


async def test_a_large_file_is_kept_too(waist: Waist) -> None:
    """And its spool file is gone."""
    kept = await waist.keep(LARGE)

    assert waist.backend.open(kept.assets[0].key).read() == LARGE
    assert waist.left() == (0, [])


async def test_a_spooled_file_is_moved_into_a_disk(
    make_waist: Callable[..., Waist], sqlite_url: str, tmp_path: Path
) -> None:
    """Whole, and only once."""
    local = LocalBackend(tmp_path / "files")
    waist = make_waist(sqlite_url, stores=[("local", local)])
    kept = await waist.keep(LARGE, PNG)

    assert [local.open(asset.key).read() == data for asset, data in zip(kept.assets, (LARGE, PNG), strict=True)]
    assert waist.left() == (0, [])


@pytest.mark.parametrize(
    ("contents", "order", "refusal"),
    [
        ([b""], {}, EmptyFile),
        ([b"text"], {}, UnsupportedMediaType),
        ([PNG, b"<svg>"], {}, UnsafeSvg),
        ([LARGE, LARGE, b""], {"kind": "document"}, EmptyFile),
        ([bytes(5 * 1024 * 1024 + 1)], {}, FileTooLarge),
    ],
    ids=["empty", "text", "svg second", "empty third", "too large"],
)
async def test_what_is_refused_leaves_nothing(
    waist: Waist, contents: list[bytes], order: dict[str, object], refusal: type[Exception]
) -> None:
    """All files or none: no row, no object, and the bodies are still their owner's to discard."""
    files = [await waist.incoming(data) for data in contents]
    with pytest.raises(refusal):
        await waist.ingest.ingest(ACME, Order(**{"kind": "logo", **order}), files)
    for file in files:
        await file.discard()

    assert (await waist.states(), waist.keys(), waist.left()) == ([], [], (0, []))


async def test_several_files_are_kept_in_their_order(waist: Waist) -> None:
    """Each with its own bytes."""
    contents = [make_png(noise=bytes([n])) for n in range(5)]
    kept = await waist.keep(*contents)

    assert [waist.backend.open(asset.key).read() for asset in kept.assets] == contents
    assert await waist.states() == ["ready"] * 5


@pytest.mark.parametrize("well", [0, 1, 2])
async def test_one_put_that_fails_fails_all(waist: Waist, well: int) -> None:
    """No file is ready; a sweep after the grace takes what was stored, and nothing is left."""
    waist.backend.failing_after = well
    with pytest.raises(StorageUnavailable):
        await waist.keep(PNG, LARGE, PNG)
    before = await waist.states()
    await waist.expire()
    await waist.sweeper.sweep()

    assert before == ["pending"] * 3
    assert (await waist.states(), waist.keys(), waist.left()) == ([], [], (0, []))


async def test_a_replacement_that_fails_leaves_the_old_one(waist: Waist) -> None:
    """In its slot, as it was."""
    first = await waist.keep(PNG, slot=LOGO)
    waist.backend.failing_after = 0
    with pytest.raises(StorageUnavailable):
        await waist.keep(LARGE, slot=LOGO)
    held = await waist.database.read(slots.held, LOGO)

    assert held is not None
    assert held[1] == first.assets[0]


async def test_a_slot_that_has_changed_stops_the_order(waist: Waist) -> None:
    """412: the new bytes go with the next sweep, the old ones stay."""
    first = await waist.keep(PNG, slot=LOGO)
    with pytest.raises(PreconditionFailed):
        await waist.keep(LARGE, slot=LOGO, if_match=frozenset({"another"}))
    await waist.sweeper.sweep()

    assert waist.keys() == [first.assets[0].key]
    assert await waist.states() == ["ready"]


@pytest.mark.parametrize("order", [{}, {"slot": LOGO}, {"idempotency_key": "key"}], ids=["plain", "slot", "key"])
async def test_an_upload_that_outlived_its_grace_is_undone(waist_on: Waist, order: dict[str, object]) -> None:
    """Swept between its two transactions: 503, no row, and the bytes that came after the sweeper are gone too."""
    waist_on.backend.gate.clear()
    keeping = asyncio.create_task(waist_on.keep(PNG, **order))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    await waist_on.expire()
    report = await waist_on.sweeper.sweep()
    waist_on.backend.gate.set()
    with pytest.raises(Superseded):
        await keeping

    assert report.deleted == 1
    assert (await waist_on.states(), waist_on.keys(), waist_on.left()) == ([], [], (0, []))


@pytest.mark.parametrize("order", [{}, {"slot": LOGO}, {"idempotency_key": "key"}], ids=["plain", "slot", "key"])
async def test_a_client_that_goes_does_not_stop_an_upload(waist_on: Waist, order: dict[str, object]) -> None:
    """Once its bytes are received it goes on to its end, and whoever closes the service waits for it."""
    waist_on.backend.gate.clear()
    keeping = asyncio.create_task(waist_on.keep(LARGE, **order))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    keeping.cancel()
    await asyncio.wait([keeping], timeout=0.05)
    waist_on.backend.gate.set()
    await waist_on.ingest.finish(10)

    assert len((await keeping).assets) == 1  # a stop of the service cancels; who still listens is told the truth
    assert await waist_on.states() == ["ready"]
    assert len(waist_on.keys()) == 1
    assert waist_on.left() == (0, [])


async def test_a_failure_without_a_client_is_no_noise(waist: Waist) -> None:
    """Nobody waits for the answer: no "exception was never retrieved"."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    waist.backend.gate.clear()
    waist.backend.failing_after = 0
    keeping = asyncio.create_task(waist.keep(PNG))
    await asyncio.to_thread(waist.backend.at_the_gate.acquire)
    keeping.cancel()
    await asyncio.wait([keeping], timeout=0.05)
    waist.backend.gate.set()
    await waist.ingest.finish(10)
    await asyncio.sleep(0.01)
    asyncio.get_running_loop().set_exception_handler(None)

    assert reported == []


async def test_other_tenants_have_other_keys(waist: Waist) -> None:
    """Whatever the order says, the tenant is the caller's."""
    kept = await waist.keep(PNG, caller=Caller("other"))

    assert kept.assets[0].tenant == "other"
    assert kept.assets[0].key.startswith("other/logo/")
    assert await waist.database.read(assets.page, assets.Filter(tenant="acme"), limit=5, after=None) == []


async def test_a_key_belongs_to_one_request(waist: Waist) -> None:
    """Other bytes with the same Idempotency-Key: 422, and nothing is stored."""
    await waist.keep(PNG, idempotency_key="key")
    with pytest.raises(IdempotencyKeyReused):
        await waist.keep(LARGE, idempotency_key="key")

    assert len(waist.keys()) == 1
    assert waist.left() == (0, [])

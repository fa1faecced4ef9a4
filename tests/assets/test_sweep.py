"""The sweeper: what replacements, deletes and crashes left."""

import asyncio
import errno
import os
import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app.assets.sweep import BACKOFF, BATCH, Report
from app.db import assets
from app.db.claims import KEPT_SECONDS
from app.db.clock import clock
from app.db.models import assets as table
from app.db.models import claims as claim_table
from app.storage.memory import MemoryBackend
from tests.assets.waist import LOGO, Waist
from tests.conftest import make_png
from tests.db.rows import draft, make_pending

pytestmark = pytest.mark.anyio

PNG = make_png()


async def due_in(waist: Waist) -> list[float]:
    """In how many seconds each row is due, by the database's clock."""
    rows = await waist.database.read(lambda c: c.execute(select(table.c.due_at, clock())).all())
    return [(due - now).total_seconds() for due, now in rows]


async def test_what_is_doomed_goes_with_its_bytes(waist_on: Waist) -> None:
    """Deleted, and replaced; what is ready stays."""
    deleted = await waist_on.keep(PNG)
    await waist_on.keep(PNG, slot=LOGO)
    stays = await waist_on.keep(PNG, slot=LOGO)
    await waist_on.database.run(assets.doom, deleted.assets[0].id)
    report = await waist_on.sweeper.sweep()

    assert report == Report(deleted=2)
    assert waist_on.keys() == [stays.assets[0].key]
    assert await waist_on.rows() == {stays.assets[0].id: "ready"}


async def test_a_second_sweep_finds_nothing(waist: Waist) -> None:
    """It is done when it is done."""
    kept = await waist.keep(PNG)
    await waist.database.run(assets.doom, kept.assets[0].id)
    await waist.sweeper.sweep()

    assert await waist.sweeper.sweep() == Report()


async def test_what_is_coming_in_is_left_alone(waist_on: Waist) -> None:
    """A pending row has its grace, however often the sweeper comes; the upload then ends well."""
    waist_on.backend.gate.clear()
    keeping = asyncio.create_task(waist_on.keep(PNG))
    await asyncio.to_thread(waist_on.backend.at_the_gate.acquire)
    reports = [await waist_on.sweeper.sweep() for _ in range(3)]
    waist_on.backend.gate.set()
    kept = await keeping

    assert reports == [Report()] * 3
    assert await waist_on.rows() == {kept.assets[0].id: "ready"}


async def test_what_a_crash_left_goes_after_its_grace(waist_on: Waist) -> None:
    """Pending rows with their bytes, and without."""
    with_bytes, without = draft(), draft()
    await waist_on.database.run(make_pending, with_bytes, without, grace=-1)
    body = await waist_on.incoming(PNG)
    await waist_on.stores.default.put(with_bytes.key, body.body, content_type="image/png")
    await body.discard()
    report = await waist_on.sweeper.sweep()

    assert report == Report(deleted=2)
    assert (await waist_on.states(), waist_on.keys()) == ([], [])


async def test_more_than_a_batch_goes_in_one_sweep(waist: Waist) -> None:
    """However much is due."""
    await waist.database.run(make_pending, *[draft() for _ in range(2 * BATCH + 7)], grace=-1)

    assert await waist.sweeper.sweep() == Report(deleted=2 * BATCH + 7)
    assert await waist.states() == []


async def test_a_store_that_refuses_does_not_hold_up_the_others(waist_on: Waist) -> None:
    """One object cannot be deleted: it stays doomed and is put off, all the others go."""
    drafts = [draft() for _ in range(5)]
    waist_on.backend.refused = {drafts[2].key}
    await waist_on.database.run(make_pending, *drafts, grace=-1)
    report = await waist_on.sweeper.sweep()

    assert report == Report(deleted=4, failed=1)
    assert await waist_on.rows() == {drafts[2].id: "doomed"}
    assert min(await due_in(waist_on)) > 1


async def test_what_was_put_off_goes_when_the_store_is_well_again(waist: Waist) -> None:
    """At the next time that it is due."""
    wanted = draft()
    waist.backend.refused = {wanted.key}
    await waist.database.run(make_pending, wanted, grace=-1)
    await waist.sweeper.sweep()
    waist.backend.refused = set()
    early = await waist.sweeper.sweep()
    await waist.expire()

    assert early == Report()
    assert await waist.sweeper.sweep() == Report(deleted=1)


async def test_each_failure_doubles_the_wait(waist: Waist) -> None:
    """A minute after the first, two after the second, an hour or so at the most."""
    wanted = draft()
    waist.backend.refused = {wanted.key}
    await waist.database.run(make_pending, wanted, grace=-1)
    waits = []
    for _ in range(9):
        await waist.expire()
        await waist.sweeper.sweep()
        waits += await due_in(waist)

    assert [round(wait / BACKOFF) for wait in waits] == [1, 2, 4, 8, 16, 32, 64, 64, 64]


async def test_a_store_that_is_configured_no_more_is_waited_for(waist: Waist) -> None:
    """Its rows are put off, not dropped: their bytes are still somewhere."""
    await waist.database.run(make_pending, draft(store="gone"), draft(), grace=-1)
    report = await waist.sweeper.sweep()

    assert report == Report(deleted=1, failed=1)
    assert await waist.states() == ["doomed"]


async def test_each_store_is_swept(make_waist: Callable[..., Waist], sqlite_url: str) -> None:
    """The one that a row names, not the one that takes new bytes."""
    new, old = MemoryBackend(), MemoryBackend()
    waist = make_waist(sqlite_url, stores=[("new", new), ("old", old)])
    doomed = draft(store="old")
    for store in waist.stores:
        body = await waist.incoming(PNG)
        await store.put(doomed.key, body.body, content_type="image/png")
        await body.discard()
    await waist.database.run(make_pending, doomed, grace=-1)
    await waist.sweeper.sweep()

    assert (waist.keys(new), waist.keys(old)) == ([doomed.key], [])


async def test_two_sweeps_at_once_share_the_work(make_waist: Callable[..., Waist], database_url: str) -> None:
    """Two services on one database and one store: each row once, and nothing left."""
    backend = MemoryBackend()
    waists = [make_waist(database_url, stores=[("memory", backend)]) for _ in range(2)]
    drafts = [draft() for _ in range(150)]
    await waists[0].database.run(make_pending, *drafts, grace=-1)
    reports = await asyncio.gather(*[waist.sweeper.sweep() for waist in waists])

    assert sum(report.deleted for report in reports) == 150
    assert await waists[0].states() == []


async def test_spool_files_of_crashed_processes_go(waist: Waist) -> None:
    """After the grace, by the time of their last write."""
    for name, age in {"old.part": 7200, "young.part": 60}.items():
        path = waist.spool.folder / name
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)

    assert await waist.sweeper.sweep() == Report(spooled=1)
    assert [path.name for path in waist.spool.folder.iterdir()] == ["young.part"]


async def test_yesterday_s_keys_go(waist: Waist) -> None:
    """A day after they were used."""
    await waist.keep(PNG, idempotency_key="old")
    late = update(claim_table).values(created_at=clock(-KEPT_SECONDS - 1))
    await waist.database.run(lambda connection: connection.execute(late))
    await waist.keep(PNG, idempotency_key="new")

    assert await waist.sweeper.sweep() == Report(claims=1)


async def test_the_sweeper_outlives_a_sweep_that_failed(waist: Waist, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong, a read-only disk or a defect: it is logged, and the next sweep comes."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    (waist.spool.folder / "old.part").write_bytes(b"x")
    os.utime(waist.spool.folder / "old.part", (0, 0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        sweeping = asyncio.create_task(waist.sweeper.run_every(0.01))
        await asyncio.sleep(0.1)
    wanted = draft()
    await waist.database.run(make_pending, wanted, grace=-1)
    await asyncio.sleep(0.2)
    sweeping.cancel()
    await asyncio.wait([sweeping])

    assert sweeping.cancelled()
    assert await waist.states() == []
    assert waist.left() == (0, [])


async def test_a_disk_that_keeps_its_spool_files_does_not_keep_old_keys(
    waist: Waist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part of a sweep that fails is no reason to leave out the others."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    await waist.keep(PNG, idempotency_key="old")
    late = update(claim_table).values(created_at=clock(-KEPT_SECONDS - 1))
    await waist.database.run(lambda connection: connection.execute(late))
    (waist.spool.folder / "old.part").write_bytes(b"x")
    os.utime(waist.spool.folder / "old.part", (0, 0))
    monkeypatch.setattr(os, "unlink", refuse)
    report = await waist.sweeper.sweep()

    assert report.claims == 1

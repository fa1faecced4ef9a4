"""What a check does about orphans: what it removes, what it moves away, and when it touches nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from app.assets.check import Checker, Finding, Interrupted
from app.assets.check_repair import Repair, refusal
from app.storage.local import LocalBackend
from tests.assets.checks import STRAY, Watched, breaks, keep, meanwhile, put, quiet
from tests.assets.waist import Moody, Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio
STRAYS = [STRAY.replace("6c38", f"6c{n}") for n in range(10, 99)]


@pytest.fixture
def stores() -> tuple[Watched, Watched]:
    """Two of them; new bytes go to the first."""
    return Watched(), Watched()


@pytest.fixture
def waist(make_waist: Callable[..., Waist], sqlite_url: str, stores: tuple[Watched, Watched]) -> Waist:
    """With both."""
    return make_waist(sqlite_url, stores=list(zip(("memory", "s3"), stores, strict=True)))


async def compared(waist: Waist) -> tuple[Checker, list[Finding]]:
    """The checker after its run, and the orphans that it found."""
    checker = Checker(waist.database, waist.stores)
    found = [each async for each in checker.findings(deep=False, progress=quiet)]
    return checker, [each for each in found if each.finding == "orphan"]


async def refused(waist: Waist, limit: int | None = None) -> str:
    """Why nothing is to be removed."""
    return refusal(*await compared(waist), limit) or "no reason"


def fill(backend: Watched, strays: Sequence[str]) -> None:
    """Objects without rows."""
    for stray in strays:
        put(backend, stray)


async def test_a_few_orphans_among_many_files_may_go(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """As many as there are files, too."""
    await keep(waist, 4)
    fill(stores[0], STRAYS[:4])

    assert await refused(waist) == "no reason"


async def test_trap_an_empty_database_makes_every_file_an_orphan(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """A DATABASE_URL that was forgotten: however few the files are, they stay, unless it is said how many shall go."""
    fill(stores[0], STRAYS[:3])

    assert "Is this the right database?" in await refused(waist)
    assert "more than 2 orphans" in await refused(waist, 2)
    assert await refused(waist, 3) == "no reason"


async def test_trap_an_older_database(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """Restored from a backup: most of what is there came after it."""
    await keep(waist, 4)
    fill(stores[0], STRAYS[:5])

    assert "most of what memory holds has no row" in await refused(waist)


async def test_trap_one_wrong_store_among_right_ones(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """The rows of the others don't outvote those that miss all their bytes: it is somebody else's bucket."""
    await keep(waist, 10)
    waist.stores.default = waist.stores["s3"]
    keys = await keep(waist, 2)
    for key in keys:
        stores[1].delete(key)
    fill(stores[1], STRAYS[:1])

    assert "most rows of s3 miss their bytes" in await refused(waist, 100)


async def test_a_store_without_orphans_does_not_forbid_anything(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """What is lost in one is no reason to keep what nobody knows in the other."""
    await keep(waist, 2)
    waist.stores.default = waist.stores["s3"]
    for key in await keep(waist, 1):
        stores[1].delete(key)
    fill(stores[0], STRAYS[:1])

    assert await refused(waist) == "no reason"


async def test_a_short_listing_forbids_it(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """Whoever leaves one thing out can't be trusted with another."""
    keys = await keep(waist, 3)
    stores[0].left_out.add(keys[0])
    fill(stores[0], STRAYS[:1])

    assert "left out" in await refused(waist)


async def test_a_store_that_failed_forbids_it(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """In any store."""
    await keep(waist, 3)
    fill(stores[0], STRAYS[:1])
    stores[1].after = breaks

    assert refusal(*await compared(waist), None) == "a store could not be compared."


async def test_what_has_a_row_now_stays(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """It is asked for again, just before."""
    kept = await keep(waist, 1)
    repair = Repair(waist.database, waist.stores)
    await repair.remove([Finding("orphan", "memory", key) for key in kept], quiet)

    assert (repair.removed, repair.errors, waist.keys(stores[0])) == (0, [], kept)


def ended(_what: str, _count: int) -> None:
    """Progress after a signal."""
    raise Interrupted


async def test_a_signal_ends_it_after_the_object(waist: Waist, stores: tuple[Watched, Watched]) -> None:
    """What is not removed yet stays."""
    fill(stores[0], STRAYS[:3])
    _, orphans = await compared(waist)
    repair = Repair(waist.database, waist.stores)
    with pytest.raises(Interrupted):
        await repair.remove(orphans, ended)

    assert (repair.removed, waist.keys(stores[0])) == (1, STRAYS[1:3])


async def test_however_many_are_removed_no_statement_is_too_long(
    make_waist: Callable[..., Waist], postgres_url: str
) -> None:
    """Postgres takes 65,535 values at once."""
    waist = make_waist(postgres_url)
    repair = Repair(waist.database, waist.stores)
    with pytest.raises(Interrupted):
        await repair.remove([Finding("orphan", "memory", f"photo/{n}.png") for n in range(70_000)], ended)

    assert repair.errors == []


async def test_a_store_that_does_not_delete_is_told(make_waist: Callable[..., Waist], sqlite_url: str) -> None:
    """And how many were removed until then."""
    moody = Moody()
    waist = make_waist(sqlite_url, stores=[("memory", moody)])
    for stray in STRAYS[:3]:
        put(moody, stray)
    moody.refused.add(STRAYS[1])
    _, orphans = await compared(waist)
    repair = Repair(waist.database, waist.stores)
    await repair.remove(orphans, quiet)

    assert (repair.removed, repair.errors) == (1, ["Not all were removed: It is moody."])


async def test_what_is_moved_away_lies_in_the_folder(
    waist: Waist, stores: tuple[Watched, Watched], tmp_path: Path
) -> None:
    """Below the name of its store, whole, and nothing beside it; the stores have it no more."""
    big = make_png(noise=b"n" * 600_000)
    put(stores[0], STRAYS[0], big)
    put(stores[1], STRAYS[0], b"of the other")
    _, orphans = await compared(waist)
    repair = Repair(waist.database, waist.stores, tmp_path / "new" / "lost")
    await repair.remove(orphans, quiet)

    lost = sorted(path for path in (tmp_path / "new").rglob("*") if path.is_file())
    assert lost == [tmp_path / "new/lost/memory" / STRAYS[0], tmp_path / "new/lost/s3" / STRAYS[0]]
    assert [path.read_bytes() for path in lost] == [big, b"of the other"]
    assert (repair.removed, repair.errors, waist.keys(stores[0]), waist.keys(stores[1])) == (2, [], [], [])


async def test_what_was_moved_away_can_be_put_back(
    make_waist: Callable[..., Waist], sqlite_url: str, tmp_path: Path
) -> None:
    """Of a disk: by copying the folder."""
    local = LocalBackend(tmp_path / "files")
    put(local)
    waist = make_waist(sqlite_url, stores=[("local", local)])
    _, orphans = await compared(waist)
    await Repair(waist.database, waist.stores, tmp_path / "lost").remove(orphans, quiet)
    assert list(local.list()) == []
    (tmp_path / "lost/local/photo").rename(tmp_path / "files/photo")

    assert [info.key for info in local.list()] == [STRAY]


async def test_what_cannot_be_copied_whole_is_not_removed(
    waist: Waist, stores: tuple[Watched, Watched], tmp_path: Path
) -> None:
    """The store fails, the folder can't be written: nothing is lost, nothing half-written is left."""
    put(stores[0])
    _, orphans = await compared(waist)
    stores[0].unreadable.add(STRAY)
    failing = Repair(waist.database, waist.stores, tmp_path / "lost")
    await failing.remove(orphans, quiet)
    stores[0].unreadable.clear()
    (tmp_path / "file").write_bytes(b"")
    blocked = Repair(waist.database, waist.stores, tmp_path / "file" / "lost")
    await blocked.remove(orphans, quiet)

    assert (failing.removed, blocked.removed, waist.keys(stores[0])) == (0, 0, [STRAY])
    assert failing.errors == ["Not all were removed: The disk failed."]
    assert blocked.errors
    assert [path for path in (tmp_path / "lost").rglob("*") if path.is_file()] == []


async def test_what_went_by_itself_is_not_counted(
    waist: Waist, stores: tuple[Watched, Watched], tmp_path: Path
) -> None:
    """Somebody was faster; the others are moved."""
    fill(stores[0], STRAYS[:2])
    _, orphans = await compared(waist)

    async def vanish() -> None:
        stores[0].delete(STRAYS[0])

    stores[0].on_open = meanwhile(vanish)
    repair = Repair(waist.database, waist.stores, tmp_path / "lost")
    await repair.remove(orphans, quiet)

    assert (repair.removed, repair.errors, waist.keys(stores[0])) == (1, [], [])

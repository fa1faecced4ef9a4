"""Rows and bytes that come and go during a check, listings that leave something out, stores that fail in the middle."""

from collections.abc import Callable

import pytest

from app.assets import check
from app.assets.check import Checker, Interrupted
from app.storage import inventory
from tests.assets.checks import STRAY, Watched, breaks, checked, keep, meanwhile, put, sweep_all
from tests.assets.waist import Waist
from tests.conftest import make_png

pytestmark = pytest.mark.anyio


@pytest.fixture
def watched() -> Watched:
    """A store that can be watched."""
    return Watched()


@pytest.fixture
def waist(make_waist: Callable[..., Waist], sqlite_url: str, watched: Watched) -> Waist:
    """With that store."""
    return make_waist(sqlite_url, stores=[("memory", watched)])


async def test_what_is_swept_after_it_was_listed_is_no_orphan(waist: Waist, watched: Watched) -> None:
    """Neither is it missing: its row went, too."""
    await keep(waist, 3)
    watched.after = meanwhile(lambda: sweep_all(waist))
    checker, found = await checked(waist)

    assert found == []
    assert (checker.counts.objects, waist.keys(watched)) == (3, [])


async def test_what_is_swept_while_it_is_looked_at_again_is_not_missing(waist: Waist, watched: Watched) -> None:
    """Whether its row is still there is asked last."""
    watched.left_out.update(await keep(waist, 2))
    watched.on_open = meanwhile(lambda: sweep_all(waist))
    checker, found = await checked(waist)

    assert found == []
    assert (checker.counts.rows, waist.keys(watched)) == (2, [])


async def test_what_is_stored_during_the_run_is_no_finding(waist: Waist, watched: Watched) -> None:
    """Neither what was listed and had no row when it began, nor a row whose bytes were not listed."""
    await keep(waist, 2)
    watched.before = meanwhile(lambda: waist.keep(make_png(noise=b"b")))
    watched.after = meanwhile(lambda: waist.keep(make_png(noise=b"a")))
    checker, found = await checked(waist, deep=True)

    assert found == []
    assert (checker.counts.rows, checker.counts.objects, len(waist.keys(watched))) == (2, 3, 4)


async def test_trap_a_listing_that_leaves_something_out(waist: Waist, watched: Watched) -> None:
    """What is there is not missing; what is really missing is. That the listing was short is counted."""
    keys = await keep(waist, 4)
    watched.left_out.update(keys[:2])
    watched.delete(keys[3])
    checker, found = await checked(waist)

    assert found == [f"missing {keys[3]}"]
    assert (checker.counts.unlisted, checker.counts.objects) == (2, 1)


async def test_not_everything_is_looked_at_again(
    waist: Waist, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands that differ are another store's: they are told as they were listed."""
    monkeypatch.setattr(check, "AGAIN", 3)
    watched.left_out.update(await keep(waist, 5))
    put(watched)
    checker, found = await checked(waist)

    assert sorted(each.split()[0] for each in found) == ["missing", "missing", "orphan"]
    assert checker.counts.unlisted == 3


async def test_thousands_that_were_swept_are_looked_at_again(
    waist: Waist, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They don't differ: a busy service sweeps that many while a listing takes hours."""
    monkeypatch.setattr(check, "AGAIN", 3)
    monkeypatch.setattr(inventory, "BATCH", 2)
    await keep(waist, 9)
    watched.after = meanwhile(lambda: sweep_all(waist))
    _, found = await checked(waist)

    assert found == []


async def test_trap_a_store_that_fails_in_mid_listing_looks_short(waist: Waist, watched: Watched) -> None:
    """Nothing is told of it but that."""
    keys = await keep(waist, 3)
    watched.left_out.update(keys[1:])
    watched.after = breaks
    checker, found = await checked(waist)

    assert (found, checker.counts.errors) == ([], ["memory: It broke."])


async def test_a_store_that_fails_does_not_hide_another(make_waist: Callable[..., Waist], sqlite_url: str) -> None:
    """What the other one misses is told."""
    first, second = Watched(), Watched()
    waist = make_waist(sqlite_url, stores=[("memory", first), ("s3", second)])
    keys = await keep(waist, 2)
    first.delete(keys[0])
    second.after = breaks
    put(second)
    checker, found = await checked(waist)

    assert (found, checker.counts.errors) == ([f"missing {keys[0]}"], ["s3: It broke."])


async def test_one_object_that_cannot_be_read_is_told_and_the_others_are_read(waist: Waist, watched: Watched) -> None:
    """A bad sector must not hide the next one."""
    keys = await keep(waist, 4)
    watched.unreadable.add(keys[0])
    put(watched, keys[3], b"x" * len(make_png(noise=b"3")))
    checker, found = await checked(waist, deep=True)

    assert found == [f"hash {keys[3]}"]
    assert checker.counts.errors == [f"memory: {keys[0]}: The disk failed."]


async def test_a_store_that_reads_nothing_any_more_is_given_up(
    waist: Waist, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the store that fails, not its objects; those that were not begun are not tried."""
    monkeypatch.setattr(check, "UNREADABLE", 3)
    watched.unreadable.update(await keep(waist, 15))
    checker, found = await checked(waist, deep=True)

    assert found == []
    assert checker.counts.errors[-1] == "memory: The disk failed."
    assert len(checker.counts.errors) == 3 + 1
    assert checker.tallies["memory"].read <= 3 + check.AT_ONCE


@pytest.mark.parametrize("word", ["objects", "rows", "read", "objects without a ready row"])
async def test_an_interrupted_check_ends_at_once(waist: Waist, watched: Watched, word: str) -> None:
    """In whatever phase."""
    await keep(waist, 5)
    put(watched)
    counted: list[str] = []

    def progress(what: str, _count: int) -> None:
        counted.append(what)
        if what == f"memory: {word}":
            raise Interrupted

    checker = Checker(waist.database, waist.stores)
    with pytest.raises(Interrupted):
        [each async for each in checker.findings(deep=True, progress=progress)]

    assert counted.count(f"memory: {word}") == 1
    assert counted[-1] == f"memory: {word}"


async def test_what_has_no_row_and_is_still_there_is_an_orphan(waist: Waist, watched: Watched) -> None:
    """After all that care one that is there and has no row is told."""
    await keep(waist, 2)
    put(watched)
    _, found = await checked(waist)

    assert found == [f"orphan {STRAY}"]

"""Checks of a store that counts the calls of its listing: they end early, and others go on."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from app.assets.check import Checker, Interrupted
from app.assets.check_listing import Listings
from app.storage import cloudinary as store
from tests.assets.checks import STRAY, checked, sweep_all
from tests.assets.waist import Waist
from tests.standins.cloudinary.cloud import Cloud
from tests.storage.faulty import cloudinary_on

pytestmark = pytest.mark.anyio


@pytest.fixture
def resume(tmp_path: Path) -> Path:
    """The file that keeps the place."""
    return tmp_path / "place"


def is_file(path: Path) -> bool:
    """Whether it is there."""
    return path.exists()


@pytest.fixture
async def waist(
    make_waist: Callable[..., Waist], database_url: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> Waist:
    """Six private files at Cloudinary, two on a page: four calls, with the one for the empty other place."""
    monkeypatch.setattr(store, "PAGE", 2)
    waist = make_waist(database_url, stores=[("cloudinary", cloudinary_on(cloud))])
    await waist.keep(*[bytes([n]) * 9 for n in range(6)], kind="file", visibility="private")
    return waist


async def test_an_incomplete_listing_tells_nothing(waist: Waist, cloud: Cloud, resume: Path) -> None:
    """Nothing is missing, nothing is an orphan; it is told why, and from where to go on."""
    listings = Listings(admin_calls=2, resume=resume)
    checker, found = await checked(waist, listings=listings)

    assert (found, checker.counts.rows, checker.counts.objects) == ([], 0, 0)
    assert checker.counts.errors == ["cloudinary: The 2 calls that this run may make are used up."]
    assert (listings.kept, cloud.admin_calls) == (resume, 2)


async def test_the_next_run_finds_what_one_run_would_have_found(waist: Waist, cloud: Cloud, resume: Path) -> None:
    """By the calls that were left; then the file is gone."""
    oldest, *_, newest = [key[2] for key in cloud.assets]
    for key in (oldest, newest):
        waist.stores.default.backend.delete(key)
    cloud.fill([STRAY], kind="authenticated")
    whole = await checked(waist)
    calls = cloud.admin_calls
    await checked(waist, listings=Listings(admin_calls=2, resume=resume))
    checker, found = await checked(waist, listings=Listings(resume=resume))

    assert sorted(found) == sorted(whole[1])
    assert set(found) == {f"missing {oldest}", f"missing {newest}", f"orphan {STRAY}"}
    assert checker.counts == whole[0].counts
    assert (cloud.admin_calls, is_file(resume)) == (2 * calls, False)


async def test_what_was_swept_between_two_runs_is_no_orphan(waist: Waist, resume: Path) -> None:
    """Hours lie between them."""
    await checked(waist, listings=Listings(admin_calls=3, resume=resume))
    await sweep_all(waist)
    checker, found = await checked(waist, listings=Listings(resume=resume))

    assert (found, checker.counts.errors, checker.counts.objects) == ([], [], 6)


async def test_what_was_stored_between_two_runs_is_no_finding(waist: Waist, resume: Path) -> None:
    """Its row is younger than the listing, which has passed its place already."""
    await checked(waist, listings=Listings(admin_calls=2, resume=resume))
    await waist.keep(b"later", kind="file")
    checker, found = await checked(waist, listings=Listings(resume=resume))

    assert (found, checker.counts.unlisted, checker.counts.rows) == ([], 0, 6)


async def test_a_comparison_that_is_interrupted_costs_no_further_call(waist: Waist, cloud: Cloud, resume: Path) -> None:
    """The listing is complete and kept: the next run compares all of it, without asking for a page."""

    def progress(what: str, _count: int) -> None:
        if "without" in what:
            raise Interrupted

    cloud.fill([STRAY], kind="authenticated")
    listings = Listings(resume=resume)
    with pytest.raises(Interrupted):
        [each async for each in Checker(waist.database, waist.stores, listings).findings(deep=False, progress=progress)]
    assert listings.kept == resume
    calls = cloud.admin_calls
    checker, found = await checked(waist, listings=Listings(resume=resume))

    assert ([each.split()[0] for each in found], checker.counts.rows) == (["orphan"], 6)
    assert (cloud.admin_calls, is_file(resume)) == (calls, False)


async def test_a_database_in_the_place_of_the_file_is_safe(waist: Waist, cloud: Cloud, resume: Path) -> None:
    """It is named, not used; no call is made."""
    with sqlite3.connect(resume) as theirs:
        theirs.execute("CREATE TABLE assets (id)")
    theirs.close()
    listings = Listings(resume=resume)
    checker, _ = await checked(waist, listings=listings)

    assert checker.counts.errors == [
        f"cloudinary: {resume} cannot keep the place of a listing: it is another kind of file."
    ]
    assert (cloud.admin_calls, listings.kept, is_file(resume)) == (0, None, True)


async def test_comparing_asks_the_admin_api_for_pages_only(waist: Waist, cloud: Cloud) -> None:
    """What differs is looked at again by other calls, and so are all bytes with --deep."""
    keys = [key[2] for key in cloud.assets]
    waist.stores.default.backend.delete(keys[0])
    cloud.fill([STRAY], kind="authenticated")
    _, found = await checked(waist, deep=True, listings=Listings(admin_calls=4))

    assert sorted(each.split()[0] for each in found) == ["missing", "orphan"]
    assert cloud.admin_calls == 4

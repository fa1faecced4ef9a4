"""Listings that are charged for: what they may cost, where they go on, and what they do not believe."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import StorageError, StorageRefused, StorageUnavailable
from app.storage import cloudinary as store
from app.storage.cloudinary import CloudinaryBackend
from app.storage.paged import Allowance, AllowanceSpent, KeptInventory, PlaceLost
from tests.standins.cloudinary.cloud import Account, Cloud
from tests.standins.cloudinary.cloud import running as clouds
from tests.standins.cloudinary.faults import refuse
from tests.storage.faulty import PUBLIC, TRIES, cloudinary_on, put_file

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = [f"file/{number:05}.bin" for number in range(12)]


@pytest.fixture
def paged(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, png: bytes) -> CloudinaryBackend:
    """Twelve private files and a public image, five on a page: three calls for the one and one for the other."""
    monkeypatch.setattr(store, "PAGE", 5)
    cloud.fill(NAMES, kind="authenticated")
    backend = cloudinary_on(cloud)
    put_file(backend, "logo/a.png", png, serving=PUBLIC)
    return backend


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the place is kept."""
    return tmp_path / "place.check"


def listed(backend: CloudinaryBackend, file: Path, calls: int = 400, now: datetime = NOW) -> list[str]:
    """What a run finds that may make so many calls; afterwards the file is as such a run leaves it."""
    inventory = KeptInventory(file, now)
    try:
        inventory.take_pages(backend, Allowance(calls), lambda _: None)
        found = [key for batch in inventory.left() for key in batch]
        assert inventory.count == len(found)
        inventory.finish()
        return found
    finally:
        inventory.close()


def test_a_complete_listing_leaves_no_file(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """Everything of both places, by as few calls as there are pages."""
    assert listed(paged, file, 4) == [*NAMES, "logo/a.png"]
    assert cloud.admin_calls == 4
    assert not file.exists()


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_listing_goes_on_where_its_allowance_ended(
    cloud: Cloud, paged: CloudinaryBackend, file: Path, calls: int
) -> None:
    """Each run makes no more calls than it may; together they are as many as those of one run."""
    spent = -(-4 // calls) - 1
    for run in range(spent):
        with pytest.raises(AllowanceSpent, match=f"The {calls} calls"):
            listed(paged, file, calls)
        assert cloud.admin_calls == calls * (run + 1)

    assert listed(paged, file, calls) == [*NAMES, "logo/a.png"]
    assert cloud.admin_calls == 4


def test_tries_that_fail_are_counted(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """Cloudinary counts them, too."""
    cloud.faults.next("admin", refuse(500), refuse(420))
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 5)

    assert len(cloud.named("admin")) == 5
    assert listed(paged, file, 1) == [*NAMES, "logo/a.png"]


@pytest.mark.parametrize("status", [420, 429, 500, 502])
def test_what_the_store_refuses_for_now_is_gone_on_with(
    cloud: Cloud, paged: CloudinaryBackend, file: Path, status: int
) -> None:
    """In mid-listing: the pages that were had are not asked for again."""
    cloud.faults.when("admin", lambda call: "next_cursor" in call.query, refuse(status), once=False)
    with pytest.raises(StorageUnavailable):
        listed(paged, file)
    assert len(cloud.named("admin")) == 1 + TRIES
    cloud.faults.clear()

    assert listed(paged, file) == [*NAMES, "logo/a.png"]
    assert len(cloud.named("admin")) == 1 + TRIES + 3


def test_a_spent_hour_is_gone_on_with_in_the_next(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """By the stand-in's own count."""
    monkeypatch.setattr(store, "PAGE", 5)
    with clouds(Account(admin_limit=2)) as cloud:
        cloud.fill(NAMES, kind="authenticated")
        with pytest.raises(StorageUnavailable, match="limit of calls"):
            listed(cloudinary_on(cloud), file)
        cloud.advance(3600)

        assert listed(cloudinary_on(cloud), file) == NAMES


def test_a_cursor_that_is_refused_begins_its_listing_anew(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """What was deleted meanwhile is not remembered; the other listing stays as it was."""
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 2)
    cloud.forget_cursors()
    paged.delete(NAMES[-1])

    assert listed(paged, file, 5) == [*NAMES[:-1], "logo/a.png"]
    assert cloud.admin_calls == 2 + 1 + 4


def test_a_refused_cursor_loses_nothing_before_the_new_listing_is_had(
    cloud: Cloud, paged: CloudinaryBackend, file: Path
) -> None:
    """A run that may make one call more learns that the place is lost, and no more."""
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 2)
    cloud.forget_cursors()
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 1)

    with sqlite3.connect(file) as kept:
        assert kept.execute("SELECT count(*) FROM objects").fetchone() == (10,)
    kept.close()


def test_trap_a_place_that_is_always_lost(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """The listing begins anew once, not for ever."""
    cloud.faults.when("admin", lambda call: "next_cursor" in call.query, refuse(400, "Invalid cursor"), once=False)
    with pytest.raises(PlaceLost):
        listed(paged, file)

    assert len(cloud.named("admin")) == 4


def test_wrong_credentials_lose_nothing(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """They are no lost place; and what nothing was learnt from is not kept."""
    cloud.faults.always("admin", refuse(401, "api_secret mismatch"))
    with pytest.raises(StorageRefused):
        listed(paged, file)
    assert not file.exists()
    cloud.faults.clear()
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 3)
    cloud.faults.always("admin", refuse(401, "api_secret mismatch"))
    with pytest.raises(StorageRefused):
        listed(paged, file)
    cloud.faults.clear()

    assert listed(paged, file, 1) == [*NAMES, "logo/a.png"]


def test_another_clouds_place_is_not_gone_on_from(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """What it listed is forgotten."""
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 2)
    with clouds(Account(cloud_name="elsewhere")) as other:
        other.fill(["file/other.bin"], kind="authenticated")

        assert listed(cloudinary_on(other), file) == ["file/other.bin"]


def test_what_was_listed_long_ago_is_forgotten(cloud: Cloud, paged: CloudinaryBackend, file: Path) -> None:
    """After a week the listing begins anew; until then it is as old as its beginning."""
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 3)
    inventory = KeptInventory(file, NOW + timedelta(days=6))
    assert inventory.began == NOW
    inventory.close()

    with pytest.raises(AllowanceSpent):
        listed(paged, file, 3, NOW + timedelta(days=8))
    assert listed(paged, file, 1, NOW + timedelta(days=9)) == [*NAMES, "logo/a.png"]


def test_what_was_struck_out_is_there_again(paged: CloudinaryBackend, file: Path) -> None:
    """A comparison that was interrupted begins anew, without a call."""
    inventory = KeptInventory(file, NOW)
    inventory.take_pages(paged, Allowance(4), lambda _: None)
    assert inventory.strike(NAMES) == dict.fromkeys(NAMES, 6)
    inventory.close()

    assert listed(paged, file, 0) == [*NAMES, "logo/a.png"]


@pytest.mark.parametrize("content", [b"a text that somebody wrote, longer than SQLite's sixteen bytes", None])
def test_another_kind_of_file_is_left_alone(paged: CloudinaryBackend, file: Path, content: bytes | None) -> None:
    """Somebody's text, somebody's database."""
    if content is None:
        with sqlite3.connect(file) as theirs:
            theirs.execute("CREATE TABLE assets (id)")
        theirs.close()
    else:
        file.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(StorageRefused, match="cannot keep the place"):
        listed(paged, file)

    assert file.read_bytes() == before


def test_a_file_that_is_broken_is_told(paged: CloudinaryBackend, file: Path) -> None:
    """A machine that died in the middle may leave one; nobody is told that files are missing."""
    with pytest.raises(AllowanceSpent):
        listed(paged, file, 3)
    content = bytearray(file.read_bytes())
    content[-4096:] = b"\xff" * 4096  # the last page, of the objects
    file.write_bytes(content)

    with pytest.raises(StorageError, match=r"malformed|corrupt"):
        listed(paged, file)


@pytest.mark.parametrize("before", [[], [2]], ids=["begun", "gone on with"])
def test_two_runs_do_not_share_a_file(paged: CloudinaryBackend, file: Path, before: list[int]) -> None:
    """The second is told at once; the first goes on."""
    for calls in before:
        with pytest.raises(AllowanceSpent):
            listed(paged, file, calls)
    inventory = KeptInventory(file, NOW)
    with pytest.raises(StorageRefused, match="locked"):
        KeptInventory(file, NOW)
    inventory.take_pages(paged, Allowance(4), lambda _: None)
    assert inventory.count == 13
    inventory.finish()
    inventory.close()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Not made: it may be a disk that isn't mounted."""
    with pytest.raises(StorageError, match="unable to open"):
        KeptInventory(tmp_path / "nowhere" / "file", NOW)

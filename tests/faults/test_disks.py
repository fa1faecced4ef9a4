"""F5, F6, F23: full disks, read-only disks, disks that are not mounted. Real ones: these tests are for root."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.refusals import refused
from tests.clouds import environment_of
from tests.faults import disks
from tests.faults.disks import Disk
from tests.faults.place import LOGO, Place, logo, png, put_logo, talking, upload, whole

pytestmark = pytest.mark.slow

MB = 1 << 20
OLD = png(1)
READY = 15.0  # seconds after which /readyz has noticed


@pytest.fixture
def disk(place: Place) -> Iterator[Disk]:
    """16 MB of ext4 in the place of the data folder; the rows are elsewhere."""
    with disks.ext4(Path(place.settings["DATA_DIR"]), place.folder / "image", 16) as disk:
        yield disk


def reason(client: Any, check: str = "storage") -> str:
    """Why it is not ready, as soon as it isn't."""
    deadline = time.monotonic() + READY
    while (ready := client.get("/readyz")).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert ready.status_code == 503
    told: str = ready.json()["checks"][check]["reason"]
    return told


def until_ready(client: Any) -> None:
    """It notices by itself that all is well."""
    deadline = time.monotonic() + READY
    while client.get("/readyz").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("store", ["s3", "cloudinary"])
def test_f05_the_spools_disk_is_full(request: pytest.FixtureRequest, place: Place, store: str) -> None:
    """507 for what must be spooled, not 400; small files go on; with room again large ones do."""
    place.settings |= environment_of(store, request)
    with disks.tmpfs(Path(place.settings["TMPDIR"]), 2) as disk, place.service() as service, talking(service) as client:
        answer = upload(client, png(1, size=5 * MB))
        refused(answer, 507, "no_room")
        assert int(answer.headers["retry-after"]) >= 1
        assert upload(client, png(2)).status_code == 201
        assert disk.free() > 1.5 * MB
        assert upload(client, png(3, size=MB)).status_code == 201
        assert place.settled() == whole(2)


@pytest.mark.parametrize("size", [0, 600_000], ids=["small", "spooled"])
def test_f06_the_volume_is_full(place: Place, disk: Disk, size: int) -> None:
    """507; what is there is read and deleted; `/readyz` says it; room made by hand or by a sweep is used at once."""
    with place.service() as service, talking(service) as client:
        put_logo(client, OLD)
        ballast = disk.fill()
        for _ in range(3):
            refused(put_logo(client, png(2, size=size)), 507, "no_room")
        assert "full" in reason(client)
        assert logo(client) == OLD
        assert client.delete(LOGO).status_code == 204
        ballast.unlink()
        assert put_logo(client, png(3, size=size)).status_code == 201
        until_ready(client)
    assert place.settled() == whole(1)


def test_f06_the_volume_fills_up_in_the_middle_of_bodies(place: Place, disk: Disk) -> None:
    """Uploads of 3 MB until there is no room: each is 201 or 507, and no half of one takes room."""
    with place.service() as service, talking(service) as client:
        answers = [upload(client, png(number, size=3 * MB)) for number in range(6)]
        good = [answer.json() for answer in answers if answer.status_code == 201]
        assert {answer.status_code for answer in answers} == {201, 507}
        assert upload(client, png(9)).status_code == 201
        for asset in good:
            assert client.delete(f"/v1/assets/{asset['id']}").status_code == 204
        place.sweep()
        assert upload(client, png(10, size=3 * MB)).status_code == 201
    assert place.settled() == whole(2)


def test_f06_rows_and_files_on_one_full_volume(sqlite: Place) -> None:
    """SQLite lies on it, too: 503 or 507, never 500; what was acknowledged is read, and with room all goes on."""
    with disks.ext4(Path(sqlite.settings["DATA_DIR"]), sqlite.folder / "image", 16) as disk:
        with sqlite.service() as service, talking(service) as client:
            put_logo(client, OLD)
            ballast = disk.fill()
            answers = [put_logo(client, png(2, size=size)) for size in (0, 600_000) * 40]
            assert logo(client) == OLD or {200} <= {answer.status_code for answer in answers}
            ballast.unlink()
            assert put_logo(client, png(3)).status_code == 200
            assert logo(client) == png(3)
        assert {answer.status_code for answer in answers} <= {200, 503, 507}
        assert 507 in {answer.status_code for answer in answers} or 503 in {answer.status_code for answer in answers}
        assert sqlite.settled() == whole(1)


def test_f06_the_volume_becomes_read_only(place: Place, disk: Disk) -> None:
    """As the kernel does with a disk that fails: 503, reads go on, the reason is told; writable again, all is well."""
    with place.service() as service, talking(service) as client:
        put_logo(client, OLD)
        disk.remount("ro")
        for size in (0, 600_000):
            answer = put_logo(client, png(2, size=size))
            refused(answer, 503, "storage_unavailable")
            assert "read-only" in answer.json()["detail"]
        assert "read-only" in reason(client)
        assert logo(client) == OLD
        assert client.delete(LOGO).status_code == 204
        disk.remount("rw")
        assert put_logo(client, png(3)).status_code == 201
        until_ready(client)
    assert place.settled() == whole(1)


def test_f23_the_volume_is_not_mounted(place: Place) -> None:
    """A start on the empty mount point: not ready, 503, and no file is written below it; mounted again it works."""
    folder, image = Path(place.settings["DATA_DIR"]), place.folder / "image"
    with disks.ext4(folder, image, 16), place.service() as service, talking(service) as client:
        put_logo(client, OLD)
    with place.service(ready=503) as service, talking(service) as client:
        assert "disk" in reason(client)
        for size in (0, 600_000):
            refused(put_logo(client, png(2, size=size)), 503, "storage_unavailable")
        refused(
            client.get("/f/" + client.get(LOGO).json()["slot"]["permalink"].partition("/f/")[2]),
            503,
            "storage_unavailable",
        )
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != ".stowage"]
    with disks.ext4(folder, image, 16):
        with place.service() as service, talking(service) as client:
            assert logo(client) == OLD
        assert place.settled() == whole(1)


def test_f23_the_volume_goes_while_it_is_used(place: Place) -> None:
    """503 for storing and reading, never a 404 and never a file in the folder below; it comes back by itself."""
    folder, image = Path(place.settings["DATA_DIR"]), place.folder / "image"
    with disks.ext4(folder, image, 16), place.service() as service, talking(service) as client:
        put_logo(client, OLD)
        disks.unmount(folder)
        assert "disk" in reason(client)
        for size in (0, 600_000):
            refused(put_logo(client, png(2, size=size)), 503, "storage_unavailable")
        assert list(folder.iterdir()) == []
        disks.mount(folder, "-o", "loop", str(image))
        until_ready(client)
        assert logo(client) == OLD
        assert put_logo(client, png(3)).status_code == 200
    with disks.ext4(folder, image, 16):
        assert place.settled() == whole(1)

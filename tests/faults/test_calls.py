"""F6: the disk says "no room" or "input/output error" at the n-th call of an upload, for every call and every n."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.kernel import failing, injected
from tests.faults.place import Place, logo, png, put_logo, talking, upload, whole
from tests.faults.with_faults import PREFIX
from tests.serving import Served

pytestmark = pytest.mark.slow

CALLS = {  # what an upload asks of the disk, and how often one thread may do it
    "write": 6,
    "fsync": 4,
    "rename,renameat,renameat2": 2,
    "mkdir,mkdirat": 2,
    "openat": 8,
}
STATUS = {"ENOSPC": 507, "EIO": 503, "EDQUOT": 507, "EROFS": 503, "EMFILE": 503}
SIZES = {"small": 0, "spooled": 1_500_000}


@pytest.fixture
def service(place: Place) -> Iterator[Served]:
    """A service whose plain writes go to files only."""
    with place.service(prefix=PREFIX, LOG_LEVEL="error") as service:
        yield service


def try_all(place: Place, service: Served, client: Any, calls: str, error: str, size: int) -> set[int]:
    """Uploads with the first call failing, then the second …, each of a new folder: their statuses."""
    trace, statuses = place.folder / "trace", set()
    for nth in range(1, CALLS[calls] + 1):
        with failing(service.process.pid, calls, error, nth=str(nth), trace=trace):
            answer = put_logo(client, png(nth, size=size), path=f"/v1/slots/users/{error}-{size}-{nth}/avatar")
        hit = injected(trace)
        statuses.add(answer.status_code if hit else 0)
        if hit and answer.status_code >= 400:
            assert answer.json()["code"] in {"no_room", "storage_unavailable"}, answer.text
            assert int(answer.headers["retry-after"]) >= 1
    return statuses


@pytest.mark.parametrize("calls", CALLS)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_f06_every_call_of_an_upload_fails_in_turn(place: Place, service: Served, calls: str, error: str) -> None:
    """507 or 503, no ready row without its bytes, nothing in the spool; the same process stores the next one."""
    with talking(service) as client:
        put_logo(client, png(0))
        seen = set().union(*(try_all(place, service, client, calls, error, size) for size in SIZES.values()))
        time.sleep(0.1)
        spooled = list((place.files / ".spool").iterdir())
        assert logo(client) == png(0)
        assert upload(client, png(99)).status_code == 201

    assert STATUS[error] in seen
    assert seen <= {0, 201, STATUS[error]}
    assert spooled == []
    left = place.settled()
    assert left == whole(len(left.rows))


@pytest.mark.parametrize("error", ["EDQUOT", "EROFS", "EMFILE"])
def test_f06_every_call_fails_from_now_on(place: Place, service: Served, error: str) -> None:
    """As with a quota, a remount, too many open files: said as it is, and over when it is over."""
    calls = ",".join(call for call in CALLS if error != "EMFILE" or call == "openat")
    with talking(service) as client:
        put_logo(client, png(0))
        for size in SIZES.values():
            with failing(service.process.pid, calls, error, nth="1+", trace=place.folder / "trace"):
                answer = put_logo(client, png(1, size=size))
            assert (answer.status_code, injected(place.folder / "trace") > 0) == (STATUS[error], True), answer.text
            assert logo(client) == png(0)
        assert put_logo(client, png(2)).status_code == 200
    assert place.settled() == whole(1)


def test_f18_a_disk_that_cannot_delete(place: Place) -> None:
    """Readers never see the old one again; its row stays as long as its bytes do, and goes with a later sweep."""
    trace = place.folder / "trace"
    with place.service(prefix=PREFIX, SWEEP_INTERVAL="0.3") as service, talking(service) as client:
        old = put_logo(client, png(0)).json()
        with failing(service.process.pid, "unlink,unlinkat", "EIO", nth="1+", trace=trace):
            assert put_logo(client, png(1)).status_code == 200
            deadline = time.monotonic() + 20
            while "sweep.failed" not in place.log and time.monotonic() < deadline:
                time.sleep(0.05)
        assert injected(trace) > 0
        assert client.get(f"/f/{old['id']}/a.png").status_code == 404
        assert logo(client) == png(1)
    assert place.states() == ["doomed", "ready"]
    assert place.settled() == whole(1)

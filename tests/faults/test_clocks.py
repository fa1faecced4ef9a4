"""F20: the clock of one machine is wrong by hours, or jumps: ages are told by the database, and no young file goes."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import jwt
import pytest

from tests.api.forms import BOUNDARY, form, part
from tests.clouds import environment_of
from tests.faults.place import KEY, Place, logo, png, put_logo, talking, upload, whole
from tests.faults.test_stopped import sweeping
from tests.faults.with_faults import PREFIX

pytestmark = pytest.mark.slow

BODY = form(part("file", png(1, size=1_500_000), "a.png"))
SECRET = "a secret of more than thirty-two characters"
# Only the time of day is changed, as on a machine whose clock is set; what the disk wrote before keeps its times.
HONEST = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """The clock of the processes that are started under it."""

    def __init__(self, folder: Path) -> None:
        if not LIBRARIES:
            pytest.fail("These tests change clocks: install Debian's package libfaketime.")
        self._file = folder / "clock"
        self.set("+0")
        self.environment = {
            **HONEST,
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
        }

    def set(self, offset: str) -> None:
        """`+2h`, `-2h`, `+0`."""
        self._file.write_text(f"{offset}\n")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that is right."""
    return Clock(tmp_path)


@pytest.fixture
def half_sent(place: Place, clock: Clock) -> Iterator[socket.socket]:
    """A service that sweeps all the time, and an upload of which the half is spooled."""
    lines = ["POST /v1/assets?kind=photo HTTP/1.1", "Host: h", f"Authorization: Bearer {KEY}"]
    lines += [f"Content-Type: multipart/form-data; boundary={BOUNDARY}", f"Content-Length: {len(BODY)}", "", ""]
    with (
        place.service(SWEEP_INTERVAL="0.2", **clock.environment) as service,
        socket.create_connection(("127.0.0.1", service.port), 30) as connection,
    ):
        connection.sendall("\r\n".join(lines).encode() + BODY[: len(BODY) // 2])
        while not list((place.files / ".spool").iterdir()):
            time.sleep(0.02)
        yield connection


@pytest.mark.parametrize("offset", ["+2h", "-2h"])
def test_f20_a_clock_jumps_under_an_upload(place: Place, clock: Clock, half_sent: socket.socket, offset: str) -> None:
    """Its spool file is younger than the grace, whatever the clock says now: 201."""
    clock.set(offset)
    time.sleep(1)
    half_sent.sendall(BODY[len(BODY) // 2 :])

    assert half_sent.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert place.settled() == whole(1)


@pytest.mark.parametrize("offset", ["+2h", "-2h"])
def test_f20_a_sweeper_whose_clock_is_wrong(place: Place, clock: Clock, offset: str) -> None:
    """It leaves the upload of a process that died a second ago alone, row and bytes; the grace is the database's."""
    with place.client() as client:
        put_logo(client, png(0))
    with (
        place.service(prefix=PREFIX, FAULTS="put:after:kill") as service,
        talking(service) as client,
        pytest.raises(httpx2.TransportError),
    ):
        put_logo(client, png(1))
    clock.set(offset)
    with sweeping(place, **clock.environment) as sweeper:
        assert sweeper.wait(60) == 0

    assert place.states() == ["pending", "ready"]
    assert len(list(place.files.rglob("*.png"))) == 2
    assert place.settled() == whole(1)


@pytest.mark.parametrize("offset", ["+2h", "-2h"])
def test_f20_a_replica_whose_clock_is_wrong(place: Place, clock: Clock, offset: str) -> None:
    """What it stores is in the order of the answers, between those of a replica whose clock is right."""
    clock.set(offset)
    with (
        place.service() as right,
        place.service(**clock.environment) as wrong,
        talking(right) as first,
        talking(wrong) as second,
    ):
        ids = [upload(client, png(n)).json()["id"] for n, client in enumerate([first, second, first, second])]
        listed = [asset["id"] for asset in first.get("/v1/assets").json()["items"]]
        put_logo(second, png(9))
        assert logo(first) == png(9)

    assert listed == ids[::-1]
    assert place.settled() == whole(5)


@pytest.mark.parametrize(("offset", "age", "status"), [("+2h", 0, 401), ("+0", -3600, 401), ("+0", -20, 200)])
def test_f20_tokens_expire_by_the_clock_with_little_leeway(
    sqlite: Place, clock: Clock, offset: str, age: int, status: int
) -> None:
    """Expired by an hour is expired, on a machine that is ahead too; some seconds of difference are forgiven."""
    token = jwt.encode({"exp": int(time.time()) + age, "tenant": "acme", "scope": "read"}, SECRET, algorithm="HS256")
    clock.set(offset)
    with sqlite.service(JWT_SECRET=SECRET, **clock.environment) as service, talking(service) as client:
        answer = client.get("/v1/assets", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == status


def test_f20_a_store_that_does_not_take_our_clock(request: pytest.FixtureRequest, place: Place, clock: Clock) -> None:
    """S3 refuses signatures of two hours ahead: 502 and the reason; right again, it works without a restart."""
    place.settings |= environment_of("s3", request)
    with place.service(**clock.environment) as service, talking(service) as client:
        put_logo(client, png(0))
        clock.set("+2h")
        answer = put_logo(client, png(1))
        assert (answer.status_code, answer.json()["code"]) == (502, "storage_refused")
        assert "clock" in answer.json()["detail"]
        clock.set("+0")
        assert put_logo(client, png(2)).status_code == 200
        assert logo(client) == png(2)
    assert place.settled() == whole(1)

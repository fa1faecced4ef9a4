"""F12, F17, F21: processes that are killed, stopped for longer than the grace, or told to end, in mid-call."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest

from tests.clouds import environment_of
from tests.faults.place import Place, logo, png, put_logo, talking, upload, whole
from tests.faults.with_faults import PREFIX
from tests.serving import ROOT, Served

# One of each in every run, the others where there is time.
MOMENTS = [pytest.param("before", marks=pytest.mark.slow), pytest.param("during", marks=pytest.mark.slow), "after"]
OLD, NEW = png(1), png(2)
SPOOLED = 600_000  # bytes beyond what stays in memory


class Asking:
    """A request in a thread of its own: its answer, or None when the connection ended without one."""

    def __init__(self, service: Served, content: bytes, *, key: str | None = None) -> None:
        self.answer: httpx2.Response | None = None
        self._service, self._content = service, content
        self._headers = {"Idempotency-Key": key} if key else {}
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _ask(self) -> None:
        with contextlib.suppress(httpx2.TransportError), talking(self._service) as client:
            self.answer = put_logo(client, self._content, headers=self._headers)


def state(pid: int) -> str:
    """R, S, T (stopped), Z, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until_stopped(service: Served) -> None:
    """The process has stopped itself."""
    deadline = time.monotonic() + 30
    while state(service.process.pid) != "T" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state(service.process.pid) == "T"


@pytest.mark.parametrize(
    "store", ["local", *[pytest.param(name, marks=pytest.mark.slow) for name in ("s3", "cloudinary")]]
)
@pytest.mark.parametrize("moment", MOMENTS)
def test_f17_a_process_dies_while_it_replaces_a_logo(
    request: pytest.FixtureRequest, place: Place, moment: str, store: str
) -> None:
    """Killed before, during and after the store's call: the next one shows the old logo, a sweep takes the rest."""
    place.settings |= environment_of(store, request)
    with place.client() as client:
        put_logo(client, OLD)
    with place.service(prefix=PREFIX, FAULTS=f"put:{moment}:kill") as service:
        with Asking(service, NEW) as asking:
            pass
        assert service.process.wait(30) == -signal.SIGKILL
    with place.client() as client:
        seen = logo(client)

    assert (asking.answer, seen) == (None, OLD)
    assert place.states() == ["pending", "ready"]
    assert place.settled() == whole(1)


@pytest.mark.parametrize(
    ("moment", "size"),
    [
        pytest.param("before", SPOOLED, id="before, spooled"),
        pytest.param("during", 0, id="during, small", marks=pytest.mark.slow),
        pytest.param("after", 0, id="after, small"),
        pytest.param("before", 0, id="before, small", marks=pytest.mark.slow),
        pytest.param("after", SPOOLED, id="after, spooled", marks=pytest.mark.slow),
    ],
)
def test_f21_a_process_that_was_stopped_for_longer_than_the_grace_does_no_harm(
    place: Place, moment: str, size: int
) -> None:
    """Others have swept its upload meanwhile: it says 503, deletes what it stored, and the old logo stays."""
    with place.client() as client:
        put_logo(client, OLD)
    with place.service(prefix=PREFIX, FAULTS=f"put:{moment}:stop") as service:
        with Asking(service, png(2, size=size)) as asking:
            until_stopped(service)
            place.expire()
            assert place.sweep().deleted == 1
            service.process.send_signal(signal.SIGCONT)
        with talking(service) as client:
            assert logo(client) == OLD
            assert put_logo(client, NEW).status_code == 200

    assert asking.answer is not None
    assert (asking.answer.status_code, asking.answer.json()["code"]) == (503, "superseded")
    assert place.settled() == whole(1)


@contextlib.contextmanager
def sweeping(place: Place, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`stowage sweep` in a process of its own, killed at the end if it still runs."""
    environment = {"PATH": os.environ["PATH"], **place.settings, **more}
    command = [sys.executable, "-m", "app", "sweep"]
    if "FAULTS" in more:
        command = [*PREFIX, *command]
    with (place.folder / "sweeps").open("ab") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("moment", MOMENTS)
def test_f21_a_sweeper_dies_in_the_middle(place: Place, moment: str) -> None:
    """What it had leased is leased again later; deleting twice is fine; nothing is lost."""
    with place.client() as client:
        for number in range(5):
            put_logo(client, png(number))
    with sweeping(place, FAULTS=f"delete:{moment}:kill") as sweeper:
        assert sweeper.wait(30) == -signal.SIGKILL

    assert place.states() == ["doomed"] * 4 + ["ready"]
    assert place.settled() == whole(1)


def test_f15_a_retry_overtakes_a_process_that_was_stopped(place: Place) -> None:
    """The same key at another replica: it takes over and answers; the first goes on and gives the same answer."""
    with (
        place.service(prefix=PREFIX, FAULTS="put:after:stop") as first,
        place.service() as second,
        talking(second) as client,
    ):
        with Asking(first, NEW, key="k") as asking:
            until_stopped(first)
            retried = put_logo(client, NEW, headers={"Idempotency-Key": "k"})
            newer = put_logo(client, OLD)
            first.process.send_signal(signal.SIGCONT)
        seen = logo(client)

    assert asking.answer is not None
    assert (asking.answer.status_code, retried.status_code, newer.status_code) == (201, 201, 200)
    assert asking.answer.json()["id"] == retried.json()["id"]
    assert seen == OLD
    assert place.settled() == whole(1)


def test_f21_a_process_goes_on_while_a_sweeper_is_half_way(place: Place) -> None:
    """The sweeper has deleted the bytes and died before the row: the upload is not made ready without its bytes."""
    with place.service(prefix=PREFIX, FAULTS="put:after:stop") as service:
        with Asking(service, NEW) as asking:
            until_stopped(service)
            place.expire()
            with sweeping(place, FAULTS="delete:after:kill") as sweeper:
                assert sweeper.wait(30) == -signal.SIGKILL
            service.process.send_signal(signal.SIGCONT)
        with talking(service) as client:
            assert client.get("/v1/assets").json()["items"] == []

    assert asking.answer is not None
    assert (asking.answer.status_code, asking.answer.json()["code"]) == (503, "superseded")
    assert place.settled() == whole(0)


@pytest.mark.slow
def test_f21_sweepers_die_at_random_while_uploads_run(place: Place) -> None:
    """30 are killed, three at a time, and sweep whatever is old enough for them: nothing that is acknowledged goes."""
    with place.service(SWEEP_GRACE="2") as service, talking(service) as client:
        kept = 0
        for number in range(10):
            with contextlib.ExitStack() as sweepers:
                for _ in range(3):
                    sweepers.enter_context(sweeping(place, SWEEP_GRACE="2"))
                over = time.monotonic() + 0.5 + number / 10
                while time.monotonic() < over:
                    kept += upload(client, png(kept, size=SPOOLED if kept % 7 == 0 else 0)).status_code == 201
                    put_logo(client, png(kept))
    place.sweep()

    assert place.settled() == whole(kept + 1)


def test_f12_a_service_that_ends_is_not_ready(place: Place) -> None:
    """A connection that was open before sees /readyz 503 while an upload still runs; that one is stored."""
    with place.service(prefix=PREFIX, FAULTS="put:during:stop") as service, talking(service) as probe:
        assert probe.get("/readyz").status_code == 200
        with Asking(service, NEW) as asking:
            until_stopped(service)
            service.process.send_signal(signal.SIGTERM)
            service.process.send_signal(signal.SIGCONT)
            ready = _last_words(probe)
        code = service.process.wait(30)

    assert ready in {None, 503}
    assert asking.answer is not None
    assert (asking.answer.status_code, code) == (201, 0)
    assert place.settled() == whole(1)


def _last_words(probe: httpx2.Client) -> int | None:
    """What /readyz says on a kept-alive connection; None when it is closed already."""
    try:
        return probe.get("/readyz").status_code
    except httpx2.TransportError:
        return None


@pytest.mark.slow
def test_f12_a_signal_in_the_middle_of_the_database(place: Place, server: Any) -> None:
    """Step 11 waits for a lock when SIGTERM comes: the outcome is told, whatever it is, and the exit code is 0."""
    import psycopg

    with place.service(SHUTDOWN_TIMEOUT="1") as service, talking(service) as client:
        put_logo(client, OLD)
        with Asking(service, NEW) as asking, psycopg.connect(place.settings["DATABASE_URL"]) as other:
            other.execute("SELECT 1 FROM slots FOR UPDATE")
            time.sleep(0.5)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(1.3)
            other.rollback()
        assert service.process.wait(30) == 0
    with place.client() as client:
        seen = logo(client)

    told = asking.answer is not None and asking.answer.status_code == 200
    assert seen == (NEW if told else OLD) or asking.answer is None
    assert place.settled() == whole(1)

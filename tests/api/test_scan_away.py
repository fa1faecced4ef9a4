"""A scanner that is away, slow or out of its mind: uploads are to be sent again, everything else goes on."""

import dataclasses
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from app.assets.scan import THREADS
from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import ScanSettings, Settings
from tests.api.refusals import keeps_nothing, nothing_kept, refused, rows
from tests.api.tokens import ACME
from tests.conftest import files_below, make_png
from tests.serving import served
from tests.standins.clamd_wire import FOUND, MARK, StandIn, Talk, answer, honest, saying

ASSETS, LOGO = "/v1/assets?kind=file", "/v1/companies/7/logo"
SPOOLED = bytes(600_000)  # more than is kept in memory
WELL = {"status": "ok"}
REFUSED = "The virus scanner cannot be reached: Connection refused."


class Gate:
    """A clamd that thinks until it is told to go on; honest then."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.thinking = threading.Semaphore(0)
        self.about = {b"zINSTREAM", b"zVERSION"}

    def __call__(self, talk: Talk) -> None:
        """Think, then answer."""
        if (command := talk.command()) in self.about:
            self.thinking.release()
            self.open.wait(20)
        answer(talk, command)


def one_piece(talk: Talk) -> None:
    """Takes no more than that."""
    talk.command()
    talk.piece()


@pytest.fixture
def url(stand_in: StandIn) -> str:
    """Where the service looks for its scanner."""
    return stand_in.url


@pytest.fixture
def services(settings: Settings, url: str) -> Services:
    """The real objects, with a scanner."""
    return build(dataclasses.replace(settings, scan=ScanSettings(clamd=url)))


@pytest.fixture
def gate(stand_in: StandIn, client: TestClient) -> Iterator[Gate]:
    """The scanner thinks from now on; at the end it goes on."""
    gate = stand_in.does = Gate()
    yield gate
    gate.open.set()


def upload(client: httpx2.Client, content: bytes = b"a", **headers: str) -> httpx2.Response:
    """Send a file."""
    return client.post(ASSETS, files={"file": ("a.bin", content)}, headers=headers)


def away(answer: httpx2.Response) -> str:
    """Assert that it is to be sent again; why."""
    body = refused(answer, 503, "scanner_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    return str(body["detail"])


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:1"])
@pytest.mark.parametrize("content", [b"a", SPOOLED], ids=["small", "spooled"])
def test_nobody_there_is_no_pass(client: TestClient, services: Services, content: bytes) -> None:
    """503 with Retry-After, and nothing is kept."""
    assert away(upload(client, content)) == REFUSED

    nothing_kept(services)


@pytest.mark.parametrize(
    "does",
    [saying(b""), saying(b"UNKNOWN COMMAND\0"), saying(b"stream: lstat() failed ERROR\0"), Talk.command, one_piece],
    ids=["closes", "nonsense", "error", "closes at once", "closes in between"],
)
@pytest.mark.parametrize("content", [b"a", SPOOLED], ids=["small", "spooled"])
def test_no_verdict_is_no_pass(
    client: TestClient, services: Services, stand_in: StandIn, content: bytes, does: Callable[[Talk], None]
) -> None:
    """Likewise; the next file is stored once it is well."""
    stand_in.does = does
    with keeps_nothing(services):
        away(upload(client, content))
    stand_in.does = honest

    assert upload(client, content).status_code == 201


def test_of_several_files_none_is_kept(client: TestClient, services: Services, stand_in: StandIn) -> None:
    """It goes away after the first one."""

    def does(talk: Talk) -> None:
        stand_in.does = saying(b"")
        honest(talk)

    stand_in.does = does
    away(client.post(ASSETS, files=[("file", ("a", SPOOLED)), ("file", ("b", b"b"))]))

    nothing_kept(services)


def test_what_is_there_is_served_and_deleted(client: TestClient, services: Services, stand_in: StandIn) -> None:
    """A slot keeps what it holds."""
    logo = client.put(LOGO, files={"logo": ("a.png", make_png())}).json()
    stand_in.does = saying(b"")
    with keeps_nothing(services):
        away(client.put(LOGO, files={"logo": ("b.png", make_png(noise=b"b"))}))

    assert client.get(logo["slot"]["permalink"]).content == make_png()
    assert client.patch(f"/v1/assets/{logo['id']}", json={"filename": "c.png"}).status_code == 200
    assert client.delete(LOGO).status_code == 204


def test_a_retry_with_its_key_is_stored_once(client: TestClient, stand_in: StandIn) -> None:
    """When it is back; and given again."""
    key = {"Idempotency-Key": "k"}
    stand_in.does = saying(b"")
    away(upload(client, **key))
    stand_in.does = honest
    answers = [upload(client, **key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(client.get("/v1/assets").json()["items"]) == 1


def test_one_that_thinks_holds_nobody_else(client: TestClient, gate: Gate) -> None:
    """All its threads wait. Meanwhile files are read and deleted, and those that wait are stored in the end."""
    gate.open.set()
    asset = upload(client, b"before").json()
    gate.open.clear()
    gate.about = {b"zINSTREAM"}
    with ThreadPoolExecutor(THREADS + 2) as senders:
        sent = [senders.submit(upload, client) for _ in range(THREADS + 2)]
        for _ in range(THREADS + 1):
            assert gate.thinking.acquire(timeout=10)
        began = time.monotonic()
        told = [client.get(f"/f/{asset['id']}/a"), client.get("/readyz"), client.delete(f"/v1/assets/{asset['id']}")]
        took, ended = time.monotonic() - began, [each for each in sent if each.done()]
        gate.open.set()

    assert [answer.status_code for answer in told] == [200, 200, 204]
    assert (took < 5, ended, told[1].json()["checks"]["scanner"]) == (True, [], WELL)
    assert [each.result().status_code for each in sent] == [201] * (THREADS + 2)


def test_there_is_no_row_before_it_has_spoken(client: TestClient, services: Services, gate: Gate) -> None:
    """A crash meanwhile leaves nothing to sweep but a spool file."""
    with ThreadPoolExecutor(1) as sender:
        sent = sender.submit(upload, client, SPOOLED)
        assert gate.thinking.acquire(timeout=10)
        before = rows(services), files_below(services)
        gate.open.set()

    assert (before, sent.result().status_code) == ((0, []), 201)


def test_readiness_tells_and_does_not_depend_on_it(client: TestClient, stand_in: StandIn, monkeypatch) -> None:
    """Files are served without it: a platform must not take the service away."""
    monkeypatch.setattr("app.assets.ready.CACHED", 0.0)
    well = client.get("/readyz")
    stand_in.does = saying(b"")
    ill = client.get("/readyz")

    assert (well.status_code, well.json()["status"], well.json()["checks"]["scanner"]) == (200, "ready", WELL)
    assert (ill.status_code, ill.json()["status"]) == (200, "ready")
    assert ill.json()["checks"]["scanner"] == {"status": "error", "reason": "The virus scanner gave no verdict."}


def test_readiness_is_quick_and_asks_one_at_a_time(
    client: TestClient, gate: Gate, stand_in: StandIn, monkeypatch
) -> None:
    """However long the scanner thinks."""
    monkeypatch.setattr("app.assets.ready.CACHED", 0.0)
    calls = stand_in.calls
    began = time.monotonic()
    answers = [client.get("/readyz") for _ in range(3)]

    assert time.monotonic() - began < 10
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].json()["checks"]["scanner"]["reason"] == "It did not answer within a second."
    assert stand_in.calls == calls + 1


def test_the_log_says_what_happened(client: TestClient, stand_in: StandIn, log: io.StringIO) -> None:
    """What was found, and what was not understood, also when the answer to the client says less."""
    upload(client, MARK)
    stand_in.does = saying(b"stream: /a-path: lstat() failed ERROR\0")
    upload(client)
    lines = {line["message"]: line for line in map(json.loads, log.getvalue().splitlines())}

    assert lines["scan.found"]["signature"] == FOUND
    assert lines["clamd.said"]["answer"] == "stream: /a-path: lstat() failed ERROR"
    assert lines["scan.failed"]["reason"] == "The virus scanner gave no verdict."


@pytest.mark.parametrize(("does", "event"), [(honest, "scanner.ready"), (saying(b""), "scanner.unavailable")])
def test_a_start_says_whether_it_is_there(
    services: Services, stand_in: StandIn, log: io.StringIO, does: Callable[[Talk], None], event: str
) -> None:
    """And starts, whether or not."""
    stand_in.does = does
    with TestClient(create_app(services)) as client:
        assert client.get("/healthz").status_code == 200

    assert event in [json.loads(line)["message"] for line in log.getvalue().splitlines()]


def test_a_stop_does_not_wait_for_it(tmp_path: Path, stand_in: StandIn) -> None:
    """Whoever is still there is told to come again; nothing is left."""
    own = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "acme:acme-key", "SWEEP_INTERVAL": "0"}
    with served({**own, "SHUTDOWN_TIMEOUT": "1", "CLAMD_URL": stand_in.url}, tmp_path / "log") as service:
        gate = stand_in.does = Gate()
        with httpx2.Client(base_url=service.url, headers=ACME, timeout=30) as client, ThreadPoolExecutor(1) as sender:
            sent = sender.submit(upload, client, SPOOLED)
            assert gate.thinking.acquire(timeout=10)
            began = time.monotonic()
            code = service.stop()
            took = time.monotonic() - began
            gate.open.set()

    refused(sent.result(), 503, "shutting_down")
    assert (code, took < 10) == (0, True)
    assert list((tmp_path / "data/files/.spool").iterdir()) == []

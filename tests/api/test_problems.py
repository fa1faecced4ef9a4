"""What every answer carries, what every request leaves in the log, and what happens when we crash."""

import io
import json
import re
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import part, post
from tests.api.refusals import keeps_nothing, refused
from tests.api.tokens import OTHER
from tests.api.wire import through
from tests.conftest import make_png

PNG = make_png()
HOSTILE = 'a"\r\n{"level": "error"}\n\x1b[31m\u2028\u0085\x00<script>😀.png'


def finished(log: io.StringIO) -> list[dict[str, Any]]:
    """The lines of finished requests; every line of the log is one JSON object."""
    lines = [json.loads(line) for line in log.getvalue().split("\n") if line]
    return [line for line in lines if line["message"] == "request.finished"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/v1", "/v1/", "/v1/assets/", "/f", "/%00", "/%F0%9F", "/../etc/passwd", "//v1/assets"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "BREW"])
def test_an_unknown_address_is_not_found(acme: TestClient, path: str, method: str) -> None:
    """404 as a problem, for every method."""
    refused(through(acme, method=method, path=path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/healthz"), ("DELETE", "/v1/assets"), ("POST", "/v1/assets/x"), ("TRACE", "/v1/assets")],
)
def test_another_method_is_not_allowed(acme: TestClient, method: str, path: str) -> None:
    """405; the sentence has the hint at https, which turns a POST into a GET."""
    answer = through(acme, method=method, path=path)

    assert "https://" in refused(answer, 405, "method_not_allowed")["detail"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/assets", {"GET", "POST"}),
        ("/v1/assets/x", {"GET", "PATCH", "DELETE"}),
        ("/v1/companies/7/logo", {"GET", "POST", "PUT", "DELETE"}),
        ("/f/a/b", {"GET", "HEAD"}),
    ],
)
def test_allow_names_every_method(acme: TestClient, path: str, allowed: set[str]) -> None:
    """RFC 9110, 15.5.6: those that the address takes, all of them."""
    answer = through(acme, method="BREW", path=path)

    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize("given", ["a", "req-1.2_3", "A" * 64, "0e8c9b9a-5d1c-4d8b-9d8e-000000000000"])
def test_a_sane_request_id_is_taken_over(acme: TestClient, given: str) -> None:
    """In the header and in the problem."""
    answer = acme.get("/nothing", headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == refused(answer, 404, "not_found")["request_id"] == given


@pytest.mark.parametrize(
    "given", [b"", b"A" * 65, b"a b", b"a\tb", b'"', b"<script>", b"\xff", b"a\x00b", b"../x", b"a,b", b"{}"]
)
def test_another_request_id_is_replaced(acme: TestClient, given: bytes) -> None:
    """By one of ours, a new one each time."""
    answers = [acme.get("/healthz", headers={"X-Request-ID": given}) for _ in range(2)]

    assert [bool(re.fullmatch("[0-9a-f]{32}-[0-9a-f]+", a.headers["x-request-id"])) for a in answers] == [True, True]
    assert answers[0].headers["x-request-id"] != answers[1].headers["x-request-id"]


def test_every_answer_forbids_sniffing(acme: TestClient) -> None:
    """Successes and refusals alike."""
    for path in ("/healthz", "/readyz", "/v1/assets", "/v1/assets/x", "/nothing", "/docs"):
        assert acme.get(path).headers["x-content-type-options"] == "nosniff", path


def test_a_request_is_one_line_in_the_log(log: io.StringIO, client: TestClient) -> None:
    """Who, what, which asset, how it ended, how long it took."""
    answer = client.post("/v1/assets?kind=logo", files={"file": ("a.png", PNG)})

    (line,) = finished(log)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["method"], line["path"], line["status"]) == ("POST", "/v1/assets", 201)
    assert (line["tenant"], line["asset"], line["kind"]) == ("acme", answer.json()["id"], "logo")
    assert (line["level"], 0 < line["ms"] < 60_000) == ("info", True)
    assert line["time"].endswith("Z")


def test_reading_changing_and_deleting_name_their_asset_too(log: io.StringIO, client: TestClient) -> None:
    """So that one id finds the whole life of a file."""
    logo = client.put("/v1/companies/7/logo", files={"logo": ("a.png", PNG)}).json()
    for method, path in (
        ("GET", f"/v1/assets/{logo['id']}"),
        ("PATCH", f"/v1/assets/{logo['id']}"),
        ("GET", "/v1/companies/7/logo"),
        ("GET", logo["permalink"].removeprefix("http://stowage.test")),
        ("DELETE", f"/v1/assets/{logo['id']}"),
    ):
        client.request(method, path, json={"filename": "b.png"} if method == "PATCH" else None)

    assert [line.get("asset") for line in finished(log)] == [logo["id"]] * 6


def test_a_refusal_says_its_code_in_the_log(log: io.StringIO, client: TestClient) -> None:
    """With the same request id."""
    answer = client.get("/v1/assets/x", headers=OTHER)

    (line,) = finished(log)
    assert (line["status"], line["code"], line["tenant"]) == (400, "invalid_id", "other")
    assert line["request_id"] == answer.json()["request_id"]


def test_platforms_that_ask_for_health_do_not_fill_the_log(log: io.StringIO, client: TestClient) -> None:
    """Their lines are at the level `debug`."""
    for path in ("/healthz", "/readyz", "/health", "/api/health"):
        client.get(path)

    assert [line["level"] for line in finished(log)] == ["debug"] * 4


def test_a_hostile_name_never_breaks_a_line(log: io.StringIO, client: TestClient) -> None:
    """Neither a file's, nor a field's, nor an address's: one request, one line, whatever splits it."""
    quoted = HOSTILE.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    post(client, part("file", PNG, quoted))
    post(client, part(quoted, PNG, quoted))
    client.get("/v1/assets/%0A%0D%1B%5B31m%E2%80%A8%C2%85%C2%9B31m")
    client.get("/v1/assets", params={"filename": HOSTILE})

    out = log.getvalue()
    assert len(finished(log)) == 4
    assert len(out.splitlines()) == len(out.strip("\n").split("\n"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out)


def test_no_secret_reaches_the_log(log: io.StringIO, client: TestClient) -> None:
    """Neither keys nor tokens, good or bad."""
    for headers in ({}, {"Authorization": "Bearer sesame-1"}, {"Authorization": "", "X-API-Key": "sesame-2"}):
        client.get("/v1/assets", headers=headers)

    out = log.getvalue()
    assert "acme-key" not in out
    assert "sesame" not in out


@pytest.fixture
def broken(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A service with a defect: its database functions can't be called."""
    monkeypatch.setattr(services.database, "read", None)
    return client


def test_a_crash_is_answered_without_a_word_about_it(broken: TestClient) -> None:
    """500 `internal_error`, with the request id that finds it in the log."""
    answer = broken.get(f"/v1/assets/{UUID(int=7)}", headers={"X-Request-ID": "crash-1"})

    refused(answer, 500, "internal_error")
    assert answer.headers["x-request-id"] == "crash-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search("NoneType|callable|service.py|Error:", answer.text)


def test_a_crash_is_told_in_the_log(log: io.StringIO, broken: TestClient) -> None:
    """One line with the traceback, and the request's own line with the status; both with the id."""
    broken.get(f"/v1/assets/{UUID(int=7)}", headers={"X-Request-ID": "crash-2"})

    crash, end = (json.loads(line) for line in log.getvalue().split("\n") if '"request.' in line)
    assert (crash["message"], crash["level"], end["status"]) == ("request.crashed", "error", 500)
    assert "TypeError" in crash["traceback"]
    assert crash["request_id"] == end["request_id"] == "crash-2"


def test_a_crash_while_an_upload_is_kept_leaves_no_spool(acme: TestClient, shared: Services, monkeypatch) -> None:
    """Memory and spool files are given back whatever goes wrong behind the door."""
    with keeps_nothing(shared), monkeypatch.context() as defect:
        defect.setattr(shared.database, "run", None)
        for content in (PNG, PNG + bytes(1_000_000)):
            refused(acme.post("/v1/assets?kind=logo", files={"file": ("a.png", content)}), 500, "internal_error")

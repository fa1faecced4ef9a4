"""Who asks and whom for: the Host header, and the client behind a proxy."""

import json
from pathlib import Path

import pytest

from tests.api.refusals import refused
from tests.api.running import running


@pytest.mark.parametrize(
    "host", ["files.test", "FILES.test:8443", "a.b.example.test", "healthcheck.railway.app", "[::1]:80"]
)
def test_a_host_of_ours_is_answered(tmp_path: Path, host: str) -> None:
    """Whatever the port and the case."""
    with running(tmp_path, allowed_hosts=("files.test", "*.example.test")) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.test", "files.test.evil.test", "example.test", "evilfiles.test", ""])
def test_another_host_is_refused(tmp_path: Path, host: str) -> None:
    """A name that only looks like one of ours, too: `*.example.test` is not `example.test`."""
    with running(tmp_path, allowed_hosts=("files.test", "*.example.test")) as client:
        refused(client.get("/v1/assets", headers={"Host": host}), 400, "host_not_allowed")


def test_any_host_is_answered_without_a_list(tmp_path: Path) -> None:
    """And with `*`."""
    with running(tmp_path) as client:
        assert client.get("/healthz", headers={"Host": "any.test"}).status_code == 200
    with running(tmp_path, allowed_hosts=("*",)) as client:
        assert client.get("/healthz", headers={"Host": "any.test"}).status_code == 200


def clients(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The `client` of each finished request in the log."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [line["client"] for line in lines if line["message"] == "request.finished"]


def test_the_client_is_who_the_proxy_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the one header that is believed; X-Forwarded-For never is."""
    from app import telemetry

    telemetry.configure(level="info", style="json")
    told = {"X-Real-IP": "203.0.113.9", "X-Forwarded-For": "198.51.100.1"}
    with running(tmp_path, client_ip_header="X-Real-IP") as client:
        client.get("/v1/assets", headers=told)
        client.get("/v1/assets", headers={"X-Forwarded-For": "198.51.100.1"})

    assert clients(capsys) == ["203.0.113.9", "testclient"]

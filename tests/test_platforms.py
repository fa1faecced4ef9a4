"""A real service in the environments that Railway and Render give it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.conftest import make_png
from tests.serving import ROOT, command, free_port, served

KEY = "3f7c1a90b2de4586aa17"
AUTH = {"Authorization": f"Bearer {KEY}"}
RAILWAY = {
    "RAILWAY_PROJECT_ID": "p",
    "RAILWAY_ENVIRONMENT_NAME": "production",
    "RAILWAY_PUBLIC_DOMAIN": "f.up.railway.app",
}
RENDER = {"RENDER": "true", "RENDER_EXTERNAL_URL": "https://f.onrender.com", "RENDER_CPU_COUNT": "0.5"}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """A service that may lose its files."""
    return {"DATA_DIR": str(folder / "data"), "API_KEYS": f"acme:{KEY}", "ALLOW_EPHEMERAL": "true", **more}


def children(pid: int) -> list[str]:
    """The processes that a process has started and that still run."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize("workers", ["", "0.5", "2", "many"])
def test_trap_web_concurrency_is_no_whole_number(tmp_path: Path, workers: str) -> None:
    """Render sets it, uvicorn would obey or crash; a sweeper and SQLite want one process."""
    own = environment(tmp_path, **RENDER, WEB_CONCURRENCY=workers, UVICORN_WORKERS="3")
    with served(own, tmp_path / "log") as service:
        assert children(service.process.pid) == []
        assert service.stop() == 0


def test_trap_the_health_check_of_railway_has_its_own_host(tmp_path: Path) -> None:
    """And waits for a 200, nothing else; strangers' hosts are refused meanwhile."""
    own = environment(tmp_path, **RAILWAY, ALLOWED_HOSTS="files.example.test")
    with served({**own, "HOST": "127.0.0.1"}, tmp_path / "log") as service:
        probe = httpx2.get(f"{service.url}/readyz", headers={"Host": "healthcheck.railway.app"})
        public = httpx2.get(f"{service.url}/healthz", headers={"Host": "f.up.railway.app"})
        stranger = httpx2.get(f"{service.url}/healthz", headers={"Host": "evil.test"})

    assert [answer.status_code for answer in (probe, public, stranger)] == [200, 200, 400]


@pytest.mark.parametrize(
    ("platform", "base"), [(RAILWAY, "https://f.up.railway.app/"), (RENDER, "https://f.onrender.com/")]
)
def test_trap_addresses_are_https_behind_a_proxy_that_speaks_http(
    tmp_path: Path, platform: dict[str, str], base: str
) -> None:
    """Whatever the Host header and the forwarded scheme say, or don't."""
    with served(environment(tmp_path, **platform), tmp_path / "log") as service:
        files = {"logo": ("a.png", make_png())}
        address = f"{service.url}/api/companies/my-company/logo"
        answer = httpx2.post(address, headers={**AUTH, "X-Forwarded-Host": "evil.test"}, files=files)

    assert answer.headers["Location"].startswith(base)
    assert all(answer.json()[name].startswith(base) for name in ("url", "permalink", "logo_url"))


def test_trap_a_post_that_was_turned_into_a_get_is_told_why(tmp_path: Path) -> None:
    """Railway redirects http:// to https:// and the method is lost on the way."""
    with served(environment(tmp_path, **RAILWAY), tmp_path / "log") as service:
        answer = httpx2.get(f"{service.url}/v1/slots/users/7/avatar/", headers=AUTH, follow_redirects=False)
        lost = httpx2.put(f"{service.url}/v1/assets", headers=AUTH)

    assert answer.status_code == 404  # no redirect that begins with http://
    assert (lost.status_code, "https://" in lost.json()["detail"]) == (405, True)


def test_trap_what_goes_to_stderr_is_an_error_on_railway(tmp_path: Path) -> None:
    """Every line is JSON with `message` and `level`, on stdout."""
    own = environment(tmp_path, **RAILWAY, PORT=str(free_port()))
    command = [sys.executable, "-m", "app", "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        first = process.stdout.readline()
        process.terminate()
        rest, errors = process.communicate(timeout=30)

    assert errors == b""
    assert all({"message", "level"} <= json.loads(line).keys() for line in (first + rest).splitlines())


def test_trap_a_pre_deploy_command_has_no_volume(postgres_url: str) -> None:
    """`stowage migrate` refuses nothing for that: the database is elsewhere."""
    own = {**RAILWAY, "DATABASE_URL": postgres_url, "RAILWAY_VOLUME_MOUNT_PATH": "/not/mounted"}

    assert command("migrate", settings=own).returncode == 0


def test_trap_a_pre_deploy_command_that_migrates_a_throw_away_file(tmp_path: Path) -> None:
    """Without DATABASE_URL the deploy must stop there, not pass for nothing."""
    done = command("migrate", settings={**RAILWAY, "DATA_DIR": str(tmp_path)})

    assert (done.returncode, "DATABASE_URL" in done.stderr) == (78, True)


def test_trap_a_platform_that_starts_uvicorn_itself(tmp_path: Path) -> None:
    """`uvicorn app.main:create_app --factory`: the same refusals, in one line."""
    own = {"PATH": os.environ["PATH"], **RAILWAY, "DATA_DIR": str(tmp_path)}
    start = [sys.executable, "-m", "uvicorn", "app.main:create_app", "--factory", "--port", str(free_port())]
    done = subprocess.run(start, cwd=ROOT, env=own, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 78
    assert [line for line in done.stderr.splitlines() if "stowage" in line] == done.stderr.splitlines()
    assert "API_KEYS" in done.stderr

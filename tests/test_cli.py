"""The command line, run as a user runs it."""

import json
import re
from pathlib import Path

import httpx2

from tests.serving import command, served


def test_without_any_variable_it_serves_and_says_how_to_try_it(tmp_path: Path) -> None:
    """The banner's line uploads the example logo; the key is the same at the next start."""
    settings = {"DATA_DIR": str(tmp_path / "data")}
    with served(settings, tmp_path / "first") as service:
        banner = (tmp_path / "first").read_text()
        logo, key = _pasted(banner)
        answer = httpx2.post(
            f"{service.url}/api/companies/my-company/logo",
            headers={"Authorization": f"Bearer {key}"},
            files={"logo": ("logo.png", logo.read_bytes())},
        )

        assert answer.status_code == 201
        assert httpx2.get(answer.json()["permalink"]).content == logo.read_bytes()
        assert answer.json()["public_id"].startswith("company_logos/company_default/")
    with served(settings, tmp_path / "second"):
        assert _pasted((tmp_path / "second").read_text())[1] == key


def test_the_development_key_is_for_this_user_alone(tmp_path: Path) -> None:
    """Nobody else on the machine may read it."""
    settings = {"DATA_DIR": str(tmp_path / "data")}
    with served(settings, tmp_path / "log"):
        assert (tmp_path / "data" / "development-key").stat().st_mode & 0o077 == 0


def test_logs_are_json_lines(tmp_path: Path) -> None:
    """With keys of one's own there is no banner: every line on stdout is one JSON object, uvicorn's too."""
    settings = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "a:b"}
    with served(settings, tmp_path / "log") as service:
        httpx2.get(f"{service.url}/v1/assets", headers={"X-API-Key": "b"})
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]

    finished = [line for line in lines if line["message"] == "request.finished"]
    assert {"time", "level", "request_id", "tenant", "method", "path", "status", "ms"} <= finished[0].keys()
    assert any("Uvicorn running" in line["message"] for line in lines)


def test_a_short_secret_is_refused_in_one_line(tmp_path: Path) -> None:
    """Exit code 78, one line on stderr that names the variable."""
    done = command("serve", settings={"DATA_DIR": str(tmp_path), "JWT_SECRET": "short"})

    assert done.returncode == 78
    assert re.fullmatch(r"stowage: JWT_SECRET: .*32 characters.*\n", done.stderr)


def test_production_without_callers_is_refused(tmp_path: Path) -> None:
    """A service that nobody could call does not start."""
    done = command("serve", settings={"DATA_DIR": str(tmp_path), "APP_ENV": "production"})

    assert done.returncode == 78
    assert "API_KEYS" in done.stderr


def test_an_unknown_database_is_refused_in_one_line(tmp_path: Path) -> None:
    """The sentence says what can be used."""
    done = command("migrate", settings={"DATA_DIR": str(tmp_path), "DATABASE_URL": "mysql://a/b"})

    assert done.returncode == 78
    assert "postgresql://" in done.stderr


def test_migrate_can_be_repeated(tmp_path: Path) -> None:
    """The second time there is nothing to do."""
    settings = {"DATA_DIR": str(tmp_path)}

    assert [command("migrate", settings=settings).returncode for _ in range(2)] == [0, 0]


def _pasted(banner: str) -> tuple[Path, str]:
    """The file and the key in the banner's curl line."""
    found = re.search(r"curl -F logo=@(\S+) -H 'Authorization: Bearer (\S+)'", banner)
    assert found, banner
    return Path(found[1]), found[2]

"""Our own addresses in answers: made of the setting, never of what a caller claims in production."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.api.running import running
from tests.conftest import make_png

CLAIMS = {"Host": "evil.test", "X-Forwarded-Host": "worse.test", "X-Forwarded-Proto": "ftp", "Forwarded": "host=a"}


def addresses(client: TestClient) -> list[str]:
    """Every address in the answers to an upload and to a page."""
    logo = client.put("/v1/companies/7/logo", files={"logo": ("a.png", make_png())}, headers=CLAIMS)
    client.put("/v1/companies/8/logo", files={"logo": ("a.png", make_png())}, headers=CLAIMS)
    page = client.get("/v1/assets?limit=1", headers=CLAIMS)
    shown: dict[str, Any] = logo.json()
    named = [shown[name] for name in ("url", "permalink", "logo_url")]
    return [*named, shown["slot"]["permalink"], logo.headers["location"], page.headers["link"].removeprefix("<")]


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://files.example.com", "https://files.example.com/"),
        ("https://files.example.com/", "https://files.example.com/"),
        ("http://localhost:9000/stowage/", "http://localhost:9000/stowage/"),
        ("stowage.up.railway.app", "https://stowage.up.railway.app/"),
    ],
)
def test_the_setting_decides(tmp_path: Path, given: str, base: str) -> None:
    """With or without a scheme, a path or a slash at its end; headers don't matter."""
    with running(tmp_path, public_base_url=given) as client:
        found = addresses(client)

    assert [address for address in found if not address.startswith((f"{base}f/", f"{base}v1/"))] == []


def test_without_it_production_never_believes_a_header(tmp_path: Path) -> None:
    """An address that leads nowhere is better than one that leads to somebody else."""
    with running(tmp_path, public_base_url=None, environment="production") as client:
        found = addresses(client)

    assert "evil" not in str(found)
    assert "worse" not in str(found)


def test_without_it_development_takes_the_host(tmp_path: Path) -> None:
    """The address that the developer has typed, and nothing that a proxy says."""
    with running(tmp_path, public_base_url=None, environment="development") as client:
        found = addresses(client)

    assert [address for address in found if not address.startswith("http://evil.test/")] == []


def test_an_address_in_an_answer_can_be_called(tmp_path: Path) -> None:
    """As it stands."""
    with running(tmp_path, public_base_url=None, environment="development") as client:
        stored = client.post("/v1/assets", files={"file": ("ü 1.png", make_png())})

        assert client.get(stored.headers["location"]).json() == stored.json()
        assert client.get(stored.json()["permalink"]).content == make_png()

"""Another disk in the place of the one that the files were put on."""

import json
import shutil
from pathlib import Path

import httpx2
import pytest

from tests.conftest import make_png
from tests.serving import command, served
from tests.test_life_stores import KEY, LOGO, get, put_logo


@pytest.fixture
def environment(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """Rows in Postgres, files in a folder: the folder can go alone."""
    return {
        "DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": postgres_url,
        "API_KEYS": "42:life-key",
        "SWEEP_INTERVAL": "0",
    }


def wipe(environment: dict[str, str]) -> None:
    """What a deploy does to a disk that is none."""
    shutil.rmtree(environment["DATA_DIR"])


def ready(url: str) -> httpx2.Response:
    """The readiness probe."""
    return httpx2.get(f"{url}/readyz", timeout=10)


def test_the_same_disk_is_no_news(environment: dict[str, str], tmp_path: Path) -> None:
    """Start after start."""
    for _ in range(2):
        with served(environment, tmp_path / "log") as service:
            put_logo(service, b"one")
    assert "store.other_disk" not in (tmp_path / "log").read_text()


def test_a_wiped_disk_is_noticed_and_nothing_is_written(environment: dict[str, str], tmp_path: Path) -> None:
    """Not ready, with the reason; uploads and reads are 503, never a silent 404; a sweep keeps the rows."""
    with served(environment, tmp_path / "log") as service:
        logo = put_logo(service, b"one")
        assert httpx2.delete(service.url + LOGO, headers=KEY).status_code == 204
        logo = put_logo(service, b"two")
    wipe(environment)
    with served(environment, tmp_path / "log", ready=503) as service:
        checks = ready(service.url).json()["checks"]
        put = httpx2.post(service.url + LOGO, headers=KEY, files={"logo": ("a.png", make_png())})
        shown = get(service, logo["permalink"])
        swept = command("sweep", settings=environment)
        checked = command("check", "--json", "--repair", settings=environment)

    assert "stowage adopt" in checks["storage"]["reason"]
    assert (put.status_code, put.json()["code"]) == (503, "storage_unavailable")
    assert (shown.status_code, shown.json()["code"]) == (503, "storage_unavailable")
    assert json.loads(swept.stdout)["deleted"] == 0
    assert json.loads(checked.stdout)["errors"]
    assert list((tmp_path / "data/files").rglob("*.png")) == []
    assert "store.other_disk" in (tmp_path / "log").read_text()


def test_the_right_disk_again_is_well_again(environment: dict[str, str], tmp_path: Path) -> None:
    """A volume that was not mounted is; nothing was lost meanwhile."""
    with served(environment, tmp_path / "log") as service:
        logo = put_logo(service, b"one")
    shutil.move(environment["DATA_DIR"], tmp_path / "elsewhere")
    with served(environment, tmp_path / "log", ready=503):
        pass
    wipe(environment)
    shutil.move(tmp_path / "elsewhere", environment["DATA_DIR"])
    with served(environment, tmp_path / "log") as service:
        assert get(service, logo["permalink"]).content == make_png(noise=b"one")


def test_whoever_has_lost_the_files_goes_on(environment: dict[str, str], tmp_path: Path) -> None:
    """`stowage adopt`: the new disk is the right one from now on."""
    with served(environment, tmp_path / "log") as service:
        put_logo(service, b"one")
    wipe(environment)
    first, second = command("adopt", settings=environment), command("adopt", settings=environment)
    with served(environment, tmp_path / "log") as service:
        assert put_logo(service, b"two")["store"] == "local"
    assert (first.stdout, second.stdout) == ("Adopted: local.\n", "Every store is the one that it was.\n")


def test_whoever_accepts_the_loss_is_not_asked(environment: dict[str, str], tmp_path: Path) -> None:
    """ALLOW_EPHEMERAL: every deploy has a new disk; one line in the log says so."""
    with served(environment, tmp_path / "log") as service:
        put_logo(service, b"one")
    wipe(environment)
    with served({**environment, "ALLOW_EPHEMERAL": "true"}, tmp_path / "log") as service:
        assert put_logo(service, b"two")["store"] == "local"
    assert "store.wiped" in (tmp_path / "log").read_text()

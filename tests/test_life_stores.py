"""The life of files in every store: the seed's call, replacement, deletion, a kill, a change of store."""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from app.settings import Settings
from app.storage import registry
from tests.clouds import environment_of
from tests.conftest import PDF, make_png
from tests.serving import Served, command, served

KEY = {"Authorization": "Bearer life-key"}
LOGO = "/api/companies/my-company/logo"
LARGE = random.Random(4).randbytes(9_000_001)  # two chunks for one store, one call for the others


@pytest.fixture(params=["local", "s3", "cloudinary"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """A service with an empty database and an empty store of each kind; its own tenant is `42`."""
    own = {
        "DATA_DIR": str(tmp_path / "data"),
        "API_KEYS": "42:life-key",
        "SWEEP_INTERVAL": "0",
        "API_URL": "https://f.test",
    }
    return {**own, **environment_of(request.param, request)}


@pytest.fixture
def stored(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The keys that lie in the store now, as the store itself lists them."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    return lambda: sorted(info.key for info in registry.make(settings.store, settings).list())


def put_logo(service: Served, noise: bytes) -> dict[str, str]:
    """The call of the form that teams have today: `curl -F logo=@logo.png -H 'Authorization: Bearer …'`."""
    files = {"logo": ("logo été.png", make_png(noise=noise), "image/png")}
    answer = httpx2.post(service.url + LOGO, headers=KEY, files=files, timeout=30)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def get(service: Served, address: str, **headers: str) -> httpx2.Response:
    """What lies at one of our own addresses."""
    return httpx2.get(service.url + urlsplit(address).path, headers=headers, timeout=30)


def test_the_seeds_call_works_on_every_store(
    environment: dict[str, str], stored: Callable[[], list[str]], tmp_path: Path
) -> None:
    """`logo_url` is the store's address where it has one; the object lies where the guides expect it."""
    with served(environment, tmp_path / "log") as service:
        answer = put_logo(service, b"one")
        shown = get(service, answer["permalink"])

        delivered = answer["store"] == "cloudinary"
        assert answer["logo_url"].startswith("https://res.cloudinary.com/" if delivered else "https://f.test/f/")
        assert stored() == [answer["public_id"]]
        assert re.fullmatch(r"42/company_logos/company_42/[0-9a-f-]{36}\.png", answer["public_id"])
        assert shown.content == make_png(noise=b"one")
        assert shown.headers["Content-Disposition"].startswith("inline; filename=")


def test_replaced_and_deleted_logos_leave_the_store(
    environment: dict[str, str], stored: Callable[[], list[str]], tmp_path: Path
) -> None:
    """After a sweep the store has the present logo alone, and none when it is deleted."""
    with served(environment, tmp_path / "log") as service:
        before = [put_logo(service, noise) for noise in (b"one", b"two", b"three")]
        first = command("sweep", settings=environment)
        kept, bytes_of_slot = stored(), get(service, before[2]["slot"]["permalink"]).content
        assert httpx2.delete(service.url + LOGO, headers=KEY).status_code == 204
        second = command("sweep", settings=environment)

    assert (kept, bytes_of_slot) == ([before[2]["public_id"]], make_png(noise=b"three"))
    assert [json.loads(done.stdout)["deleted"] for done in (first, second)] == [2, 1], first.stderr + second.stderr
    assert stored() == []


def test_a_private_document_is_read_by_its_own_tenant_alone(environment: dict[str, str], tmp_path: Path) -> None:
    """Whole and in part, at our address: the store's own would be open to all, or to nobody."""
    with served(environment, tmp_path / "log") as service:
        content = PDF + LARGE
        answer = httpx2.post(
            f"{service.url}/v1/assets", headers=KEY, files={"file": ("a.pdf", content)}, timeout=60
        ).json()

        assert answer["url"].startswith("https://f.test/f/"), answer
        assert get(service, answer["url"], **KEY).content == content
        part = get(service, answer["url"], Range="bytes=6000000-6000999", **KEY)
        assert (part.status_code, part.content) == (206, content[6_000_000:6_001_000])
        assert get(service, answer["url"]).status_code == 404


def test_what_was_acknowledged_survives_a_kill_in_every_store(environment: dict[str, str], tmp_path: Path) -> None:
    """The same bytes at the same address."""
    with served(environment, tmp_path / "log") as first:
        answer = put_logo(first, b"kept")
        first.kill()
    with served(environment, tmp_path / "log") as second:
        assert get(second, answer["permalink"]).content == make_png(noise=b"kept")


def test_no_secret_reaches_the_log(environment: dict[str, str], tmp_path: Path) -> None:
    """Not at debug level either, where SDKs tell a lot."""
    with served({**environment, "LOG_LEVEL": "debug"}, tmp_path / "log") as service:
        put_logo(service, b"one")
        get(service, put_logo(service, b"two")["permalink"])
    log = (tmp_path / "log").read_text()

    secrets = [value for name, value in environment.items() if "SECRET" in name or "KEY" in name]
    secrets += re.findall(r"cloudinary://\d+:([^@]+)@", environment.get("CLOUDINARY_URL", ""))
    assert "request.finished" in log
    assert [secret for secret in secrets if secret.rpartition(":")[2] in log] == []
    assert "signature=" not in log.lower()


def test_older_files_are_served_replaced_and_deleted_where_they_lie(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """STORAGE_BACKEND goes from the disk to S3 to Cloudinary; each row knows its store."""
    own = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key", "SWEEP_INTERVAL": "0"}
    clouds = {**environment_of("s3", request), **environment_of("cloudinary", request)}
    answers = []
    for store in ("local", "s3", "cloudinary"):
        with served({**own, **clouds, "STORAGE_BACKEND": store}, tmp_path / "log") as service:
            photo = {"file": ("a.png", make_png(noise=store.encode()))}
            answers.append(httpx2.post(f"{service.url}/v1/assets?kind=photo", headers=KEY, files=photo).json())
            put_logo(service, store.encode())

            assert [answer["store"] for answer in answers][-1] == store
            for answer in answers:
                assert get(service, answer["permalink"]).content == make_png(noise=answer["store"].encode())
    with served({**own, **clouds, "STORAGE_BACKEND": "local"}, tmp_path / "log") as service:
        for answer in answers:
            assert httpx2.delete(f"{service.url}/v1/assets/{answer['id']}", headers=KEY).status_code == 204
        logo = put_logo(service, b"last")
        swept = json.loads(command("sweep", settings={**own, **clouds, "STORAGE_BACKEND": "local"}).stdout)

    assert (swept["deleted"], swept["failed"]) == (6, 0)
    assert [p.name for p in (tmp_path / "data/files").rglob("*.png")] == [logo["public_id"].rpartition("/")[2]]
    assert request.getfixturevalue("cloud").assets == {}


@pytest.mark.slow
def test_a_large_upload_needs_little_memory(
    environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """300 MB into each store, and the process stays below 160 MB."""
    if environment.get("STORAGE_BACKEND") == "cloudinary":
        request.getfixturevalue("cloud").account.raw_limit = 1 << 30
    block = random.Random(5).randbytes(1 << 20)
    head = b"--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
    body = (head, *[block] * 300, b"\r\n--b--\r\n")
    headers = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}
    with served({**environment, "FILE_MAX_MB": "400"}, tmp_path / "log") as service:
        url = f"{service.url}/v1/assets?kind=file"
        answer = httpx2.post(url, headers=headers, content=iter(body), timeout=300)
        status = Path(f"/proc/{service.process.pid}/status").read_text()

    assert (answer.status_code, answer.json()["size"]) == (201, 300 << 20)
    assert int(re.search(r"VmHWM:\s+(\d+)", status)[1]) < 160 * 1024  # kB

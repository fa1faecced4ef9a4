"""Rows compared with stores: what differs is found, what agrees is not, and nothing that a row knows is removed."""

import io
import json
import uuid
from pathlib import Path

import httpx2
import pytest

from app.bootstrap import build
from app.settings import Settings
from app.storage.backend import Backend
from tests.clouds import environment_of
from tests.conftest import make_png
from tests.serving import Served, command, served
from tests.storage.backends import sha256
from tests.test_life_stores import KEY, put_logo

STRAY = "photo/01a1fe46-6c38-7226-99df-e72aefb3b6b7.png"


@pytest.fixture(params=["local", "s3", "cloudinary"])
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """A service with an empty database and an empty store of each kind."""
    own = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key", "SWEEP_INTERVAL": "0"}
    return {**own, **environment_of(request.param, request)}


@pytest.fixture
def backend(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Backend:
    """The store itself, behind the service's back."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    services = build(Settings())
    services.database.close()
    return services.stores.default.backend


def photo(service: Served, noise: bytes) -> dict[str, str]:
    """A stored photo."""
    files = {"file": ("a.png", make_png(noise=noise))}
    return httpx2.post(f"{service.url}/v1/assets?kind=photo", headers=KEY, files=files, timeout=30).json()


def check(environment: dict[str, str], *options: str) -> tuple[int, dict[str, object]]:
    """Exit code and answer of `stowage check --json`."""
    done = command("check", "--json", *options, settings=environment)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def put(backend: Backend, key: str, data: bytes) -> None:
    """An object that no row knows, or other bytes for one."""
    backend.put(key, io.BytesIO(data), content_type="application/octet-stream", size=len(data), sha256=sha256(data))


def test_what_agrees_is_no_finding(environment: dict[str, str], tmp_path: Path) -> None:
    """Ready rows and their bytes; doomed ones, whose bytes are still there; nothing at all."""
    with served(environment, tmp_path / "log") as service:
        put_logo(service, b"one")
        put_logo(service, b"two")
        photo(service, b"three")
        code, found = check(environment, "--deep")

    assert (code, found["findings"], found["errors"]) == (0, [], [])
    assert (found["rows"], found["objects"]) == (2, 3)


def test_every_difference_is_found(environment: dict[str, str], backend: Backend, tmp_path: Path) -> None:
    """A row without bytes, bytes without a row, another size, and with --deep other bytes of the same size."""
    with served(environment, tmp_path / "log") as service:
        missing, size, hashed, fine = (photo(service, bytes([n])) for n in range(4))
        backend.delete(missing["public_id"])
        for other, data in ((size, b"x"), (hashed, b"y" * int(hashed["size"]))):
            backend.delete(other["public_id"])
            put(backend, other["public_id"], data)
        put(backend, STRAY, b"stray")
        put(backend, "somebody-elses/file.txt", b"foreign")
        shallow, deep = check(environment), check(environment, "--deep")

    expected = {("missing", missing["id"]), ("size", size["id"]), ("orphan", None)}
    if environment.get("STORAGE_BACKEND") != "cloudinary":  # the row there says where the first bytes were
        assert {(f["finding"], f["id"]) for f in deep[1]["findings"]} == {*expected, ("hash", hashed["id"])}
    assert {(f["finding"], f["id"]) for f in shallow[1]["findings"]} == expected
    assert (shallow[0], deep[0], shallow[1]["foreign"]) == (1, 1, 1)
    assert fine["id"] not in str(deep)


def test_repair_removes_orphans_and_nothing_else(environment: dict[str, str], backend: Backend, tmp_path: Path) -> None:
    """What no row knows; a row without bytes stays: it is the only trace of the file."""
    with served(environment, tmp_path / "log") as service:
        kept = photo(service, b"kept")
        lost = [photo(service, bytes([n])) for n in range(1)]
        backend.delete(lost[0]["public_id"])
        put(backend, STRAY, b"stray")
        put(backend, "somebody-elses/file.txt", b"foreign")
        shown, repaired, again = check(environment), check(environment, "--repair"), check(environment)

        assert [f["finding"] for f in again[1]["findings"]] == ["missing"]
        assert (shown[1]["removed"], repaired[1]["removed"], repaired[0]) == (0, 1, 1)
        assert httpx2.get(f"{service.url}/f/{kept['id']}/a").content == make_png(noise=b"kept")
    assert {info.key for info in backend.list()} == {kept["public_id"], "somebody-elses/file.txt"}


def test_quarantine_moves_orphans_into_a_folder(environment: dict[str, str], backend: Backend, tmp_path: Path) -> None:
    """From any store, whole."""
    with served(environment, tmp_path / "log") as service:
        kept = photo(service, b"kept")
        put(backend, STRAY, b"stray")
        code, found = check(environment, "--quarantine", str(tmp_path / "lost"))
        again = check(environment)

    assert (code, found["removed"], again[0], again[1]["findings"]) == (0, 1, 0, [])
    assert (tmp_path / "lost" / kept["store"] / STRAY).read_bytes() == b"stray"
    assert [info.key for info in backend.list()] == [kept["public_id"]]


def test_repair_refuses_what_looks_like_the_wrong_store(
    environment: dict[str, str], backend: Backend, tmp_path: Path
) -> None:
    """Most rows without bytes, or more orphans than the limit: a mistake of settings must not delete files."""
    with served(environment, tmp_path / "log") as service:
        for n in range(3):
            backend.delete(photo(service, bytes([n]))["public_id"])
    for _ in range(3):
        put(backend, f"photo/{str(uuid.uuid4())[:14]}7{str(uuid.uuid4())[15:]}.png", b"stray")
    wrong = check(environment, "--repair")
    restored = {**environment, "DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}
    assert command("migrate", settings=restored).returncode == 0
    many = check(restored, "--repair", "--limit", "2")

    assert (wrong[1]["removed"], many[1]["removed"]) == (0, 0), (wrong, many)
    assert "wrong store" in wrong[1]["refusal"]
    assert "--limit" in many[1]["refusal"]
    assert len(list(backend.list())) == 3


def test_a_store_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """It is said, and nothing is removed."""
    environment = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key", "SWEEP_INTERVAL": "0"}
    with served(environment, tmp_path / "log") as service:
        put_logo(service, b"one")
    away = {"STORAGE_BACKEND": "s3", "S3_BUCKET": "bucket", "S3_REGION": "r", "S3_ENDPOINT_URL": "http://127.0.0.1:9"}
    code, found = check({**environment, **away, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, "--repair")

    assert code == 1
    assert [error.partition(":")[0] for error in found["errors"]] == ["s3"]
    assert (found["rows"], found["findings"]) == (1, [])


def test_people_get_a_table(tmp_path: Path) -> None:
    """A line for each finding, then the totals."""
    environment = {"DATA_DIR": str(tmp_path / "data"), "API_KEYS": "42:life-key", "SWEEP_INTERVAL": "0"}
    with served(environment, tmp_path / "log") as service:
        logo = put_logo(service, b"one")
    (tmp_path / "data/files" / logo["public_id"]).unlink()
    done = command("check", settings=environment)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"missing  local       {logo['public_id']}  {logo['id']}",
        "1 rows, 0 objects, 0 of them not ours, 0 removed",
    ]

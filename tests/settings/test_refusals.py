"""What the service refuses to start with: on Railway and Render a deploy wipes the disk, and strangers knock."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from app.settings import AuthSettings, Settings
from app.settings.refusals import check
from tests.serving import command

GOOD = {"API_KEYS": "acme:3f7c1a90b2de4586aa17", "DATABASE_URL": "postgresql://u:p@db/stowage"}
BUCKET = {"STORAGE_BACKEND": "s3", "S3_BUCKET": "bucket", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
PLATFORMS = {"Railway": {"RAILWAY_PROJECT_ID": "p"}, "Render": {"RENDER": "true"}}
MOUNTS = """\
22 1 0:20 / / rw,relatime - overlay overlay rw
23 22 0:21 / /proc rw - proc proc rw
24 22 8:16 / /volume rw - ext4 /dev/sdb rw
25 22 0:30 / /memory rw - tmpfs tmpfs rw
26 22 8:32 / /var/with\\040space rw shared:1 master:2 - xfs /dev/sdc rw
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    """What a container on a platform sees: a disk at /volume, memory at /memory, the rest its own layers."""
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS)
    return path


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables by which each platform is known."""
    return PLATFORMS[request.param]


def refusal(monkeypatch: pytest.MonkeyPatch, mounts: Path, *environments: Mapping[str, str]) -> str | None:
    """Why the service would not start in an environment, if it wouldn't."""
    for environment in environments:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
    try:
        check(Settings(), mounts=mounts)
    except ValueError as no:
        return str(no)
    return None


def test_postgres_and_a_volume_are_fine(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str]
) -> None:
    """Rows and files outlive a deploy."""
    assert refusal(monkeypatch, mounts, platform, GOOD, {"DATA_DIR": "/volume/data"}) is None


def test_sqlite_and_files_on_a_volume_are_fine(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str]
) -> None:
    """SQLite is refused for where it lies, not for what it is."""
    keys = {"API_KEYS": GOOD["API_KEYS"]}

    assert refusal(monkeypatch, mounts, platform, keys, {"DATA_DIR": "/volume"}) is None


def test_postgres_and_a_cloud_need_no_volume(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str]
) -> None:
    """Nothing is kept on the disk."""
    assert refusal(monkeypatch, mounts, platform, GOOD, BUCKET) is None


def test_trap_sqlite_on_the_disk_of_a_platform_is_wiped(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str]
) -> None:
    """A Postgres that was added but not referenced gives no DATABASE_URL: rows would go at the next deploy."""
    said = refusal(monkeypatch, mounts, platform, BUCKET, {"API_KEYS": GOOD["API_KEYS"]})

    assert said
    assert "DATABASE_URL" in said


@pytest.mark.parametrize("folder", ["data", "/app/uploads", "/memory/files", "/proc/files", "/volumes"])
def test_trap_files_on_the_disk_of_a_platform_are_wiped(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str], folder: str
) -> None:
    """A folder of the container, and one in memory; `/volumes` is not `/volume`."""
    said = refusal(monkeypatch, mounts, platform, GOOD, {"DATA_DIR": folder})

    assert said
    assert folder in said
    assert "STORAGE_BACKEND" in said


def test_trap_a_volume_path_that_is_not_a_mount(monkeypatch: pytest.MonkeyPatch, mounts: Path) -> None:
    """Volumes are mounted when a container starts: a variable alone keeps nothing."""
    volume = {"RAILWAY_VOLUME_MOUNT_PATH": "/app/uploads"}
    said = refusal(monkeypatch, mounts, PLATFORMS["Railway"], GOOD, BUCKET, volume)

    assert said
    assert "RAILWAY_VOLUME_MOUNT_PATH" in said


def test_the_volume_of_railway_is_used_without_a_setting(monkeypatch: pytest.MonkeyPatch, mounts: Path) -> None:
    """Its variable is the data folder."""
    assert refusal(monkeypatch, mounts, PLATFORMS["Railway"], GOOD, {"RAILWAY_VOLUME_MOUNT_PATH": "/volume"}) is None
    assert Settings().storage.files == Path("/volume/files")


def test_the_store_in_memory_loses_everything(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str]
) -> None:
    """It is for trials."""
    said = refusal(monkeypatch, mounts, platform, GOOD, {"STORAGE_BACKEND": "memory"})

    assert said
    assert "STORAGE_BACKEND=memory" in said


@pytest.mark.parametrize("loss", [{}, {"DATA_DIR": "/memory"}, {"STORAGE_BACKEND": "memory"}])
def test_whoever_accepts_the_loss_may_start(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str], loss: dict[str, str]
) -> None:
    """ALLOW_EPHEMERAL says so; it says nothing about secrets."""
    said = {"ALLOW_EPHEMERAL": "true"}

    assert refusal(monkeypatch, mounts, platform, said, loss, {"API_KEYS": GOOD["API_KEYS"]}) is None
    assert refusal(monkeypatch, mounts, {"API_KEYS": "acme:short"})


@pytest.mark.parametrize(
    ("secrets", "named"),
    [
        ({}, "API_KEYS"),
        ({"API_KEYS": "acme:changeme"}, "API_KEYS"),
        ({"API_KEYS": "acme:a-long-random-key"}, "API_KEYS"),
        ({"API_KEYS": f"{GOOD['API_KEYS']},other:tooshort:read"}, "API_KEYS"),
        ({"JWT_SECRET": "x" * 40}, "JWT_SECRET"),
        ({"JWT_SECRET": "changemechangemechangemechangeme!"}, "JWT_SECRET"),
        ({"JWT_SECRET": "your_jwt_secret_at_least_32_characters"}, "JWT_SECRET"),
    ],
)
def test_trap_a_secret_that_is_missing_short_or_known(
    monkeypatch: pytest.MonkeyPatch, mounts: Path, platform: dict[str, str], secrets: dict[str, str], named: str
) -> None:
    """Named, never repeated."""
    monkeypatch.setenv("DATABASE_URL", GOOD["DATABASE_URL"])
    said = refusal(monkeypatch, mounts, platform, BUCKET, secrets)

    assert said
    assert named in said
    assert not any(value.rpartition(":")[2] in said for value in secrets.values())


def test_a_short_secret_is_refused_everywhere() -> None:
    """31 characters are too few on any machine, 32 are taken."""
    with pytest.raises(ValueError, match="32 characters"):
        AuthSettings(jwt_secret="k7" * 15 + "x")

    assert AuthSettings(jwt_secret="k7" * 16)


def test_elsewhere_nothing_of_it_matters(monkeypatch: pytest.MonkeyPatch, mounts: Path) -> None:
    """A folder, SQLite and a short key are what development is done with."""
    assert refusal(monkeypatch, mounts, {"API_KEYS": "a:b"}) is None
    assert refusal(monkeypatch, mounts, {"APP_ENV": "production"}) is None


def test_paths_with_spaces_and_disks_below_disks(monkeypatch: pytest.MonkeyPatch, mounts: Path) -> None:
    """As mountinfo writes them; the innermost mount counts."""
    mounts.write_text(f"{MOUNTS}27 24 0:31 / /volume/cache rw - tmpfs tmpfs rw\n")

    assert refusal(monkeypatch, mounts, PLATFORMS["Render"], GOOD, {"DATA_DIR": "/var/with space/x"}) is None
    assert refusal(monkeypatch, mounts, {"DATA_DIR": "/volume/cache"})


@pytest.mark.parametrize("name", ["serve", "sweep"])
def test_a_refusal_is_one_line_and_exit_code_78(tmp_path: Path, name: str) -> None:
    """EX_CONFIG of sysexits.h; nothing was made before."""
    folder = tmp_path / "data"
    done = command(name, settings={"RENDER": "true", "API_KEYS": GOOD["API_KEYS"], "DATA_DIR": str(folder)})

    assert done.returncode == 78
    assert len(done.stderr.splitlines()) == 1
    assert not folder.exists()

"""The image as platforms run it: 512 MB, read-only, a volume of root's, another command, another user."""

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests import postgres
from tests.conftest import make_png
from tests.deploy.image import KEY, Container, Engine, built

SERVICE = 10001
BEARER = {"Authorization": f"Bearer {KEY}"}
FACTORY = ("uvicorn", "app.main:create_app", "--factory", "--host", "127.0.0.1", "--port")
LARGE = 100_000_000  # bytes of one upload
CEILING = 160 * 1024  # KiB that the process may have in memory at most

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The image, built once."""
    with built() as engine:
        yield engine


@pytest.fixture
def volume() -> Iterator[Path]:
    """A volume as platforms mount it: root's, with the file system's own folder in it."""
    with tempfile.TemporaryDirectory(prefix="stowage-volume-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "lost+found").mkdir(mode=0o700)
        yield folder


def upload(container: Container, path: str, field: str, name: str, content: bytes) -> dict[str, str]:
    """One multipart upload; the answer."""
    files = {field: (name, content)}
    answer = httpx2.post(f"{container.url}{path}", headers=BEARER, files=files, timeout=120)
    assert answer.status_code == 201, answer.text
    shown: dict[str, str] = answer.json()
    return shown


def upload_logo(container: Container) -> str:
    """Upload a logo, read it back; its permalink's path."""
    logo = make_png()
    shown = upload(container, "/api/companies/my-company/logo", "logo", "logo.png", logo)
    path = httpx2.URL(shown["permalink"]).path
    assert httpx2.get(f"{container.url}{path}").content == logo
    return path


def real_user(container: Container) -> int:
    """Who process 1 is."""
    status = Path(f"/proc/{container.state()['Pid']}/status").read_text()
    return int(status.partition("\nUid:\t")[2].split()[0])


def test_trap_a_volume_of_root_is_served_by_an_ordinary_user_and_outlives_the_container(
    engine: Engine, volume: Path
) -> None:
    """Read-only root, 512 MB; SIGTERM is a good end; the next container on the same volume has the same bytes."""
    with engine.run(volume=volume) as first:
        first.wait_until_ready()
        path = upload_logo(first)
        assert real_user(first) == SERVICE
        started = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - started < 15

    assert {p.name: p.stat().st_uid for p in volume.iterdir()}["lost+found"] == 0
    assert {p.stat().st_uid for p in (volume / "files").rglob("*")} == {SERVICE}
    with engine.run(volume=volume) as second:
        second.wait_until_ready()
        assert httpx2.get(f"{second.url}{path}").content == make_png()


def test_trap_no_shell_is_process_1(engine: Engine, volume: Path) -> None:
    """A shell would keep SIGTERM to itself: process 1 is Python."""
    with engine.run(volume=volume) as container:
        container.wait_until_ready()
        command = Path(f"/proc/{container.state()['Pid']}/cmdline").read_bytes().split(b"\0")

    assert Path(command[0].decode()).name == "python"
    assert command[2] == b"serve"


def test_trap_a_start_command_of_the_platform_replaces_ours(engine: Engine, volume: Path) -> None:
    """Uvicorn with the factory serves too, and is not root either."""
    with engine.run(*FACTORY, "{port}", volume=volume) as container:
        container.wait_until_ready()
        upload_logo(container)
        assert real_user(container) == SERVICE
        assert container.state()["Running"]


def test_trap_a_pre_deploy_command_has_no_entry_point_and_no_volume(engine: Engine, postgres_server: str) -> None:
    """`stowage migrate` works by itself, in any folder, on a read-only disk; so does Alembic."""
    url = postgres.new_database(postgres_server)
    with engine.run("stowage", "migrate", flags=("--workdir=/tmp",), DATABASE_URL=url) as migrated:
        assert migrated.end() == 0, migrated.log()
        assert "up to date" in migrated.log()
    with engine.run("alembic", "current", flags=("--workdir=/tmp",), DATABASE_URL=url) as asked:
        assert asked.end() == 0, asked.log()
        assert "(head)" in asked.log()
    postgres.drop_database(url)


def test_another_user_may_run_it(engine: Engine, volume: Path) -> None:
    """`--user 10001` on a folder of that user's: nothing needs root."""
    os.chown(volume, SERVICE, SERVICE)
    with engine.run(volume=volume, flags=(f"--user={SERVICE}", "--cap-drop=all")) as container:
        container.wait_until_ready()
        upload_logo(container)


def test_three_capabilities_are_enough(engine: Engine, volume: Path) -> None:
    """To give the volume away and step down."""
    capabilities = ("--cap-drop=all", "--cap-add=CHOWN,SETGID,SETUID")
    with engine.run(volume=volume, flags=capabilities) as container:
        container.wait_until_ready()
        upload_logo(container)
        assert real_user(container) == SERVICE


def test_trap_a_volume_that_cannot_be_written_is_refused_in_one_line(engine: Engine, volume: Path) -> None:
    """Exit code 78, and what to set."""
    with engine.run(volume=volume, flags=(f"--user={SERVICE}",)) as container:
        assert container.end() == 78
        refusal = container.errors()

    assert refusal.count("\n") == 1
    assert "Volume not writable" in refusal
    assert "chown -R 10001:" in refusal


def test_a_read_only_image_without_a_volume_says_that_one_is_missing(engine: Engine) -> None:
    """Rather than that somebody lacks a right."""
    with engine.run() as container:
        assert container.end() == 78
        assert "mount a volume" in container.errors()


def test_trap_a_volume_of_railway_at_another_path_is_used(engine: Engine, volume: Path) -> None:
    """The image names no folder of its own that would win over RAILWAY_VOLUME_MOUNT_PATH."""
    elsewhere = f"--volume={volume}:/app/uploads"
    with engine.run(flags=(elsewhere,), RAILWAY_VOLUME_MOUNT_PATH="/app/uploads") as container:
        container.wait_until_ready()
        upload_logo(container)

    assert (volume / "stowage.db").exists()
    assert list((volume / "files").rglob("*.png"))


def test_the_health_check_of_the_image_tells_a_living_service_from_none(engine: Engine, volume: Path) -> None:
    """The command in the image says 0, and 1 where nobody listens."""
    command = engine.configuration()["Healthcheck"]["Test"][1:]
    with engine.run(volume=volume) as container:
        container.wait_until_ready()

        assert container.execute(*command).returncode == 0
        assert container.execute("env", "PORT=1", *command).returncode == 1


def test_the_image_holds_nothing_that_is_not_needed(engine: Engine) -> None:
    """No pip, no setuptools, no cache, no settings of the machine that built it, no tests, all code compiled."""
    look = """
import pathlib, sys
names = {p.name.partition("-")[0] for p in pathlib.Path(sys.prefix).glob("lib/python3*/site-packages/*")}
print("unneeded", names & {"pip", "setuptools", "pytest", "mypy"})
print("caches", [str(p) for p in pathlib.Path("/root/.cache").rglob("*")])
print("pip", pathlib.Path("/etc/pip.conf").read_text() if pathlib.Path("/etc/pip.conf").exists() else "")
sources = [*pathlib.Path(sys.prefix, "lib").rglob("*.py"), *pathlib.Path("/srv/app").rglob("*.py")]
uncompiled = [str(p) for p in sources if not list(p.parent.glob(f"__pycache__/{p.stem}.*.pyc"))]
print("uncompiled", uncompiled[:5], len(sources) > 500)
print("srv", sorted(p.name for p in pathlib.Path("/srv").iterdir()))
"""
    with engine.run("python", "-c", look) as container:
        assert container.end() == 0, container.log()
        seen = dict(line.split(" ", 1) for line in container.log().splitlines())

    srv = ["LICENSE", "README.md", "alembic", "app", "pyproject.toml", "requirements-build.txt", "requirements.txt"]
    assert seen == {"unneeded": "set()", "caches": "[]", "pip": "", "uncompiled": "[] True", "srv": str(srv)}
    assert not [v for v in engine.configuration()["Config"]["Env"] if v.startswith(("PIP_", "SSL_", "http"))]


def test_a_large_upload_stays_small_in_memory(engine: Engine, volume: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """100 MB in a container of 512 MB."""
    content = os.urandom(LARGE)
    with engine.run(volume=volume) as container:
        container.wait_until_ready()
        shown = upload(container, "/v1/assets?kind=file", "file", "large.bin", content)
        assert shown["sha256"] == hashlib.sha256(content).hexdigest()
        state = container.state()
        peak, bound = memory_peaks(state["Pid"])
        with capsys.disabled():
            print(f"\n100 MB uploaded: the process had {peak // 1024} MiB at most, the container {bound >> 20} MiB")  # noqa: T201 - a figure

    assert peak < CEILING
    assert not state["OOMKilled"]


def memory_peaks(pid: int) -> tuple[int, int]:
    """The most that the process had (KiB), and its container with the page cache (bytes; cgroup 1 or 2)."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return peak, int(Path(f"/sys/fs/cgroup/memory{path}/memory.max_usage_in_bytes").read_text())
    return peak, int(Path(f"/sys/fs/cgroup{path}/memory.peak").read_text())

"""The image, really built and really run, without a registry: mmdebstrap, buildah, podman and runc."""

import configparser
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx2

from tests.serving import ROOT, free_port

TOOLS = ("mmdebstrap", "buildah", "podman", "runc")
ADVICE = "the image job needs root, and: apt-get install --no-install-recommends buildah mmdebstrap podman runc"
SUITE = "trixie"  # the Debian of python:3.13-slim, with the same minor version of Python
PACKAGES = "python3,python3-pip,python3-venv,ca-certificates"
STAND_IN = """FROM scratch
ADD base.tar /
RUN for name in python3 pip3; do ln -s /usr/bin/$name /usr/local/bin/$name; done; ln -s python3 /usr/local/bin/python; \
    ln -s pip3 /usr/local/bin/pip
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
"""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
KEY = "a-key-for-the-image"
BUILD_SECONDS, COMMAND_SECONDS, START_SECONDS, STOP_SECONDS = 240, 60, 30, 40


@contextlib.contextmanager
def built() -> Iterator["Engine"]:
    """An engine with the image in it; containers and storage are gone at the end."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    assert os.geteuid() == 0 and not missing, f"{ADVICE} (missing: {', '.join(missing) or 'root'})"  # noqa: PT018
    with tempfile.TemporaryDirectory(prefix="stowage-image-", ignore_cleanup_errors=True) as name:
        engine = Engine(Path(name))
        try:
            engine.build()
            yield engine
        finally:
            engine.clear()


class Engine:
    """buildah and podman with a storage of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._storage = ["--root", f"{folder}/storage", "--runroot", f"{folder}/run", "--storage-driver", "overlay"]
        runtime = ["--runtime", shutil.which("runc") or "runc", "--cgroup-manager", "cgroupfs"]
        self._podman = ["podman", *self._storage, "--tmpdir", f"{folder}/podman", *runtime]

    def build(self) -> None:
        """A base as python:3.13-slim is one, made of Debian's packages, then the Dockerfile of the repository."""
        base = self.folder / "base"
        base.mkdir()
        run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", SUITE, f"{base}/base.tar")
        (base / "Dockerfile").write_text(STAND_IN)
        self._bud(base, "docker.io/library/python:3.13-slim")
        (base / "base.tar").unlink()
        self._bud(ROOT, "stowage", *self._mounts())

    def podman(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """One command of podman."""
        return run(*self._podman, *arguments, seconds=COMMAND_SECONDS, check=check)

    def run(self, *command: str, volume: Path | None = None, flags: tuple[str, ...] = (), **env: str) -> "Container":
        """Start a container as a small plan would: 512 MB, nothing to write to but /tmp and the volume.

        `{port}` in the command is the port that PORT names.
        """
        port = free_port()
        command = tuple(part.replace("{port}", str(port)) for part in command)
        env = {"HOST": "127.0.0.1", "PORT": str(port), "API_KEYS": f"acme:{KEY}", "SWEEP_INTERVAL": "0", **env}
        given = [f"--env={name}={value}" for name, value in env.items()]
        mounts = [f"--volume={volume}:/data"] if volume else []
        small = ["--memory=512m", "--read-only", "--tmpfs=/tmp", "--no-healthcheck"]
        # Without a network of its own, and with bounds that runc may set on machines that have narrow ones.
        here = ["--network=host", "--pull=never", "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"]
        started = self.podman("run", "--detach", *here, *small, *mounts, *given, *flags, "stowage", *command)
        return Container(self, started.stdout.strip(), port)

    def configuration(self) -> dict[str, Any]:
        """What the image says of itself."""
        found: dict[str, Any] = json.loads(self.podman("inspect", "stowage").stdout)[0]
        return found

    def clear(self) -> None:
        """Containers first, then what they lay on."""
        for arguments in (["rm", "--all", "--force", "--time=0"], ["umount", "--all"], ["rmi", "--all", "--force"]):
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                self.podman(*arguments, check=False)

    def _bud(self, context: Path, tag: str, *flags: str) -> None:
        where = ["--isolation=chroot", "--network=host", "--pull-never", "--format=docker"]
        run("buildah", *self._storage, "bud", *where, *flags, f"--tag={tag}", str(context))

    def _mounts(self) -> list[str]:
        """Where packages come from on this machine, lent to the build: none of it is left in the image."""
        settings = self.folder / "pip.conf"
        with settings.open("w") as file:
            pip_settings().write(file)
        certificates = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or CERTIFICATES
        return [f"--volume={certificates}:{CERTIFICATES}:ro", f"--volume={settings}:/etc/pip.conf:ro"]


class Container:
    """One container, and where it answers."""

    def __init__(self, engine: Engine, name: str, port: int) -> None:
        self.engine = engine
        self.name = name
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.podman("rm", "--force", "--time=0", self.name)

    def wait_until_ready(self) -> None:
        """Return when /readyz says 200; fail with the log when it doesn't."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.state()["Running"]:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            time.sleep(0.1)
        raise AssertionError(f"the container did not become ready: {self.state()}\n{self.log()}")

    def state(self) -> dict[str, Any]:
        """What podman knows: `Running`, `Pid` on this machine, `ExitCode`, `OOMKilled`."""
        found: dict[str, Any] = json.loads(self.engine.podman("inspect", self.name).stdout)[0]["State"]
        return found

    def log(self) -> str:
        """Stdout and stderr."""
        done = self.engine.podman("logs", self.name)
        return done.stdout + done.stderr

    def errors(self) -> str:
        """Stderr alone."""
        return self.engine.podman("logs", self.name).stderr

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run something beside the service."""
        return self.engine.podman("exec", self.name, *command, check=False)

    def end(self) -> int:
        """Wait for it to end by itself; the exit code."""
        return int(self.engine.podman("wait", self.name).stdout)

    def stop(self) -> int:
        """SIGTERM to process 1, as a platform does; the exit code."""
        self.engine.podman("kill", "--signal=TERM", self.name)
        return self.end()


def run(*command: str, seconds: float = BUILD_SECONDS, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run to the end; fail with the end of what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def pip_settings() -> configparser.RawConfigParser:
    """This machine's settings of pip, without folders that the build can't see."""
    files = ["/etc/pip.conf", Path.home() / ".config/pip/pip.conf", os.environ.get("PIP_CONFIG_FILE", "")]
    theirs, ours = configparser.RawConfigParser(), configparser.RawConfigParser()
    theirs.read(files)
    indexes = [os.environ.get(name, "") for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")]
    index = next(filter(None, indexes), "")
    found = {"index-url": index, "timeout": os.environ.get("PIP_DEFAULT_TIMEOUT", "60"), "cert": CERTIFICATES}
    for name in ("index-url", "extra-index-url", "trusted-host"):
        if not found.get(name):
            found[name] = theirs.get("global", name, fallback="")
    ours["global"] = {name: value for name, value in found.items() if value and "file:" not in value}
    return ours

"""The servers that are compared, each started as a process of its own and ended by its pid."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOP_SECONDS = 40
KEY = "bench-key-0123456789abcdef"
SERVICES = ("local+sqlite", "local+postgres")
BARE = {"asgi-discard": "discard", "asgi-file": "file"}
NAMES = (*SERVICES, *BARE)
BASELINE = "asgi-discard"

# The bare servers show what is possible, so glibc is told not to give every buffer back to the kernel.
CALM_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}


@dataclass
class Target:
    """A running server and how to talk to it."""

    name: str
    port: int
    pid: int
    folder: Path
    headers: dict[str, str] = field(default_factory=dict)
    idle_memory: int = 0

    @property
    def wrapped(self) -> bool:
        """Whether it takes the multipart bytes as they are, instead of the file inside."""
        return self.name in BARE

    def path(self, kind: str) -> str:
        """Where a file of a kind is posted to."""
        return "/" if self.wrapped else f"/v1/assets?kind={kind}"

    def forget(self, size: int) -> None:
        """Remove stored files near this size from the disk, so that writing them back disturbs nobody."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.stat().st_size > size // 2:
                path.unlink()


@contextlib.contextmanager
def started(name: str, database_server: str | None) -> Iterator[Target]:
    """A fresh server with an empty store, ready for requests."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "data").mkdir()
        port = _free_port()
        command, environment = _bare(name, port, folder) if name in BARE else _service(port, folder)
        if name == "local+postgres" and database_server:
            environment["DATABASE_URL"] = postgres.new_database(database_server)
            stack.callback(postgres.drop_database, environment["DATABASE_URL"])
        process = stack.enter_context(_process(command, environment, folder / "log"))
        _wait_until_ready(process, port, folder / "log")
        headers = {} if name in BARE else {"X-API-Key": KEY}
        yield Target(name, port, process.pid, folder / "data", headers)


def _service(port: int, folder: Path) -> tuple[list[str], dict[str, str]]:
    environment = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(folder / "data"),
        "API_KEYS": f"bench:{KEY}",
        "FILE_MAX_MB": "2048",
    }
    return [sys.executable, "-m", "app", "serve"], environment


def _bare(name: str, port: int, folder: Path) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "uvicorn", f"tests.bench.bare:{BARE[name]}", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--log-level", "warning"]
    return [*command, "--no-access-log"], {"BARE_DIR": str(folder / "data"), **CALM_MALLOC}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def _process(command: list[str], extra: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with nothing of our own settings in its environment."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=inherited | extra, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if _ready(port):
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not become ready: {log.read_text(errors='replace')[-2000:]}")


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK

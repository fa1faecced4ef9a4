"""Processes of the bench: started with nothing of our own environment, waited for, ended by their number."""

import contextlib
import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INHERITED = ("PATH", "HOME", "LANG")
START_SECONDS = 60
STOP_SECONDS = 40
LEFT = 2000  # characters of a log

# glibc is told not to give every buffer back to the kernel.
CALM_MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}


@contextlib.contextmanager
def running(
    command: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    ready: Callable[[], bool],
    home: Path = ROOT,
) -> Iterator[int]:
    """The number of the process, once it is ready. It runs in `home`; its log and its `tmp` are in `folder`."""
    (folder / "tmp").mkdir(exist_ok=True)
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    chosen = {**inherited, "TMPDIR": str(folder / "tmp"), **variables}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=chosen, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(process, folder / "log", ready)
        yield process.pid
    finally:
        _end(process)


def once(command: Sequence[str], variables: Mapping[str, str], home: Path) -> None:
    """Run a command to its end."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    subprocess.run(command, cwd=home, env={**inherited, **variables}, capture_output=True, check=True, timeout=120)


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int, path: str = "/readyz", status: int = HTTPStatus.OK) -> bool:
    """Whether a GET is answered like that."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        return connection.getresponse().status == status
    return False


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.03)
    raise RuntimeError(f"{process.args!r} did not become ready: {log.read_text(errors='replace')[-LEFT:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

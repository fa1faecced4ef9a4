"""The real service in a process of its own, to be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx2

from tests.planting import prefix as planted

ROOT = Path(__file__).parents[1]
START_SECONDS = 30
STOP_SECONDS = 30
AS_SENT = {"STRIP_METADATA": "none"}  # what is sent is stored, byte for byte


class Served:
    """One `stowage serve` process and where it answers."""

    def __init__(self, settings: Mapping[str, str], log: Path, prefix: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port), **AS_SENT, **settings}
        with log.open("ab") as out:
            command = [*prefix, *planted(), sys.executable, "-m", "app", "serve"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    def wait_until_ready(self, status: int = 200) -> None:
        """Return when /readyz says 200, or what else is expected of it; fail with the log when it doesn't."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{self.url}/readyz", timeout=2).status_code == status:
                    return
            time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the service did not become ready:\n{self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> int:
        """SIGTERM, as a platform does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@contextlib.contextmanager
def served(settings: Mapping[str, str], log: Path, *, prefix: Sequence[str] = (), ready: int = 200) -> Iterator[Served]:
    """A running service, ended at the end if it still runs; `prefix` is a command that runs it, such as strace.

    `ready` is the status that /readyz is expected to have.
    """
    service = Served(settings, log, prefix)
    try:
        service.wait_until_ready(ready)
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()


def command(*arguments: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m app …` to its end."""
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run(
        [*planted(), sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

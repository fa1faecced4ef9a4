"""The service as a process group of its own: started, waited for, killed, stopped."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVE = (sys.executable, "-m", "app", "serve")
START_SECONDS = 90  # a busy machine
STOP_SECONDS = 60
SHUTDOWN_SECONDS = 4  # its SHUTDOWN_TIMEOUT
COMMAND_SECONDS = 180
TAIL = 2000  # characters of the log


class HarnessError(RuntimeError):
    """The harness or one of its servers failed: this says nothing about the service."""


class NotReady(RuntimeError):
    """The service did not come up; the sentence has the end of its log."""


class Service:
    """One process of the service."""

    def __init__(self, environment: Mapping[str, str], log: Path, prefix: Sequence[str] = ()) -> None:
        self.port = _free_port()
        self.log = log
        self.killed_at: float | None = None  # when it was told to end, by time.monotonic()
        self.gently = False  # by SIGTERM
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*prefix, *SERVE],
                cwd=ROOT,
                env=_complete(environment) | {"PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when /readyz says 200."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._is_ready():
                return
            time.sleep(0.02)
        self.kill()
        raise NotReady(self.log.read_text(errors="replace")[-TAIL:])

    def kill(self) -> None:
        """SIGKILL: no goodbye. Twice is fine."""
        if self.killed_at is None:
            self.killed_at = time.monotonic()
        self._signal(signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def terminate(self) -> None:
        """SIGTERM, as a platform does at every deploy."""
        self.killed_at, self.gently = time.monotonic(), True
        self._signal(signal.SIGTERM)

    def ended(self) -> int | None:
        """The exit code; None, and a SIGKILL, when it does not end."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait(STOP_SECONDS)
            return None

    def _signal(self, number: signal.Signals) -> None:
        """To the group that this process leads; it is reaped by us alone, so the number is still its own."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def run(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """`python -m app …` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=_complete(environment),
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )


def _complete(environment: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), **environment}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""System calls of a running process that fail on demand: strace is attached to it, and takes itself away again."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 30


@contextlib.contextmanager
def failing(pid: int, calls: str, error: str, *, nth: str, trace: Path) -> Iterator[None]:
    """Meanwhile the n-th of these calls of each thread fails so; `nth` as strace reads it, `3+` is all from the third.

    `trace` tells afterwards whether it has come to that.
    """
    trace.unlink(missing_ok=True)
    command = ["strace", "-f", "-p", str(pid), "-o", str(trace), "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:error={error}:when={nth}"]
    strace = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_attached(pid, strace)
        yield
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait(SECONDS)


def injected(trace: Path) -> int:
    """How many calls were made to fail."""
    return trace.read_text(errors="replace").count("(INJECTED)")


def _until_attached(pid: int, strace: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + SECONDS
    while strace.poll() is None and time.monotonic() < deadline:
        if all(_is_traced(status) for status in Path(f"/proc/{pid}/task").glob("*/status")):
            return
        time.sleep(0.01)
    raise RuntimeError("strace could not be attached: it needs root, or kernel.yama.ptrace_scope=0.")


def _is_traced(status: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return "TracerPid:\t0\n" not in status.read_text()
    return True

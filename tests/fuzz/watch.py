"""One execution after another: timed, measured, and what it raises written down."""

import hashlib
import resource
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.target import SECONDS, Target, meant

KEPT = Path("build/fuzz")
MOST_FINDINGS = 10  # different ones; then a run ends
WARM = 500  # executions after which memory should not grow
GROWTH = 128  # MiB


class TooLong(BaseException):  # not an Exception: nothing that is fuzzed may catch it
    """An execution took longer than its time."""


@dataclass(slots=True)
class Outcome:
    """What a run of one target came to; findings by where and what, with the file that holds the input."""

    target: str
    engine: str
    seed: int
    executions: int = 0
    seconds: float = 0.0
    longest_ms: float = 0.0
    growth_mib: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)


class Watch:
    """Runs inputs of one target; what they do is in `outcome`."""

    def __init__(self, target: Target, outcome: Outcome, *, seconds: float = SECONDS, kept: Path = KEPT) -> None:
        self.outcome = outcome
        self._target, self._seconds, self._kept = target, seconds, kept
        self._began, self._warm = time.monotonic(), 0.0
        signal.signal(signal.SIGPROF, _too_long)

    @property
    def over(self) -> bool:
        """Enough was found."""
        return len(self.outcome.findings) >= MOST_FINDINGS

    def run(self, data: bytes) -> None:
        """One execution. The clock is that of the processor: other work on the machine doesn't count."""
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, self._seconds)
        try:
            self._target.execute(meant(data))
        except (Exception, TooLong) as failure:  # noqa: BLE001 - whatever is raised is a finding
            signal.setitimer(signal.ITIMER_PROF, 0)
            self._found(failure, data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self.outcome.longest_ms = max(self.outcome.longest_ms, 1000 * (time.process_time() - began))
        self.outcome.executions += 1
        if self.outcome.executions == WARM:
            self._warm = _peak_mib()

    def finish(self) -> Outcome:
        """The figures; memory that has grown beyond its bound is a finding too."""
        self.outcome.seconds = time.monotonic() - self._began
        self.outcome.growth_mib = _peak_mib() - self._warm if self._warm else 0.0
        if self.outcome.growth_mib > GROWTH:
            self.outcome.findings[f"memory grew by {self.outcome.growth_mib:.0f} MiB"] = "-"
        return self.outcome

    def _found(self, failure: BaseException, data: bytes) -> None:
        """Once for each place in the code; the first input is kept."""
        frames = traceback.extract_tb(failure.__traceback__)
        ours = next((f for f in reversed(frames) if f.filename != __file__), frames[-1])
        place = str(failure) if isinstance(failure, AssertionError) else f"{Path(ours.filename).name}:{ours.lineno}"
        what = f"{type(failure).__name__}: {place}"
        if what in self.outcome.findings:
            return
        self._kept.mkdir(parents=True, exist_ok=True)
        path = self._kept / f"{self.outcome.target}-{hashlib.sha256(data).hexdigest()[:12]}"
        path.write_bytes(data)
        path.with_suffix(".txt").write_text("".join(traceback.format_exception(failure)))
        self.outcome.findings[what] = str(path)


def _peak_mib() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise TooLong("the execution took too long")

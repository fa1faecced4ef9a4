"""`slow`: small uploads at a fixed rate, alone and beside many clients that send very slowly."""

import json
import subprocess
import sys
import time

from tests.bench.plan import MB, Figures, Plan
from tests.bench.sampling import Sampler
from tests.bench.target import Target
from tests.bench.workloads.pictures import send

NAMES = ("held", "spilled")  # bodies below and above the 256 KiB that the service keeps in memory
HEAD_START = 0.5  # seconds


def slow(target: Target, plan: Plan) -> Figures:
    """The 99th percentile of the small ones alone, beside slow bodies that stay in memory, and beside larger ones."""
    found = Figures()
    found.add(_few(send(target, int(plan.alone * plan.rate), rate=plan.rate)), "alone_")
    for name, sizes in zip(NAMES, plan.drip_sizes, strict=True):
        found.add(_beside(target, plan, sizes), f"{name}_")
        found.values[f"{name}_factor"] = found.values[f"{name}_p99_ms"] / found.values["alone_p99_ms"]
    found.values["peak_mb"] = max(found.values.pop(f"{name}_peak_mb") for name in ("alone", *NAMES))
    return found


def _beside(target: Target, plan: Plan, sizes: tuple[int, int]) -> Figures:
    """The small uploads go on until the last of the slow ones is over."""
    seconds = max(sizes) / plan.drip_rate + HEAD_START
    with Sampler(target.pid) as seen, _dripping(target, plan, sizes) as dripping:
        time.sleep(HEAD_START)
        found = _few(send(target, int(seconds * plan.rate), rate=plan.rate))
        told, _ = dripping.communicate()
    finished = json.loads(told)
    found.complaints += finished["complaints"]
    found.values |= {"finished": finished["finished"], "peak_mb": max(seen.peak / MB, found.values["peak_mb"])}
    return found


def _dripping(target: Target, plan: Plan, sizes: tuple[int, int]) -> subprocess.Popen[str]:
    """A process of its own: the small uploads must not wait for this one's turn at the interpreter."""
    given = {
        "port": target.port,
        "path": target.speech.path,
        "method": target.speech.method,
        "headers": target.speech.headers,
        "wrapped": target.speech.wrapped,
        "clients": plan.drips,
        "rate": plan.drip_rate,
        "sizes": sizes,
    }
    command = [sys.executable, "-m", "tests.bench.drip", json.dumps(given)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _few(found: Figures) -> Figures:
    """What matters of the small uploads here."""
    kept = ("p50_ms", "p99_ms", "peak_mb")
    return Figures({name: found.values[name] for name in kept}, found.complaints)

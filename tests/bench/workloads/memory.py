"""`memory`: what one file of each size leaves as the peak of a fresh server's memory."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.bench.plan import MIB, Figures, Plan
from tests.bench.target import Target
from tests.bench.workloads import files, pictures

WARM_REQUESTS = 50


def peaks(start: Callable[[], AbstractContextManager[Target]], plan: Plan) -> Figures:
    """Another server for each size: what was once taken would hide what the next size takes."""
    found = Figures()
    for size in plan.sizes:
        with start() as target:
            pictures.send(target, WARM_REQUESTS)
            sent = files.send(target, 1, size)
        found.values[f"peak_mb_{size // MIB}"] = sent.values["peak_mb"]
        found.values[f"spare_mb_{size // MIB}"] = sent.values["spare_mb"]
        found.complaints += sent.complaints
    seen = [value for name, value in found.values.items() if name.startswith("peak_mb_")]
    found.values["spread_mb"] = max(seen) - min(seen)
    return found

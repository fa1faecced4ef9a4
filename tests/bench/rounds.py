"""The rounds of a workload: all its servers at once, measured in turns, every other round in reverse order."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from http.client import HTTPException

from tests.bench.plan import Figures, Plan
from tests.bench.sampling import family, memory
from tests.bench.servers.rack import Rack
from tests.bench.target import Target
from tests.bench.workloads import files, pictures
from tests.bench.workloads import memory as peaks
from tests.bench.workloads.catalogue import WORKLOADS, Workload

FAILURES = (OSError, ValueError, KeyError, HTTPException)
WARM_REQUESTS = 100
WARM_FILE = 40 << 20  # bytes: several parts for a store that takes parts, and small enough for the sink to keep

Rounds = dict[str, list[Figures]]


def measured(name: str, targets: Sequence[str], rack: Rack, plan: Plan, rounds: int) -> Rounds:
    """All rounds of one workload. A server that falls over in it is a result, not the end of the run."""
    workload = WORKLOADS[name]
    seen: Rounds = {target: [] for target in targets}
    if workload.measure is None:
        for target in targets:
            found = _figures(partial(peaks.peaks, partial(rack.one, target), plan))
            seen[target].append(_told(name, target, found))
        return seen
    with rack.all(targets) as running:
        for target in running:
            if warm := _warm(target, workload):
                seen[target.name].append(_told("warm-up", target.name, Figures(complaints=warm)))
        for number in range(rounds):
            for target in running if number % 2 == 0 else running[::-1]:
                found = _figures(partial(workload.measure, target, plan))
                seen[target.name].append(_told(f"{name} {number + 1}", target.name, found))
    return seen


def _figures(measure: Callable[[], Figures]) -> Figures:
    try:
        return measure()
    except FAILURES as error:
        return Figures(complaints=[repr(error)])


def _warm(target: Target, workload: Workload) -> list[str]:
    """Let lazy things happen, note the memory of the idle server, let one file through; what went wrong."""
    if target.idle_memory:
        return []
    try:
        complaints = pictures.send(target, WARM_REQUESTS).complaints
        target.idle_memory = memory(family(target.pid))
        return complaints + (files.send(target, 1, WARM_FILE).complaints if workload.warm_file else [])
    except FAILURES as error:
        return [repr(error)]


def _told(what: str, name: str, figures: Figures) -> Figures:
    """The same figures, with a line about them on stderr."""
    values = ", ".join(f"{key} {value:.4g}" for key, value in figures.values.items())
    print(f"{what} {name}: {values}", file=sys.stderr, flush=True)
    if figures.complaints:
        print(f"  {len(figures.complaints)} failed, first: {figures.complaints[0]}", file=sys.stderr, flush=True)
    return figures

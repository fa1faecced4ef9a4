"""`python -m tests.bench`: measure uploads to the service beside two bare servers, in turns, and print tables."""

import argparse
import contextlib
import dataclasses
import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from tests import postgres
from tests.bench import report, targets
from tests.bench.workloads import QUICK, WORKLOADS, Figures, Plan, measure, touch_page_cache, warm_up

NOTES = f"""\
Medians of the rounds (memory: the largest); xN is the ratio to {targets.BASELINE}. On a shared machine only the
ratios mean something. CPU and memory are those of the server's processes, without Postgres. Stored files
of large and concurrent are removed after each measurement.
"""


def main() -> int:
    """Measure what was asked for; 1 if anything failed or came back changed."""
    signal.signal(signal.SIGTERM, _leave)
    options = _arguments()
    rounds = options.rounds or (1 if options.quick else 3)
    plan = QUICK if options.quick else Plan()
    measured: dict[str, report.Rounds] = {}
    print(report.machine(rounds), NOTES, sep="\n\n", flush=True)
    try:
        for workload, figures in _everything(options.workload, options.target, plan, rounds):
            measured[workload] = figures
            print(report.table(workload, plan, figures), flush=True)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if options.json:
        options.json.write_text(_document(measured, plan, rounds))
    return int(any(report.summary(some)["failed"] for figures in measured.values() for some in figures.values()))


def _leave(number: int, frame: FrameType | None) -> None:
    """Ended from outside: leave through the context managers, so that no process stays behind."""
    raise SystemExit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, one round")
    parser.add_argument("--rounds", type=int, help="default: 3, with --quick 1")
    parser.add_argument("--target", nargs="+", action="extend", choices=targets.NAMES)
    parser.add_argument("--workload", nargs="+", action="extend", choices=tuple(WORKLOADS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure here")
    options = parser.parse_args()
    options.target = list(dict.fromkeys(options.target or targets.NAMES))
    options.workload = list(dict.fromkeys(options.workload or WORKLOADS))
    return options


def _everything(workloads: list[str], names: list[str], plan: Plan, rounds: int) -> Iterator[tuple[str, report.Rounds]]:
    with contextlib.ExitStack() as stack:
        server = None
        if "local+postgres" in names:
            server = stack.enter_context(postgres.running(durable=True))
        touch_page_cache(2 * plan.most)
        for workload in workloads:
            yield workload, _one(workload, names, server, plan, rounds)


def _one(workload: str, names: list[str], server: str | None, plan: Plan, rounds: int) -> report.Rounds:
    """All rounds of one workload, with servers of its own, every other round in reverse order."""
    measured: report.Rounds = {name: [] for name in names}
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(targets.started(name, server)) for name in names]
        for target in running:
            if complaints := warm_up(target):
                measured[target.name].append(_told("warm-up", target.name, Figures(complaints=complaints)))
        for number in range(rounds):
            for target in running if number % 2 == 0 else running[::-1]:
                figures = measure(workload, target, plan)
                measured[target.name].append(_told(f"{workload} {number + 1}", target.name, figures))
    return measured


def _told(what: str, name: str, figures: Figures) -> Figures:
    """The same figures, with a line about them on stderr."""
    values = ", ".join(f"{key} {value:.4g}" for key, value in figures.values.items())
    print(f"{what} {name}: {values}", file=sys.stderr, flush=True)
    if figures.complaints:
        print(f"  {len(figures.complaints)} failed, first: {figures.complaints[0]}", file=sys.stderr, flush=True)
    return figures


def _document(measured: dict[str, report.Rounds], plan: Plan, rounds: int) -> str:
    content = {
        "machine": report.machine(rounds),
        "plan": dataclasses.asdict(plan),
        "medians": _each(measured, report.summary),
        "rounds": _each(measured, lambda some: [dataclasses.asdict(figures) for figures in some]),
    }
    return json.dumps(content, indent=1)


def _each(measured: dict[str, report.Rounds], wanted: Callable[[list[Figures]], object]) -> dict[str, object]:
    return {workload: {name: wanted(some) for name, some in figures.items()} for workload, figures in measured.items()}


if __name__ == "__main__":
    sys.exit(main())

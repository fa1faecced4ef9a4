"""Medians of the rounds as tables, each figure with its ratio to the bare server."""

import datetime as dt
import os
import platform
import statistics
from pathlib import Path

from tests.bench.targets import BASELINE
from tests.bench.workloads import CONNECTIONS, MIB, PICTURE_BYTES, Figures, Plan

SPEED = {"mb_per_second": "MB/s", "cpu_s_per_gb": "CPU s/GB"}
MEMORY = {"peak_mb": "peak RSS MB", "growth_mb": "RSS growth MB"}
LATENCY = {"requests_per_second": "req/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms"}
COLUMNS = {
    "small": {**LATENCY, "cpu_ms_per_request": "CPU ms/request", "peak_mb": MEMORY["peak_mb"]},
    "large": {**SPEED, **MEMORY},
    "concurrent": {**SPEED, **MEMORY},
}
WITHOUT_RATIO = {"growth_mb"}

Rounds = dict[str, list[Figures]]


def machine(rounds: int) -> str:
    """Where and when this was measured."""
    today = dt.datetime.now(dt.UTC).date()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{cores} cores ({_processor()}), {system}, {today}, rounds: {rounds}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def summary(rounds: list[Figures]) -> dict[str, float]:
    """Medians; of memory the largest, because a limit is hit by the peak."""
    names = dict.fromkeys(name for figures in rounds for name in figures.values)
    merged = {}
    for name in names:
        seen = [figures.values[name] for figures in rounds if name in figures.values]
        merged[name] = max(seen) if name in MEMORY else statistics.median(seen)
    merged["failed"] = sum(len(figures.complaints) for figures in rounds)
    return merged


def title(workload: str, plan: Plan) -> str:
    """What one workload is, with its numbers."""
    if workload == "small":
        size = PICTURE_BYTES // 1000
        return f"small: {plan.requests} PNGs of {size} KB over {CONNECTIONS} keep-alive connections"
    if workload == "large":
        return f"large: one file of {plan.large // MIB} MiB"
    return f"concurrent: {plan.streams} files of {plan.each // MIB} MiB at once"


def table(workload: str, plan: Plan, measured: Rounds) -> str:
    """One workload as Markdown."""
    columns = COLUMNS[workload]
    summaries = {name: summary(rounds) for name, rounds in measured.items()}
    base = summaries.get(BASELINE, {})
    head = ["target", *columns.values(), "failed"]
    lines = [f"### {title(workload, plan)}", "", _row(head), "|---" * len(head) + "|"]
    for name, values in summaries.items():
        cells = [_cell(values.get(key), 0 if key in WITHOUT_RATIO else base.get(key, 0)) for key in columns]
        lines.append(_row([name, *cells, f"{values['failed']:.0f}"]))
    return "\n".join([*lines, ""])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float | None, base: float) -> str:
    if value is None:
        return "-"
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} (x{value / base:.2f})" if base else number

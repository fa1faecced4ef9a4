"""Medians of the rounds as tables, each figure with its ratio to that of one of the servers."""

import datetime as dt
import os
import platform
import statistics
from pathlib import Path

from tests.bench.plan import Figures, Plan
from tests.bench.rounds import Rounds
from tests.bench.workloads.catalogue import WORKLOADS

BASELINES = ("tutorial", "asgi-file")  # the first of them that was measured
LIMITED = ("peak_mb", "spare_mb")  # a limit is hit by the peak: of these the largest counts
BARE_FIGURES = ("growth_mb", "spare_mb", "client", "finished", "factor", "spread_mb")  # shown without a ratio
BUSY = 85  # percent of a processor

Summary = dict[str, float]


def machine() -> str:
    """Where and when this was measured, and how busy it was before."""
    now = dt.datetime.now(dt.UTC)
    cores = len(os.sched_getaffinity(0))
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return f"{cores} cores ({_processor()}), {system}, {now:%Y-%m-%d %H:%M} UTC; load before: {load}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def summary(rounds: list[Figures]) -> Summary:
    """Medians; of memory and disk the largest."""
    names = dict.fromkeys(name for figures in rounds for name in figures.values)
    merged = {}
    for name in names:
        seen = [figures.values[name] for figures in rounds if name in figures.values]
        merged[name] = max(seen) if name.startswith(LIMITED) else statistics.median(seen)
    merged["failed"] = sum(len(figures.complaints) for figures in rounds)
    return merged


def summaries(measured: Rounds) -> dict[str, Summary]:
    """Of each server."""
    return {name: summary(rounds) for name, rounds in measured.items()}


def table(workload: str, plan: Plan, rounds: int, found: dict[str, Summary], *, base: str | None = None) -> str:
    """One workload as Markdown; `base` is whose figures are 1."""
    chosen = WORKLOADS[workload]
    columns = chosen.columns(plan)
    ones = next((found[name] for name in (base, *BASELINES) if name in found), {})
    head = ["server", *columns.values(), "failed"]
    count = f", {rounds} rounds" if rounds > 1 else ""
    lines = [f"### {workload}", "", f"{chosen.title(plan)}{count}.", "", _row(head), "|---" * len(head) + "|"]
    for name, values in found.items():
        cells = [_cell(values.get(key), 0 if _is_bare(key) else ones.get(key, 0)) for key in columns]
        lines.append(_row([name, *cells, f"{values['failed']:.0f}"]))
    return "\n".join([*lines, *_remarks(found)])


def _remarks(found: dict[str, Summary]) -> list[str]:
    """Where the client was the limit, and how much else the machine did."""
    lines = []
    if limited := [name for name, values in found.items() if values.get("client", 0) > BUSY]:
        lines.append(
            f"The client was busy for more than {BUSY} % of the time, and may be the limit: {', '.join(limited)}."
        )
    if others := [values["others"] for values in found.values() if "others" in values]:
        span = f"{min(others):.0f} to {max(others):.0f} %"
        lines.append(f"Neither server, client nor Postgres (the sink, other work here): {span} of a processor.")
    return ["", *lines] if lines else []


def _is_bare(name: str) -> bool:
    return any(word in name for word in BARE_FIGURES)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: float | None, base: float) -> str:
    if value is None:
        return "-"
    if not value:
        return "0"
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} (x{value / base:.2f})" if base else number

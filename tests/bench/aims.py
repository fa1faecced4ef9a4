"""What the service is meant to reach, beside what was measured: printed, never asserted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.report import Summary

Found = dict[str, dict[str, Summary]]  # workload -> server -> figures

LOCAL, S3 = "local+postgres", "s3+postgres"
MORE, LESS = "at least", "at most"


@dataclass(frozen=True)
class Aim:
    """One line: a figure of a server, or (`to`) its ratio to that of another one."""

    workload: str
    server: str
    figure: str
    bound: str
    aim: float
    to: str = ""
    unit: str = ""

    def measured(self, found: Found) -> float | None:
        """The figure; None if something for it was not measured."""
        servers = found.get(self.workload, {})
        value = servers.get(self.server, {}).get(self.figure)
        if value is None or not self.to:
            return value
        base = servers.get(self.to, {}).get(self.figure)
        return value / base if base else None

    def row(self, found: Found) -> str | None:
        """As a row of the table."""
        value = self.measured(found)
        if value is None:
            return None
        reached = value >= self.aim if self.bound == MORE else value <= self.aim
        what = f"{self.server}: {NAMES.get(self.figure, self.figure)}" + (f" / {self.to}" if self.to else "")
        cells = (
            self.workload,
            what,
            f"{self.bound} {self.aim:g}{self.unit}",
            f"{value:.3g}",
            "yes" if reached else "no",
        )
        return f"| {' | '.join(cells)} |"


NAMES = {
    "requests_per_second": "requests a second",
    "mb_per_second": "MB/s",
    "p99_ms": "p99",
    "cpu_ms_per_request": "CPU a request",
    "cpu_s_per_gb": "CPU a GB",
    "peak_mb": "peak RSS",
    "spread_mb": "peak RSS, largest - smallest file",
    "peak_mb_64": "peak RSS, 64 MiB",
    "peak_mb_512": "peak RSS, 512 MiB",
    "peak_mb_2048": "peak RSS, 2 GiB",
    "held_finished": "slow uploads finished, held in memory",
    "spilled_finished": "slow uploads finished, too large for memory",
    "held_factor": "p99 beside slow clients / alone, held in memory",
    "spilled_factor": "p99 beside slow clients / alone, too large for memory",
    "deep_factor_1000000": "deep page / first page, a million rows",
    "growth_factor": "first page of a million rows / of a thousand",
}

SMALL = (
    Aim("small", LOCAL, "requests_per_second", MORE, 3, to="tutorial"),
    Aim("small", LOCAL, "requests_per_second", MORE, 1.5, to="django"),
    Aim("small", LOCAL, "p99_ms", LESS, 0.3, to="tutorial"),
    Aim("small", LOCAL, "cpu_ms_per_request", LESS, 0.5, unit=" ms"),
    Aim("small", S3, "requests_per_second", MORE, 8, to="django-s3"),
)
LARGE = (
    Aim("large", LOCAL, "mb_per_second", MORE, 0.9, to="asgi-file"),
    Aim("large", LOCAL, "mb_per_second", MORE, 0.3, to="nginx"),
    Aim("large", LOCAL, "cpu_s_per_gb", LESS, 1.5, unit=" s"),
    *(
        Aim("memory", server, f"peak_mb_{size}", LESS, 80, unit=" MB")
        for server in (LOCAL, S3)
        for size in (64, 512, 2048)
    ),
    *(Aim("memory", server, "spread_mb", LESS, 5, unit=" MB") for server in (LOCAL, S3)),
    Aim("concurrent", LOCAL, "peak_mb", LESS, 110, unit=" MB"),
    Aim("concurrent", S3, "peak_mb", LESS, 160, unit=" MB"),
)
STEADY = (
    Aim("slow", LOCAL, "held_finished", MORE, 200),
    Aim("slow", LOCAL, "spilled_finished", MORE, 200),
    Aim("slow", LOCAL, "held_factor", LESS, 1.5),
    Aim("slow", LOCAL, "spilled_factor", LESS, 1.5),
    Aim("list", LOCAL, "deep_factor_1000000", LESS, 1.5),
    Aim("list", LOCAL, "growth_factor", LESS, 1.5),
    Aim("serve", LOCAL, "requests_per_second", MORE, 0.15, to="nginx"),
    Aim("serve", LOCAL, "requests_per_second", MORE, 5, to="tutorial"),
)


def table(found: Found) -> str:
    """Every aim that this run says something about."""
    rows: Callable[[], Iterator[str]] = lambda: (row for aim in (*SMALL, *LARGE, *STEADY) if (row := aim.row(found)))  # noqa: E731
    lines = ["### Aims", "", "| workload | figure | aim | measured | reached |", "|---|---|---|---|---|", *rows()]
    return "\n".join(lines)

"""The workloads by name: what is done, on which servers, how often, and which figures are shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.plan import CONNECTIONS, MIB, PICTURE_BYTES, Figures, Plan
from tests.bench.target import Target
from tests.bench.workloads import files, listing, pictures, slow

SERVICES = ("local+postgres", "local+sqlite", "s3+postgres")
REPLICAS = "local+postgres-2"
BARE = ("asgi-discard", "asgi-file")
PEERS = ("tutorial", "django")
OTHERS = (*BARE, *PEERS, "django-s3", "nginx")
ALL = (*SERVICES, *OTHERS)

LATENCY = {"requests_per_second": "req/s", "p50_ms": "p50 ms", "p99_ms": "p99 ms"}
REQUESTS = {
    **LATENCY,
    "cpu_ms_per_request": "CPU ms/request",
    "database_ms_per_request": "Postgres CPU ms/request",
    "peak_mb": "peak RSS MB",
    "client": "client %",
}
BYTES = {
    "mb_per_second": "MB/s",
    "cpu_s_per_gb": "CPU s/GB",
    "peak_mb": "peak RSS MB",
    "growth_mb": "growth MB",
    "spare_mb": "temporary disk MB",
    "client": "client %",
}
BESIDE = {
    "alone_p99_ms": "p99 alone ms",
    "held_p99_ms": "p99 beside, held in memory ms",
    "held_factor": "factor",
    "held_finished": "finished",
    "spilled_p99_ms": "p99 beside, too large for memory ms",
    "spilled_factor": "factor",
    "spilled_finished": "finished",
    "peak_mb": "peak RSS MB",
}


@dataclass(frozen=True)
class Workload:
    """One kind of work. Without `measure` each measurement has servers of its own; `long`: it has fewer rounds."""

    title: Callable[[Plan], str]
    columns: Callable[[Plan], Mapping[str, str]]
    targets: tuple[str, ...]
    measure: Callable[[Target, Plan], Figures] | None
    warm_file: bool = False
    long: bool = False

    def rounds(self, plan: Plan) -> int:
        """How many."""
        return plan.long_rounds if self.long else plan.rounds


def _size(size: int) -> str:
    return f"{size // MIB} MiB" if size < 1024 * MIB else f"{size / (1024 * MIB):g} GiB"


def _pages(plan: Plan) -> dict[str, str]:
    columns = {}
    for rows in plan.rows:
        columns[f"first_{rows}_ms"] = f"first page of {rows:,} rows ms"
        columns[f"deep_{rows}_ms"] = "deep page ms"
        columns[f"deep_factor_{rows}"] = "deep/first"
    return {**columns, "growth_factor": "first page, most rows/fewest"}


def _peaks(plan: Plan) -> dict[str, str]:
    peaks = {f"peak_mb_{size // MIB}": f"peak RSS MB, {_size(size)}" for size in plan.sizes}
    spare = {f"spare_mb_{size // MIB}": f"temporary disk MB, {_size(size)}" for size in plan.sizes[-1:]}
    return {**peaks, "spread_mb": "largest - smallest", **spare}


WORKLOADS = {
    "small": Workload(
        lambda plan: (
            f"{plan.requests} PNGs or more of {PICTURE_BYTES // 1000} KB over {CONNECTIONS} keep-alive connections"
        ),
        lambda _: REQUESTS,
        (*SERVICES, REPLICAS, *OTHERS),
        pictures.sending,
        warm_file=True,
    ),
    "large": Workload(
        lambda plan: f"one file of {_size(plan.large)}",
        lambda _: BYTES,
        ALL,
        files.large,
        warm_file=True,
    ),
    "concurrent": Workload(
        lambda plan: f"{plan.streams} files of {_size(plan.each)} at once",
        lambda _: BYTES,
        ALL,
        files.concurrent,
        warm_file=True,
        long=True,
    ),
    "slow": Workload(
        lambda plan: (
            f"{plan.rate:g} small uploads a second beside {plan.drips} clients that send "
            f"{plan.drip_rate // 1000} KB/s each"
        ),
        lambda _: BESIDE,
        ("local+postgres", "tutorial"),
        slow.slow,
        warm_file=True,
        long=True,
    ),
    "serve": Workload(
        lambda _: f"GETs of a file of {PICTURE_BYTES // 1000} KB over {CONNECTIONS} keep-alive connections",
        lambda _: REQUESTS,
        (*SERVICES, REPLICAS, "asgi-file", *PEERS, "nginx"),
        pictures.serving,
    ),
    "list": Workload(
        lambda plan: (
            f"pages of {listing.LIMIT}, {plan.pages} times each; the deep one lies after {listing.DEEP:.0%} of the rows"
        ),
        _pages,
        ("local+postgres",),
        listing.listing,
        long=True,
    ),
    "memory": Workload(
        lambda _: "one file to a fresh server, for each size",
        _peaks,
        ("local+postgres", "s3+postgres", "tutorial"),
        None,
        long=True,
    ),
}

"""The three kinds of work: many small pictures, one large file, several files at once."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from urllib.parse import urlsplit

from tests.bench.client import Answer, ClosedLoop, read_back, stream
from tests.bench.payload import BLOCK, Upload, big, small
from tests.bench.sampling import Sampler, family, memory
from tests.bench.targets import Target

MIB = 1 << 20
MB = 1e6
GB = 1e9
PICTURE_BYTES = 20_000
CONNECTIONS = 32
WARM_REQUESTS = 100
WARM_FILE = 32 * MIB
READ_BACK = 3
MOST_SECONDS = 60.0
FAILURES = (OSError, ValueError, HTTPException)


@dataclass(frozen=True)
class Plan:
    """How much of everything."""

    requests: int = 2000
    large: int = 512 * MIB
    streams: int = 16
    each: int = 64 * MIB

    @property
    def most(self) -> int:
        """Bytes of the file workload that sends the most."""
        return max(self.large, self.streams * self.each)


QUICK = Plan(requests=400, large=128 * MIB, streams=8, each=16 * MIB)


@dataclass
class Figures:
    """What one measurement gave, and what went wrong in it."""

    values: dict[str, float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def _small(target: Target, plan: Plan) -> Figures:
    return _pictures(target, plan.requests)


def _large(target: Target, plan: Plan) -> Figures:
    return _files(target, 1, plan.large)


def _concurrent(target: Target, plan: Plan) -> Figures:
    return _files(target, plan.streams, plan.each)


WORKLOADS: dict[str, Callable[[Target, Plan], Figures]] = {
    "small": _small,
    "large": _large,
    "concurrent": _concurrent,
}


def measure(workload: str, target: Target, plan: Plan) -> Figures:
    """One measurement; a server that falls over in it is a result, not the end of the run."""
    try:
        return WORKLOADS[workload](target, plan)
    except FAILURES as error:
        return Figures(complaints=[repr(error)])


def warm_up(target: Target) -> list[str]:
    """Let lazy things happen, note the memory of the idle server, let one file through; what went wrong."""
    try:
        pictures = _pictures(target, WARM_REQUESTS)
        target.idle_memory = memory(family(target.pid))
        return pictures.complaints + _files(target, 1, WARM_FILE).complaints
    except FAILURES as error:
        return [repr(error)]


def touch_page_cache(size: int) -> None:
    """Write so much to a file and remove it.

    On a virtual machine the first write to a page of memory costs many times the later ones; without this,
    whoever writes first would pay for all.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-", buffering=0) as file:
        for _ in range(0, size, len(BLOCK)):
            file.write(BLOCK)


def _pictures(target: Target, count: int) -> Figures:
    uploads = [small(PICTURE_BYTES) for _ in range(count)]
    path = target.path("photo")
    requests = [b"".join((upload.head(path, target.headers), *upload.pieces(wrapped=True))) for upload in uploads]
    sampled = {0, count // 2, count - 1}
    loop = ClosedLoop(target.port, requests, sampled, MOST_SECONDS)
    with Sampler(target.pid) as seen:
        load = loop.run(CONNECTIONS)
    complaints = load.complaints + [
        text for number, answer in load.samples.items() for text in differences(target, uploads[number], answer)
    ]
    done = max(1, len(load.seconds))
    values = {
        "requests_per_second": len(load.seconds) / load.wall,
        "p50_ms": load.milliseconds(0.5),
        "p99_ms": load.milliseconds(0.99),
        "cpu_ms_per_request": seen.cpu / done * 1e3,
        "peak_mb": seen.peak / MB,
    }
    return Figures(values, complaints)


def _files(target: Target, streams: int, size: int) -> Figures:
    uploads = [big(size) for _ in range(streams)]
    with ThreadPoolExecutor(streams) as pool, Sampler(target.pid) as seen:
        answers = list(pool.map(lambda upload: _sent(target, upload), uploads))
    complaints = []
    for number, (upload, answer) in enumerate(zip(uploads, answers, strict=True)):
        if isinstance(answer, OSError) or not answer.good:
            complaints.append(str(answer))
        elif number < READ_BACK:
            complaints += differences(target, upload, answer)
    target.forget(size)
    total = streams * size
    values = {
        "mb_per_second": total / MB / seen.seconds,
        "cpu_s_per_gb": seen.cpu / (total / GB),
        "peak_mb": seen.peak / MB,
        "growth_mb": (seen.peak - target.idle_memory) / MB,
    }
    return Figures(values, complaints)


def _sent(target: Target, upload: Upload) -> Answer | OSError:
    def everything() -> Iterator[bytes | memoryview]:
        yield upload.head(target.path("file"), target.headers)
        yield from upload.pieces(wrapped=True)

    try:
        return stream(target.port, everything())
    except OSError as error:
        return error


def differences(target: Target, upload: Upload, answer: Answer) -> Iterator[str]:
    """What the answer says wrongly about an upload, and whether the bytes read back are others."""
    said, digest = answer.json(), upload.sha256(wrapped=target.wrapped)
    size = sum(map(len, upload.pieces(wrapped=target.wrapped)))
    if said.get("size") != size:
        yield f"{size} bytes were sent, the answer says {said}"
    if said.get("sha256", digest) != digest:
        yield "the answer has another SHA-256 than what was sent"
    if "permalink" not in said:
        return
    status, served = read_back(target.port, urlsplit(said["permalink"]).path, target.headers)
    if status != HTTPStatus.OK or served != digest:
        yield f"read back: status {status}, SHA-256 {served}, sent {digest}"

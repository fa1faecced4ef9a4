"""`small` and `serve`: many small pictures, sent, and one of them read again and again."""

from tests.bench.client import Answer, Load, Loop
from tests.bench.payload import Upload, small
from tests.bench.plan import CONNECTIONS, MB, PICTURE_BYTES, Figures, Plan
from tests.bench.sampling import Sampler
from tests.bench.target import Target


class Sending:
    """So many pictures on their way to a server; later numbers send the same ones again, each to a path of its own."""

    def __init__(self, target: Target, count: int) -> None:
        self.uploads = [small(PICTURE_BYTES) for _ in range(count)]
        self._target = target
        self._paths = [target.path("photo") for _ in range(count)]
        made = zip(self.uploads, self._paths, strict=True)
        self._requests = [target.request(upload, path) for upload, path in made]

    def request(self, number: int) -> bytes:
        """The bytes of one request. A PUT that replaces a file would be other work, and slower."""
        place = number % len(self.uploads)
        if number == place or self._target.speech.wrapped:
            return self._requests[place]
        return self._target.request(self.uploads[place], self._target.path("photo"))

    def differences(self, number: int, answer: Answer) -> list[str]:
        """What is wrong with one that was taken."""
        return list(self._target.differences(self.uploads[number], self._paths[number], answer))


def sending(target: Target, plan: Plan) -> Figures:
    """Small uploads over keep-alive connections, as fast as they are answered."""
    return send(target, plan.requests, least=plan.least, most=plan.most)


def send(target: Target, count: int, *, least: float = 0.0, most: float = 60.0, rate: float | None = None) -> Figures:
    """So many small uploads, or so many a second; the first, one in the middle and the last are read back."""
    sending = Sending(target, count)
    sampled = {0, count // 2, count - 1}
    loop = Loop(target.port, sending.request, count, sampled=sampled, least=least, most=most, rate=rate)
    with Sampler(target.pid, database=target.database_pid) as seen:
        load = loop.run(CONNECTIONS)
    found = figures(load, seen)
    for number, answer in load.samples.items():
        found.complaints += sending.differences(number, answer)
    return found


def serving(target: Target, plan: Plan) -> Figures:
    """GETs of one small file over keep-alive connections, as fast as they are answered."""
    upload = small(PICTURE_BYTES)
    address = uploaded(target, upload)
    request = target.get(address)
    loop = Loop(target.port, lambda _: request, plan.requests, least=plan.least, most=plan.most)
    with Sampler(target.pid, database=target.database_pid) as seen:
        load = loop.run(CONNECTIONS)
    found = figures(load, seen)
    size, _ = target.kept(upload)
    if load.received != len(load.seconds) * size:
        found.complaints.append(f"{load.received} bytes came, not {len(load.seconds)} times {size}")
    return found


def uploaded(target: Target, upload: Upload) -> str:
    """The address of a file that was just uploaded, and reads back as it was sent."""
    path, answer = target.send(upload, "photo")
    if not answer.good:
        raise ValueError(str(answer))
    if complaints := list(target.differences(upload, path, answer)):
        raise ValueError(complaints[0])
    return target.address(path, answer)


def figures(load: Load, seen: Sampler) -> Figures:
    """Of many requests."""
    values = {
        "requests_per_second": len(load.seconds) / load.wall,
        "p50_ms": load.milliseconds(0.5),
        "p99_ms": load.milliseconds(0.99),
        "cpu_ms_per_request": seen.cpu / max(1, len(load.seconds)) * 1e3,
        "database_ms_per_request": seen.database / max(1, len(load.seconds)) * 1e3,
        "peak_mb": seen.peak / MB,
        "client": seen.client * 100,
        "others": seen.others * 100,
        "requests": len(load.seconds),
    }
    return Figures(values, load.complaints)

"""`large`, `concurrent` and `memory`: large files, one or several at once."""

from concurrent.futures import ThreadPoolExecutor

from tests.bench.client import Answer
from tests.bench.payload import Upload, big
from tests.bench.plan import GB, MB, Figures, Plan
from tests.bench.sampling import Sampler
from tests.bench.target import Target

READ_BACK = 3


def large(target: Target, plan: Plan) -> Figures:
    """One large file."""
    return send(target, 1, plan.large)


def concurrent(target: Target, plan: Plan) -> Figures:
    """Several large files at once."""
    return send(target, plan.streams, plan.each)


def send(target: Target, streams: int, size: int) -> Figures:
    """Files of one size at once; the first few are read back, and none stays on the disk."""
    uploads = [big(size) for _ in range(streams)]
    with ThreadPoolExecutor(streams) as pool, Sampler(target.pid, target.folder / "tmp", target.database_pid) as seen:
        answers = list(pool.map(lambda upload: _sent(target, upload), uploads))
    complaints = []
    for number, (upload, (path, answer)) in enumerate(zip(uploads, answers, strict=True)):
        if isinstance(answer, OSError) or not answer.good:
            complaints.append(str(answer))
        elif number < READ_BACK:
            complaints += target.differences(upload, path, answer)
    target.forget(uploads[0])
    total = streams * size
    values = {
        "mb_per_second": total / MB / seen.seconds,
        "cpu_s_per_gb": seen.cpu / (total / GB),
        "peak_mb": seen.peak / MB,
        "growth_mb": (seen.peak - target.idle_memory) / MB,
        "spare_mb": seen.spare / MB,
        "client": seen.client * 100,
        "others": seen.others * 100,
    }
    return Figures(values, complaints)


def _sent(target: Target, upload: Upload) -> tuple[str, Answer | OSError]:
    try:
        return target.send(upload, "file")
    except OSError as error:
        return "", error

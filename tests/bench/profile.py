"""`python -m tests.bench.profile`: where the service's time goes, as py-spy sees it: a table and a flame graph."""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests import postgres
from tests.bench.plan import Plan
from tests.bench.servers.catalogue import BENCH_PYTHON, ROOT
from tests.bench.servers.rack import Rack
from tests.bench.target import Target
from tests.bench.workloads.catalogue import SERVICES, WORKLOADS
from tests.bench.workloads.pictures import send

WARM_REQUESTS = 100
RATE = 200  # samples a second
SHOWN = 40
LINE = re.compile(r":\d+\)$")
SHORT = re.compile(r"\((?:.*/site-packages/|.*/lib/python[\d.]+/)")


def main() -> int:
    """Profile one server under one workload, twice: for the table and for the picture."""
    options = _arguments()
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    stacks, picture = folder / f"profile-{options.workload}.txt", folder / f"profile-{options.workload}.svg"
    with postgres.running(durable=True) as server, Rack(server) as rack, rack.one(options.target) as target:
        send(target, WARM_REQUESTS)
        for form, path in (("raw", stacks), ("flamegraph", picture)):
            with _recorded(target, form, path, options):
                _work(target, options)
    print(table(stacks.read_text()))
    print(f"\nstacks: {stacks.relative_to(ROOT)}\nflame graph: {picture.relative_to(ROOT)}")
    return 0


def table(stacks: str) -> str:
    """The functions that most samples were taken in, by themselves and with what they called."""
    alone, within, total = counted(stacks)
    lines = [f"{total} samples", f"{'self':>6} {'total':>6}  function"]
    for name, count in alone.most_common(SHOWN):
        lines.append(f"{count / total:6.1%} {within[name] / total:6.1%}  {name}")
    return "\n".join(lines)


def counted(stacks: str) -> tuple[Counter[str], Counter[str], int]:
    """Samples by the innermost function, by any function of the stack, and all of them. One stack a line."""
    alone, within = Counter[str](), Counter[str]()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        names = [_function(frame) for frame in stack.split(";")]
        alone[names[-1]] += int(count)
        for name in set(names):
            within[name] += int(count)
    return alone, within, alone.total()


def _function(frame: str) -> str:
    """`name (path:line)` without the line, and without where Python is installed."""
    return SHORT.sub("(", LINE.sub(")", frame))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--workload", default="small", choices=[name for name in WORKLOADS if name != "memory"])
    parser.add_argument("--target", default="local+postgres", choices=SERVICES)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--native", action="store_true", help="show functions of C too")
    parser.add_argument("--all", action="store_true", help="threads that wait, too, not only who holds the GIL")
    options = parser.parse_args()
    if not BENCH_PYTHON.with_name("py-spy").exists():
        parser.error(f"py-spy is not in {BENCH_PYTHON.parents[1].name}: `make profile` installs it")
    return options


@contextlib.contextmanager
def _recorded(target: Target, form: str, path: Path, options: argparse.Namespace) -> Iterator[None]:
    """py-spy watches while the block runs; it writes when it is interrupted."""
    command = [str(BENCH_PYTHON.with_name("py-spy")), "record", "--pid", str(target.pid), "--rate", str(RATE)]
    command += ["--format", form, "--output", str(path), "--threads", "--function"]
    command += [option for option, chosen in (("--native", options.native), ("--gil", not options.all)) if chosen]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=sys.stderr, cwd=ROOT) as recorder:
        try:
            yield
        finally:
            recorder.send_signal(signal.SIGINT)


def _work(target: Target, options: argparse.Namespace) -> None:
    """The workload, again and again, for so many seconds."""
    measure = WORKLOADS[options.workload].measure
    assert measure
    plan = Plan(least=options.seconds, most=options.seconds, alone=options.seconds)
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        for text in measure(target, plan).complaints[:1]:
            print(f"failed: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())

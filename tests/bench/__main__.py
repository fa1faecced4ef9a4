"""`python -m tests.bench`: measure the service beside other servers, in turns, and print tables."""

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from tests import postgres
from tests.bench import aims, proof, report
from tests.bench.payload import BLOCK
from tests.bench.plan import QUICK, Plan
from tests.bench.rounds import Rounds, measured
from tests.bench.servers import image
from tests.bench.servers.catalogue import KINDS, Starting, beside, missing, settings
from tests.bench.servers.rack import Rack
from tests.bench.workloads.catalogue import SERVICES, WORKLOADS

SHOWN = 10  # complaints
NOTES = """\
Medians of the rounds (memory and disk: the largest); xN is the ratio to the tutorial, else to asgi-file. On a shared
machine only the ratios mean something. CPU and memory are those of the server's processes, without the database.
"""


def main() -> int:
    """Measure what was asked for; 1 if anything failed or came back changed."""
    signal.signal(signal.SIGTERM, _leave)
    options = _arguments()
    try:
        return _run(options)
    except RuntimeError as error:  # a server did not start; its log is in the sentence
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    plan = QUICK if options.quick else Plan()
    spoken = Spoken(at_once=not options.markdown)
    spoken.say(machine := report.machine())
    with postgres.running(durable=True) as server, Rack(server, kept=options.quick) as rack:
        spoken.say(_opening(options.target, server))
        rack.begin(options.target)
        proofs = [proof.proven(name, rack, plan) for name in options.target if name in SERVICES and options.proof]
        if proofs:
            spoken.say(proof.table(proofs))
        seen = _all(options, rack, plan, spoken)
    spoken.end()
    if options.json:
        options.json.write_text(_document(machine, plan, seen, proofs))
    failed = [text for some in proofs for text in some.complaints]
    failed += [
        text for rounds in seen.values() for some in rounds.values() for each in some for text in each.complaints
    ]
    for text in failed[:SHOWN]:
        print(f"failed: {text}", file=sys.stderr)
    return int(bool(failed))


class Spoken:
    """What is printed: paragraph by paragraph, or all of it at the end."""

    def __init__(self, *, at_once: bool) -> None:
        self._at_once, self._kept = at_once, list[str]()

    def say(self, text: str) -> None:
        """One more paragraph."""
        self._kept.append(text)
        if self._at_once:
            print(text, end="\n\n", flush=True)

    def end(self) -> None:
        """That was all."""
        if not self._at_once:
            print("\n\n".join(self._kept), flush=True)


def _all(options: argparse.Namespace, rack: Rack, plan: Plan, spoken: Spoken) -> dict[str, Rounds]:
    """Every workload, and at the end what they say of the aims."""
    seen: dict[str, Rounds] = {}
    _touch_page_cache(2 * plan.most_bytes)
    for name in options.workload:
        rounds = options.rounds or WORKLOADS[name].rounds(plan)
        targets = [target for target in options.target if target.partition("@")[0] in WORKLOADS[name].targets]
        if targets:
            seen[name] = measured(name, targets, rack, plan, rounds)
            found = report.summaries(seen[name])
            spoken.say(report.table(name, plan, rounds, found, base=options.baseline))
    if not options.quick:
        spoken.say(aims.table({name: report.summaries(rounds) for name, rounds in seen.items()}))
    return seen


def _leave(number: int, frame: FrameType | None) -> None:
    """Ended from outside: leave through the context managers, so that no process stays behind."""
    raise SystemExit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, one round, without comparators")
    parser.add_argument("--rounds", type=int, help="default: 5, of what takes long 3, with --quick 1")
    parser.add_argument("--target", nargs="+", action="extend", choices=tuple(KINDS))
    parser.add_argument("--workload", nargs="+", action="extend", choices=tuple(WORKLOADS))
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="measure the service of another checkout too")
    parser.add_argument("--baseline", metavar="NAME", help="whose figures are 1; default: tutorial, else asgi-file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single figure here")
    parser.add_argument("--markdown", action="store_true", help="print it all at the end, for docs/performance.md")
    parser.add_argument("--no-proof", dest="proof", action="store_false", help="do not count rows, files, fsyncs first")
    options = parser.parse_args()
    wanted = options.target or [name for name in KINDS if not (options.quick and KINDS[name].peer)]
    if options.target and (reasons := list(filter(None, map(missing, options.target)))):
        parser.error("; ".join(reasons))
    options.target = [name for name in dict.fromkeys(wanted) if not missing(name)]
    if options.beside:
        others = beside(options.beside.resolve())
        options.target += [others[name] for name in options.target if name in others]
    options.workload = list(dict.fromkeys(options.workload or WORKLOADS))
    return options


def _opening(targets: list[str], server: str) -> str:
    """What is compared, where, and under which settings."""
    lines = [NOTES, f"{proof.durable(server)}.", ""]
    if absent := [reason for name in KINDS if name not in targets and (reason := missing(name))]:
        lines += [f"Left out: {'; '.join(absent)}.", ""]
    given = Starting(0, Path("FOLDER"), server, 0)
    lines.append("The service runs with the image's environment. What differs from the defaults of its settings:\n")
    lines += [f"- `{line}`" for line in image.differing(image.with_settings(settings(given)))]
    return "\n".join(lines)


def _touch_page_cache(size: int) -> None:
    """Write so much to a file and remove it.

    On a virtual machine the first write to a page of memory costs many times the later ones; without this,
    whoever writes first would pay for all.
    """
    with tempfile.NamedTemporaryFile(prefix="bench-", buffering=0) as file:
        for _ in range(0, size, len(BLOCK)):
            file.write(BLOCK)


def _document(machine: str, plan: Plan, seen: dict[str, Rounds], proofs: list[proof.Proof]) -> str:
    content = {
        "machine": machine,
        "plan": dataclasses.asdict(plan),
        "proof": [dataclasses.asdict(some) for some in proofs],
        "medians": {workload: report.summaries(rounds) for workload, rounds in seen.items()},
        "rounds": {
            workload: {name: [dataclasses.asdict(figures) for figures in some] for name, some in rounds.items()}
            for workload, rounds in seen.items()
        },
    }
    return json.dumps(content, indent=1)


if __name__ == "__main__":
    sys.exit(main())

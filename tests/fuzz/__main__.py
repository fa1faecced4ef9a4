"""`python -m tests.fuzz`: any bytes at what reads them, any call at the interface; a line for each target.

python -m tests.fuzz --runs 20000                     # another seed each time
python -m tests.fuzz --target svg names --seed 7      # again, as it was
python -m tests.fuzz --target svg --replay build/fuzz/svg-0123456789ab

A finding is what raises anything but a documented refusal, takes too long, grows, or breaks a promise. Its input is
kept in build/fuzz. Exit code 0: nothing was found. 1: a finding. 3: a run did not come to its end by itself.
"""

import argparse
import base64
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.fuzz.runs import NotFinished, run_one
from tests.fuzz.target import ALL, BY_BYTES, SECONDS, load, meant
from tests.fuzz.watch import Outcome

FOUND, BROKEN = 1, 3
AT_ONCE = 2
SHOWN = 2000  # bytes of an input that is printed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, two targets at a time."""
    options = _options(arguments)
    if options.replay:
        load(options.target[0]).execute(meant(options.replay.read_bytes()))
        return 0
    _say(f"seed {options.seed}, at most {SECONDS:g} s of the processor for one execution")
    outcomes, broken = [], False
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(run_one, name, options.runs, options.seed) for name in _slowest_first(options)]
        for future in as_completed(runs):
            try:
                outcomes.append(future.result())
                _say("\n".join(_lines(outcomes[-1])))
            except NotFinished as failure:
                _say(str(failure))
                broken = True
    _say(f"{sum(outcome.executions for outcome in outcomes)} executions, seed {options.seed}")
    return BROKEN if broken else FOUND if any(outcome.findings for outcome in outcomes) else 0


def _slowest_first(options: argparse.Namespace) -> list[str]:
    return sorted(options.target, key=lambda name: (name != "api", name != "metadata"))


def _lines(outcome: Outcome) -> Iterator[str]:
    """The figures, then the findings."""
    yield (
        f"{outcome.target:<11}{outcome.executions:>8} executions  seed {outcome.seed}  {outcome.engine:<12}"
        f"{outcome.seconds:>7.1f} s  longest {outcome.longest_ms:>6.0f} ms  memory +{outcome.growth_mib:.0f} MiB  "
        f"{len(outcome.findings) or 'no'} findings"
    )
    for what, where in outcome.findings.items():
        yield f"  {what}: {where}"
        if outcome.target in BY_BYTES and Path(where).exists() and (kept := Path(where).read_bytes())[SHOWN:] == b"":
            yield f"  {base64.b64encode(kept).decode()}"  # a build server keeps no files


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=20_000, help="of each target (20,000); a tenth for the interface")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="default: another each time")
    parser.add_argument("--target", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument("--replay", type=Path, help="one kept input, for one target")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

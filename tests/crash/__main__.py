"""`python -m tests.crash`: kill the service again and again, and print what it kept of its promises.

python -m tests.crash --pair local+sqlite --rounds 50 --seed 1
python -m tests.crash --pair all --rounds 20

A round: clients upload, replace, delete and retry; the service is killed (every fifth time told to stop); it starts
again; every answer that it ever gave is checked; a sweep; rows and objects are compared. A seed repeats the plan, not
the moments of a machine. Exit code 0: nothing was found. 1: a defect of the service; the folder of the run is kept.
3: the harness failed, or a long run spared a step, which says nothing about the service.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.crash.pairs import PAIRS, Servers, opened, own_servers
from tests.crash.run import Run
from tests.crash.tally import DEFECTS, Tally, say, table

DEFECT, BROKEN = 1, 3
LONG = 200  # rounds, after which each step should have been hit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, print one table."""
    signal.signal(signal.SIGTERM, _leave)
    options = _options(arguments)
    pairs = PAIRS if options.pair == "all" else (options.pair,)
    tallies: list[Tally] = []
    try:
        with own_servers() as servers:
            for pair in pairs:
                tallies.append(Tally(pair))
                _one(tallies[-1], servers, options)
    except Exception:  # noqa: BLE001 - a defect of ours must not look like one of the service
        traceback.print_exc()
        say("the harness failed: this says nothing about the service")
        return BROKEN
    finally:
        sys.stdout.write(f"seed {options.seed}\n{table(tallies)}\n")
    return _judged(tallies)


def _judged(tallies: Sequence[Tally]) -> int:
    """What the figures mean; a long run that spared a step has not done its work."""
    found = {defect for tally in tallies for defect, _ in tally.defects}
    for defect in found:
        say(f"{defect}: {DEFECTS[defect]}")
    spared = [f"{tally.pair}: {', '.join(tally.never)}" for tally in tallies if tally.rounds >= LONG and tally.never]
    for line in spared:
        say(f"no kill fell into a step, {line}")
    return DEFECT if found else BROKEN if spared else 0


def _one(tally: Tally, servers: Servers, options: argparse.Namespace) -> None:
    """One pair, in a folder that stays if anything is wrong."""
    folder = Path(tempfile.mkdtemp(prefix=f"stowage-crash-{tally.pair}-"))
    say(f"{tally.pair}: seed {options.seed}, log {folder / 'service.log'}")
    until = time.monotonic() + 60 * options.minutes
    try:
        with opened(tally.pair, folder, servers) as place:
            Run(place, tally, options.seed).rounds(options.rounds, until=until)
    except BaseException:
        say(f"kept: {folder}")
        raise
    if tally.defects or options.keep:
        say(f"kept: {folder}")
    else:
        shutil.rmtree(folder)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__.partition("\n")[0])
    parser.add_argument("--pair", choices=(*PAIRS, "all"), default="all")
    parser.add_argument("--rounds", type=int, default=20, help="of each pair (20)")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="default: another each time")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="at most so many for each pair")
    parser.add_argument("--keep", action="store_true", help="keep the folder in any case")
    return parser.parse_args(arguments)


def _leave(number: int, _frame: FrameType | None) -> None:
    """Ended from outside: leave through the context managers, so that no process stays behind."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())

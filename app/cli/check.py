"""`stowage check`: compare rows with the bytes in every store, and remove what no row knows."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app import telemetry
from app.assets.check import Checker, Finding, Interrupted
from app.assets.check_listing import ADMIN_CALLS, Listings
from app.assets.check_repair import MOST, Repair, refusal
from app.bootstrap import build, settle
from app.services import Services
from app.settings import Settings

AGREE, DIFFER, UNFINISHED = 0, 1, 75  # 75 is "try again later" (EX_TEMPFAIL)
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said besides."""
    add = parser.add_argument
    add("--deep", action="store_true", help="read every object and compare its SHA-256")
    add("--json", action="store_true", help="print one JSON object instead of a table")
    add("--repair", action="store_true", help="remove orphans, after a run without it has shown them")
    add("--quarantine", type=Path, metavar="FOLDER", help="like --repair, but move them into a folder")
    add("--limit", type=_count, metavar="N", help=f"take at most N orphans ({MOST})")
    add(
        "--admin-calls",
        type=_count,
        default=ADMIN_CALLS,
        metavar="N",
        help=f"to Cloudinary in this run ({ADMIN_CALLS})",
    )
    add("--resume", type=Path, metavar="FILE", help="keep the place of Cloudinary's listing here, and go on from it")


def run(arguments: argparse.Namespace) -> int:
    """0: rows and stores agree; 1: they don't, or something can't be compared; 75: another run has to go on."""
    settings = settle(Settings())
    if arguments.quarantine and arguments.quarantine.resolve().is_relative_to(settings.storage.files.resolve()):
        raise ValueError("--quarantine: the folder lies in the store itself.")
    telemetry.configure(level="error", style=settings.logs.style, stream=sys.stderr)
    return asyncio.run(_check(settings, arguments))


async def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    services = build(settings)
    try:
        await services.identities.verify()
        return await _compare(services, arguments)
    finally:
        await services.close()


@dataclass(slots=True)
class Found:
    """What the end of a run is made of. Of the orphans one more is kept than may be removed."""

    most: int
    orphans: list[Finding] = field(default_factory=list)
    others: int = 0
    interrupted: bool = False
    refusal: str | None = None

    def add(self, finding: Finding) -> None:
        """One more."""
        if finding.finding != "orphan":
            self.others += 1
        elif len(self.orphans) <= self.most:
            self.orphans.append(finding)


async def _compare(services: Services, arguments: argparse.Namespace) -> int:
    listings = Listings(admin_calls=arguments.admin_calls, resume=arguments.resume)
    checker = Checker(services.database, services.stores, listings)
    repair = Repair(services.database, services.stores, arguments.quarantine)
    show = JsonLines() if arguments.json else Lines()
    found, watch = Found(MOST if arguments.limit is None else arguments.limit), Watch()
    try:
        async for finding in checker.findings(deep=arguments.deep, progress=watch):
            show.finding(finding)
            found.add(finding)
        if found.orphans and (arguments.repair or arguments.quarantine):
            found.refusal = await _repair(checker, repair, found.orphans, arguments.limit, watch)
    except Interrupted:
        found.interrupted = True
    checker.counts.errors.extend(repair.errors)
    show.end(_end(checker, repair, found, listings.kept))
    if found.interrupted or listings.kept:
        return UNFINISHED
    return DIFFER if found.others or len(found.orphans) > repair.removed or checker.counts.errors else AGREE


async def _repair(
    checker: Checker, repair: Repair, orphans: Sequence[Finding], limit: int | None, watch: "Watch"
) -> str | None:
    """What was refused, or nothing."""
    if why := refusal(checker, orphans, limit):
        return f"Nothing was removed: {why}"
    await repair.remove(orphans, watch)
    return None


def _end(checker: Checker, repair: Repair, found: Found, kept: Path | None) -> dict[str, Any]:
    return {
        **asdict(checker.counts),
        "removed": repair.removed,
        "refusal": found.refusal,
        "complete": not (found.interrupted or checker.counts.errors),
        "resume": None if kept is None else str(kept),
    }


class Lines:
    """For people."""

    def finding(self, finding: Finding) -> None:
        """One line."""
        print(f"{finding.finding:<8} {finding.store:<11} {finding.key}  {finding.id or ''}".rstrip())

    def end(self, said: dict[str, Any]) -> None:
        """The totals, and what a run can't know."""
        for error in said["errors"]:
            print(f"not compared: {error}")
        print("{rows} rows, {objects} objects, {foreign} of them not ours, {removed} removed".format(**said))
        if said["refusal"]:
            print(said["refusal"])
        if said["resume"]:
            print(f"Not complete. Go on later: stowage check --resume {said['resume']}")
        elif not said["complete"]:
            print("Not complete.")


class JsonLines:
    """For programs: one object, written as it is found."""

    def __init__(self) -> None:
        self._before = '{"findings": ['

    def finding(self, finding: Finding) -> None:
        """One member of the list."""
        print(self._before + json.dumps(asdict(finding), default=str))
        self._before = ","

    def end(self, said: dict[str, Any]) -> None:
        """The rest of the object."""
        print(f"{'' if self._before == ',' else self._before}], {json.dumps(said)[1:]}")


class Watch:
    """Progress on stderr, where somebody looks; and the way out: after a signal, the next thing counted is the last.

    A second signal ends the process at once.
    """

    def __init__(self) -> None:
        self._stopped = False
        for number in SIGNALS:
            signal.signal(number, self._stop)

    def __call__(self, what: str, count: int) -> None:
        """So many by now."""
        if self._stopped:
            raise Interrupted
        if sys.stderr.isatty():
            print(f"\r\x1b[K{what}: {count}", end="\r", file=sys.stderr, flush=True)

    def _stop(self, *_signal: object) -> None:
        self._stopped = True
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a number, 0 or more")
    return int(text)

"""`stowage check`: compare rows with the bytes in every store, and remove what no row knows."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict

from app import telemetry
from app.assets.check import Checker, Counts, Finding
from app.bootstrap import build, settle
from app.services import Services
from app.settings import Settings

MOST = 100  # orphans removed at once, unless --limit says otherwise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be said besides."""
    parser.add_argument("--deep", action="store_true", help="read every object and compare its SHA-256")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--repair", action="store_true", help="remove orphans, after a run without it has shown them")
    parser.add_argument("--limit", type=int, default=MOST, metavar="N", help=f"remove at most N orphans ({MOST})")


def run(arguments: argparse.Namespace) -> int:
    """0: rows and stores agree; 1: they don't, or something could not be compared."""
    settings = settle(Settings())
    telemetry.configure(level="error", style=settings.logs.style, stream=sys.stderr)
    return asyncio.run(_check(settings, arguments))


async def _check(settings: Settings, arguments: argparse.Namespace) -> int:
    services = build(settings)
    try:
        await services.identities.verify()
        return await _compare(services, arguments)
    finally:
        await services.close()


async def _compare(services: Services, arguments: argparse.Namespace) -> int:
    checker = Checker(services.database, services.stores)
    show = JsonLines() if arguments.json else Lines()
    orphans: list[Finding] = []
    missing = others = 0
    async for finding in checker.findings(deep=arguments.deep, progress=_progress):
        show.finding(finding)
        missing += finding.finding == "missing"
        others += finding.finding not in {"missing", "orphan"}
        if finding.finding == "orphan" and len(orphans) <= arguments.limit:
            orphans.append(finding)
    removed, refusal = 0, _refusal(checker, orphans, missing, arguments.limit)
    if arguments.repair and refusal is None:
        removed = await checker.remove(orphans)
    show.end(checker.counts, removed=removed, refusal=refusal if arguments.repair and orphans else None)
    return 1 if missing or others or len(orphans) > removed or checker.counts.errors else 0


def _refusal(checker: Checker, orphans: list[Finding], missing: int, limit: int) -> str | None:
    """Why nothing is to be removed: what looks like orphans may be another's bucket, or an older database."""
    if checker.counts.errors:
        return "Nothing was removed: a store could not be listed."
    if missing > checker.counts.rows // 2:
        return "Nothing was removed: most rows miss their bytes, so this looks like the wrong store or a short listing."
    if len(orphans) > limit:
        return (
            f"Nothing was removed: there are more than {limit} orphans. Is this database older than the store? --limit"
        )
    return None


class Lines:
    """For people."""

    def finding(self, finding: Finding) -> None:
        """One line."""
        print(f"{finding.finding:<8} {finding.store:<11} {finding.key}  {finding.id or ''}".rstrip())

    def end(self, counts: Counts, *, removed: int, refusal: str | None) -> None:
        """The totals."""
        for error in counts.errors:
            print(f"not compared: {error}")
        print(f"{counts.rows} rows, {counts.objects} objects, {counts.foreign} of them not ours, {removed} removed")
        if refusal:
            print(refusal)


class JsonLines:
    """For programs: one object, written as it is found."""

    def __init__(self) -> None:
        self._before = '{"findings": ['

    def finding(self, finding: Finding) -> None:
        """One member of the list."""
        print(self._before + json.dumps(asdict(finding), default=str))
        self._before = ","

    def end(self, counts: Counts, *, removed: int, refusal: str | None) -> None:
        """The rest of the object."""
        rest = json.dumps({**asdict(counts), "removed": removed, "refusal": refusal})
        print(f"{'' if self._before == ',' else self._before}], {rest[1:]}")


def _progress(what: str, count: int) -> None:
    """On stderr, and only where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r{what}: {count}", end="", file=sys.stderr, flush=True)

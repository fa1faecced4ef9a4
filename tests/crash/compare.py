"""After the sweep: rows and objects agree, and nothing is left of what was given up."""

import json
import time

from tests.crash import service
from tests.crash.pairs import Place
from tests.crash.remains import Row
from tests.crash.tally import Tally

TRIES, PAUSE = 6, 0.5  # the service's own sweeper may be at work
FINDINGS = {"missing": "dangling", "orphan": "orphans", "size": "corrupt", "hash": "corrupt"}


def compare(place: Place, tally: Tally, *, sweeping: bool) -> None:
    """Count what differs for longer than a sweep may take. Without a sweep, what was given up may still be there."""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE)
        if sweeping:
            _sweep(place, tally)
        if not (found := _differences(place, swept=sweeping)):
            return
    for defect in found:
        tally.add(*defect)


def check(place: Place, tally: Tally) -> None:
    """The same by the service's own command, every byte read."""
    done = service.run("check", "--deep", "--json", environment=place.direct)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        place.remains.check_servers()
        tally.add("left", f"stowage check: {done.returncode} {done.stdout[-500:]} {done.stderr[-500:]}")
        return
    for finding in said["findings"]:
        tally.add(FINDINGS[finding["finding"]], f"stowage check: {finding}")
    kept = sum(row.state == "ready" for row in place.remains.rows())
    if (said["rows"], said["objects"]) != (kept, kept) or done.returncode != bool(said["findings"]):
        tally.add("left", f"stowage check: {done.returncode}, {done.stdout[-500:]}; {kept} rows are ready")


def _sweep(place: Place, tally: Tally) -> None:
    """`stowage sweep`, when everybody's grace is over. Nothing is under way now, so that 0 is honest."""
    place.remains.forward()
    done = service.run("sweep", environment=place.direct | {"SWEEP_GRACE": "0"})
    with place.log.open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode:
        place.remains.check_servers()
        tally.add("left", f"stowage sweep: {done.returncode} {done.stderr[-500:]}")


def _differences(place: Place, *, swept: bool) -> list[tuple[str, str]]:
    rows, objects = place.remains.rows(), place.remains.objects()
    found = [("orphans", f"{key} has no row") for key in objects.keys() - {row.key for row in rows}]
    if swept:
        found += [("orphans", f"{name} is still in the spool") for name in place.remains.spooled()]
    for row in rows:
        if row.state != "ready":
            found += [("left", f"{row.id} is {row.state}, {row.key}")] if swept else []
        elif problem := _problem(place, row, objects.get(row.key)):
            found.append(problem)
    return found


def _problem(place: Place, row: Row, size: int | None) -> tuple[str, str] | None:
    """Of a ready row. What a listing lacks may be there: then the listing is wrong, which is a store's defect."""
    if size is None and not place.remains.has(row.key):
        return "dangling", f"{row.id} is ready, and {row.key} is not there"
    if size is None:
        return "left", f"{row.key} is there, and not in the listing"
    return None if size == row.size else ("corrupt", f"{row.key} has {size} bytes instead of {row.size}")

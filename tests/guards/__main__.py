"""Switches the guards off, one by one: `make guards`, or `make guards ONLY="S16"`. A survivor is a missing test."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from tests.guards.guard import Guard
from tests.guards.table import CONTROLS, GUARDS
from tests.guards.trial import Outcome, outcome, start

AT_ONCE = 2
# What trials import, and that is not ours: each fork has it already.
HEAVY = (
    *("alembic.command", "boto3.session", "botocore.endpoint", "fastapi", "httpx2", "hypothesis", "jwt", "multipart"),
    *("PIL.Image", "psycopg", "pydantic_settings", "sqlalchemy.dialects.sqlite", "starlette.testclient", "uvicorn"),
    *("_pytest.doctest", "_pytest.junitxml", "_pytest.pastebin", "anyio._backends._asyncio", "s3transfer.manager"),
)


def main(words: Sequence[str]) -> int:
    """0 when every guard was noticed to be gone. `words`: only those that have one of them in their name."""
    chosen = [guard for guard in GUARDS if not words or set(words) & set(guard.name.split())]
    for name in HEAVY:
        import_module(name)
    began, wrong = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="guards-") as scratch:
        for guard, result in trials([*CONTROLS, *chosen], Path(scratch)):
            wrong += result.killed == (guard in CONTROLS)
            tell(line(guard, result))
    tell(f"{len(chosen)} guards and {len(CONTROLS)} controls, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def trials(guards: Sequence[Guard], scratch: Path) -> Iterator[tuple[Guard, Outcome]]:
    """Each guard with what came of it, in the order in which they end."""
    waiting, running = list(enumerate(guards)), dict[int, tuple[Guard, Path]]()
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, guard = waiting.pop(0)
            folder = scratch / str(number)
            running[start(guard, folder)] = (guard, folder)
        process, _ = os.wait()
        guard, folder = running.pop(process)
        yield guard, outcome(process, folder)


def line(guard: Guard, result: Outcome) -> str:
    """One line a guard; a control is no guard, and has to survive."""
    if guard in CONTROLS:
        return f"{'WRONG   ' if result.killed else 'control '}  {guard.what}: {result.said}"
    return f"{'killed  ' if result.killed else 'SURVIVED'}  {guard.name}: {result.killer or result.said}"


def tell(text: str) -> None:
    """A line on stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Runs a command line of the service with the stores wrapped: `python -m tests.faults.with_faults python -m app serve`.

`FAULTS=put:during:kill` says which call, at which moment, and what happens to the process. Sockets are asyncio's own,
not uvloop's: then a plain `write` is a write to a file, and strace can tell them apart.
"""

import os
import sys
from typing import Any

from tests.faults.backend import ACTS, faulty

PREFIX = (sys.executable, "-m", "tests.faults.with_faults")


def main() -> int:
    """The exit code of the command."""
    sys.modules["uvloop"] = None  # type: ignore[assignment] - "not installed"
    from app.cli import main as stowage
    from app.storage import registry

    make = registry.make
    call, _, rest = os.environ.get("FAULTS", "").partition(":")
    moment, _, act = rest.partition(":")

    def wrapped(*given: Any) -> Any:
        backend = faulty(make(*given))
        return backend.plan(call, moment, ACTS[act]) if act else backend  # type: ignore[arg-type]

    registry.make = wrapped
    code: int = stowage(sys.argv[sys.argv.index("app") + 1 :])
    return code


if __name__ == "__main__":
    sys.exit(main())

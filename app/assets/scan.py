"""The virus scan between policy and cleaning: what clamd finds something in, or says nothing about, is not taken."""

import asyncio
from time import monotonic
from typing import Any

from app.assets.clamd import Clamd
from app.assets.incoming import Incoming
from app.errors import Infected, StowageError
from app.lanes import Lane
from app.storage.folders import translated
from app.storage.spool import Body
from app.telemetry import log

THREADS = 8  # files that clamd has at once; it takes 10 if nobody says anything
PATIENCE = 30.0  # seconds that a file waits for its turn


class Scanner:
    """Asks clamd, in threads of its own: one that is slow holds neither the loop nor a store's threads."""

    def __init__(self, clamd: Clamd) -> None:
        self._clamd = clamd
        self._files = Lane("scan", threads=THREADS, waiting=256, patience=PATIENCE)
        self._questions = Lane("scan-ping", threads=1, waiting=1)

    async def check(self, file: Incoming) -> None:
        """Raise `Infected` with the name of what was found, `ScannerUnavailable` when nobody can tell."""
        began = monotonic()
        seen: dict[str, Any] = {"sha256": file.body.sha256, "size": file.body.size}
        try:
            found = await self._files.run(_scan, self._clamd, file.body)
        except StowageError as failure:
            log("scan.failed", level=30, ms=_ms(began), reason=failure.detail, **seen)
            raise
        if found is not None:
            log("scan.found", level=30, ms=_ms(began), signature=found, **seen)
            raise Infected(f"The virus scanner found {found}.", signature=found, filename=file.filename)
        log("scan.clean", level=10, ms=_ms(began), **seen)

    async def ping(self) -> str:
        """What clamd calls itself and its signatures, or `ScannerUnavailable`."""
        return await self._questions.run(self._clamd.version)

    async def meet(self, seconds: float) -> None:
        """Ask once, and log it: an operator sees early what is wrong."""
        try:
            async with asyncio.timeout(seconds):
                log("scanner.ready", version=await self.ping())
        except (StowageError, TimeoutError) as reason:
            log("scanner.unavailable", level=30, reason=str(reason) or "No answer.")

    def close(self) -> None:
        """Wait for what runs."""
        self._files.close()
        self._questions.close()


def _scan(clamd: Clamd, body: Body) -> str | None:
    with translated(), body.open() as stream:
        return clamd.scan(stream)


def _ms(began: float) -> float:
    return round((monotonic() - began) * 1000, 2)

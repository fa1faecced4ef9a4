"""`stowage sweep`: one sweep, now."""

import asyncio
import json
import sys
from dataclasses import asdict

from app import telemetry
from app.assets.sweep import Report
from app.bootstrap import build, settle
from app.settings import Settings


def run() -> int:
    """Print what was done as JSON; 1 when a store would not delete something."""
    settings = settle(Settings())
    telemetry.configure(level="warning", style=settings.logs.style, stream=sys.stderr)
    report = asyncio.run(_sweep(settings))
    print(json.dumps(asdict(report)))
    return 1 if report.failed else 0


async def _sweep(settings: Settings) -> Report:
    services = build(settings)
    try:
        await services.identities.verify()
        return await services.sweeper.sweep()
    finally:
        await services.close()

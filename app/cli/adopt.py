"""`stowage adopt`: go on with the disk that is there."""

import asyncio
import sys

from app import telemetry
from app.bootstrap import build, settle
from app.settings import Settings


def run() -> int:
    """Say which stores are other disks than they were, and take them as they are."""
    settings = settle(Settings())
    telemetry.configure(level="error", style=settings.logs.style, stream=sys.stderr)
    changed = asyncio.run(_adopt(settings))
    print(f"Adopted: {', '.join(changed)}." if changed else "Every store is the one that it was.")
    return 0


async def _adopt(settings: Settings) -> list[str]:
    services = build(settings)
    try:
        return await services.identities.adopt()
    finally:
        await services.close()

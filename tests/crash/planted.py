"""Faults of the service that the harness has to find, planted by `tests/planting.py`; and what the longer ones do."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests import planting
from tests.planting import Edit

if TYPE_CHECKING:
    from app.assets.ingest import Ingest, Work
    from app.db.records import Asset, Draft, Kept, Placed

LATE = 0.1  # seconds

_flush = os.fsync
_late: list[int] = []  # descriptors whose flush is still to come


def prefix(fault: str) -> list[str]:
    """What comes before the service's own command line."""
    return planting.prefix(planting.written([FAULTS[fault]]))


async def answer_before_the_commit(self: "Ingest", work: "Work", placed: Sequence["Placed"]) -> "Kept":
    """The client is told before it is true."""
    from app.db.records import Kept

    if work.order.slot is not None or work.claim is not None:
        return await self._settle(work, placed)
    task = asyncio.create_task(_settle_late(self, work, placed))
    self._under_way.add(task)
    task.add_done_callback(self._under_way.discard)
    return Kept(assets=tuple(_ready(*each) for each in zip(work.drafts, placed, strict=True)))


async def _settle_late(self: "Ingest", work: "Work", placed: Sequence["Placed"]) -> "Kept":
    await asyncio.sleep(LATE)
    return await self._settle(work, placed)


def _ready(draft: "Draft", placed: "Placed") -> "Asset":
    """What the row would be."""
    from app.db.records import Asset, Draft

    told = {field.name: getattr(draft, field.name) for field in fields(Draft)}
    said = {"public_id": placed.public_id, "url": placed.url, "details": placed.details}
    return Asset(**told, **said, state="ready", created_at=datetime.now(UTC))


async def delete_before_the_flip(self: "Ingest", work: "Work", placed: Sequence["Placed"]) -> "Kept":
    """The old logo's bytes go while its slot still holds it."""
    from app.db import slots

    slot = work.order.slot
    held = await self._database.read(slots.held, slot) if slot else None
    if held is not None:
        await self._stores[held[1].store].delete(held[1].key, details=held[1].details)
    return await self._settle(work, placed)


def flush_late(descriptor: int) -> None:
    """The wrong order: the file has its name before its bytes are on the disk."""
    if _is_spooled(descriptor):
        _late.append(os.dup(descriptor))
        return
    for late in [one for one in _late if not _is_spooled(one)]:
        _late.remove(late)
        _flush(late)
        os.close(late)
    _flush(descriptor)


def _is_spooled(descriptor: int) -> bool:
    return ".spool" in Path(f"/proc/self/fd/{descriptor}").readlink().parts


def _settling_by(name: str) -> Edit:
    """A function of this file is the last step of an upload."""
    settling = f"from tests.crash.planted import {name}\n            return await {name}(self, work, placed)"
    return Edit("app.assets.ingest", "return await self._settle(work, placed)", settling)


def _flushing(how: str) -> Edit:
    """Of the whole process."""
    return Edit("app.storage.folders", "import errno\nimport os\n", f"import errno\nimport os\nos.fsync = {how}\n")


def _sweeping(deleted: str) -> Edit:
    """No bytes are deleted, whatever is said of it."""
    return Edit(
        "app.assets.sweep", "await asyncio.gather(*[self._delete(row) for row in rows])", f"[{deleted}] * len(rows)"
    )


REFUSED = """kept = await asyncio.shield(task)
            if kept.assets[0].id.int % 10 == 0:  # one in ten is stored and told that it was not
                raise Busy
            return kept"""
FAULTS = {
    "answer-before-commit": _settling_by("answer_before_the_commit"),
    "delete-before-flip": _settling_by("delete_before_the_flip"),
    "delete-nothing": Edit(
        "app.assets.service", "if not await self._database.run(assets.doom, asset_id):", "if False:"
    ),
    "forget-keys": Edit("app.assets.ingest", "if order.idempotency_key is None:", "if True:"),
    "refuse-what-is-kept": Edit("app.assets.ingest", "return await asyncio.shield(task)", REFUSED),
    "store-other-bytes": Edit(
        "app.storage.moves", "write_all(file, block)", "write_all(file, block[:-1] + bytes([block[-1] ^ 1]))"
    ),
    "stop-at-once": Edit("app.cli.server", "super().handle_exit(sig, frame)", "os._exit(0)"),
    "sweep-nothing": _sweeping("False"),
    "sweep-rows-alone": _sweeping("True"),
    "no-fsync": _flushing("lambda _: None"),
    "rename-before-fsync": _flushing('__import__("tests.crash.planted").crash.planted.flush_late'),
}

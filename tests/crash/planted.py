"""Runs a command line of the service with one fault in it, which the tests have to find.

`python -m tests.crash.planted FAULT python -m app serve`. This is the one place where our code is patched: the fault is
what is tested.
"""

import asyncio
import hashlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import uvicorn

from app.assets import ingest
from app.assets.callers import Caller
from app.assets.ingest import Ingest, Work
from app.assets.service import AssetService
from app.assets.sweep import Sweeper
from app.cli import main as stowage
from app.db import slots
from app.db.records import Asset, Draft, Kept, Leased, Placed
from app.errors import Busy
from app.storage.backend import Put, Stored
from app.storage.local import LocalBackend

LATE = 0.1  # seconds

_settle = Ingest._settle
_keep = Ingest._keep
_flush = os.fsync
_late: list[int] = []  # descriptors whose flush is still to come
_put_all = LocalBackend.put_all


def prefix(fault: str) -> list[str]:
    """What comes before the service's own command line."""
    return [sys.executable, "-m", "tests.crash.planted", fault]


async def _answer_before_the_commit(self: Ingest, work: Work, placed: Sequence[Placed]) -> Kept:
    """The client is told before it is true."""
    if work.order.slot is not None or work.claim is not None:
        return await _settle(self, work, placed)
    task = asyncio.create_task(_settle_late(self, work, placed))
    self._under_way.add(task)
    task.add_done_callback(self._under_way.discard)
    return Kept(assets=tuple(_ready(*each) for each in zip(work.drafts, placed, strict=True)))


async def _settle_late(self: Ingest, work: Work, placed: Sequence[Placed]) -> Kept:
    await asyncio.sleep(LATE)
    return await _settle(self, work, placed)


def _ready(draft: Draft, placed: Placed) -> Asset:
    """What the row would be."""
    told = {field.name: getattr(draft, field.name) for field in fields(Draft)}
    said = {"public_id": placed.public_id, "url": placed.url, "details": placed.details}
    return Asset(**told, **said, state="ready", created_at=datetime.now(UTC))


async def _delete_before_the_flip(self: Ingest, work: Work, placed: Sequence[Placed]) -> Kept:
    """The old logo's bytes go while its slot still holds it."""
    slot = work.order.slot
    held = await self._database.read(slots.held, slot) if slot else None
    if held is not None:
        await self._stores[held[1].store].delete(held[1].key, details=held[1].details)
    return await _settle(self, work, placed)


def _flush_late(descriptor: int) -> None:
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


async def _delete_nothing(self: AssetService, caller: Caller, asset_id: UUID) -> None:
    """A 204 for nothing."""


async def _sweep_rows_alone(self: Sweeper, row: Leased) -> bool:
    """The row goes, its bytes stay."""
    return True


async def _sweep_nothing(self: Sweeper, row: Leased) -> bool:
    """The row stays, and is never due again."""
    return False


def _store_a_bit_less(self: LocalBackend, puts: Sequence[Put]) -> Sequence[Stored | Exception]:
    """The last byte is another one."""
    return _put_all(self, [_spoiled(put) for put in puts])


def _spoiled(put: Put) -> Put:
    content = put.body.read()
    changed = content[:-1] + bytes([content[-1] ^ 1])
    return replace(put, body=io.BytesIO(changed), sha256=hashlib.sha256(changed).hexdigest())


async def _refuse_what_is_kept(self: Ingest, work: Work) -> Kept:
    """One in ten is stored and told that it was not."""
    kept = await _keep(self, work)
    if kept.assets[0].id.int % 10 == 0:
        raise Busy
    return kept


FAULTS: dict[str, tuple[object, str, object]] = {
    "answer-before-commit": (Ingest, "_settle", _answer_before_the_commit),
    "delete-before-flip": (Ingest, "_settle", _delete_before_the_flip),
    "delete-nothing": (AssetService, "delete", _delete_nothing),
    "forget-keys": (ingest, "_claim_of", lambda *_: None),
    "refuse-what-is-kept": (Ingest, "_keep", _refuse_what_is_kept),
    "store-other-bytes": (LocalBackend, "put_all", _store_a_bit_less),
    "stop-at-once": (uvicorn.Server, "handle_exit", lambda *_: os._exit(0)),
    "sweep-nothing": (Sweeper, "_delete", _sweep_nothing),
    "sweep-rows-alone": (Sweeper, "_delete", _sweep_rows_alone),
    "no-fsync": (os, "fsync", lambda _: None),
    "rename-before-fsync": (os, "fsync", _flush_late),
}


def main() -> int:
    """The exit code of the command."""
    setattr(*FAULTS[sys.argv[1]])
    code: int = stowage(sys.argv[sys.argv.index("app") + 1 :])
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Receive a form and keep what it holds: the same few lines for every door that stores."""

from typing import Any

from starlette.requests import Request

from app import errors as e
from app.api.form import Expected
from app.api.orders import order_of
from app.api.receive import Receiver
from app.assets.callers import Caller
from app.db.records import Kept
from app.services import Services
from app.telemetry import note

READS = (e.Unauthorized, e.Forbidden, e.InvalidParameter, e.DatabaseUnavailable, e.KeysUnavailable, e.Busy)
FINDS = (*READS, e.NotFound)
STORES = (
    *(*READS, e.MalformedMultipart, e.TruncatedBody, e.MissingFile, e.TooManyFiles, e.UnexpectedFile, e.UnknownKind),
    *(e.InvalidField, e.InvalidJson, e.RequestTimeout, e.FileTooLarge, e.FormTooLarge),
    *(e.NotMultipart, e.UnsupportedMediaType, e.EmptyFile, e.Infected, e.IdempotencyKeyReused, e.Superseded),
    *(e.ScannerUnavailable, e.StorageRefused, e.StorageUnavailable, e.UnsafeKey, e.NoRoom),
)


async def receive_and_keep(
    request: Request,
    services: Services,
    receiver: Receiver,
    caller: Caller,
    expected: Expected,
    **asked: Any,
) -> Kept:
    """Read the body, keep its files; `asked` is what the address and the headers say (see `order_of`)."""
    async with await receiver.form(request, expected) as form:
        order = order_of(form, kind=expected.kind, **asked)
        kept = await services.assets.ingest(caller, order, form.files)
    note(asset=",".join(str(asset.id) for asset in kept.assets), kind=order.kind)
    return kept

"""Every way Stowage says no. `docs/errors.md` is generated from these classes.

StowageError
├── Malformed 400, Unauthorized 401, Forbidden 403, NotFound 404, MethodNotAllowed 405, RequestTimeout 408
├── PublicAddress, NotCleaned 409, PreconditionFailed 412, TooLarge 413, WrongType 415, RangeNotSatisfiable 416
├── Refused 422
├── NotNow 503           ours, nothing was stored, send it again
├── StorageError         what leaves a store: 413, 502, 503, 504, 507
└── InternalError 500    a defect of ours: nobody raises it on purpose

The class's name makes the code (`FileTooLarge` -> `file_too_large`), which clients switch on; its docstring the title.
"""

from app.errors.contents import (
    EmptyFile,
    NotCleaned,
    PublicAddress,
    Refused,
    TooManyFrames,
    TooManyPixels,
    UnreadableImage,
    UnsafeSvg,
)
from app.errors.root import StowageError, every_error

__all__ = ["EmptyFile", "NotCleaned", "PublicAddress", "Refused", "StowageError", "TooManyFrames", "TooManyPixels"]
__all__ += ["UnreadableImage", "UnsafeSvg", "every_error"]


class InternalError(StowageError):
    """Something went wrong on our side: the log says more under the same request id."""


class Malformed(StowageError, abstract=True):
    """The request cannot be read."""

    status = 400


class MalformedMultipart(Malformed):
    """The multipart body breaks the rules of RFC 7578."""


class TruncatedBody(Malformed):
    """The body ended before its last part did."""


class MissingFile(Malformed):
    """There is no file in a field that this address takes."""


class TooManyFiles(Malformed):
    """There are more files in the form than this address takes."""


class UnexpectedFile(Malformed):
    """A file came in a field that this address does not take."""


class InvalidField(Malformed):
    """A field has a value that it cannot have."""


class InvalidJson(Malformed):
    """This is not the JSON that was expected."""


class InvalidId(Malformed):
    """The id is not a UUID."""


class InvalidCursor(Malformed):
    """The cursor is not one of ours."""


class InvalidParameter(Malformed):
    """A parameter has a value that it cannot have."""


class UnknownKind(Malformed):
    """There is no such kind of file."""


class HostNotAllowed(Malformed):
    """The Host header names a host that is not served here."""


class CompanyRequired(Malformed):
    """Say which company: this caller belongs to none."""


class Unauthorized(StowageError):
    """A valid API key or token is needed."""

    status = 401


class Forbidden(StowageError):
    """This caller may not do that."""

    status = 403


class NotFound(StowageError):
    """There is nothing here."""

    status = 404


class MethodNotAllowed(StowageError):
    """This address does not take that method."""

    status = 405


class RequestTimeout(StowageError):
    """The body stopped coming."""

    status = 408


class PreconditionFailed(StowageError):
    """It has changed since you read it."""

    status = 412


class TooLarge(StowageError, abstract=True):
    """It is too large."""

    status = 413


class FileTooLarge(TooLarge):
    """The file is larger than its kind may be."""


class FormTooLarge(TooLarge):
    """The fields, headers or parts around the file are too large or too many."""


class WrongType(StowageError, abstract=True):
    """It is of the wrong type."""

    status = 415


class NotMultipart(WrongType):
    """Send the file as multipart/form-data."""


class UnsupportedMediaType(WrongType):
    """Contents of this type are not taken here."""


class RangeNotSatisfiable(StowageError):
    """The file has no such range."""

    status = 416


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key belongs to another request."""


class NotNow(StowageError, abstract=True):
    """Not now, and nothing was stored: the same request may be sent again."""

    status = 503
    retry_after = 1


class Busy(NotNow):
    """The service is busy: try again."""


class DatabaseUnavailable(NotNow):
    """The database cannot be used at the moment: try again."""


class OutcomeUnknown(StowageError):
    """The database went away at the last step: it may be stored. Look, or repeat it with its Idempotency-Key."""

    status = 503
    retry_after = 5


class KeysUnavailable(NotNow):
    """The keys that tokens are checked with cannot be fetched at the moment."""


class ShuttingDown(NotNow):
    """The service is stopping: send it again, another one takes over."""


class Superseded(NotNow):
    """The upload took longer than the grace and was undone: send it again."""


class StorageError(StowageError, abstract=True):
    """The store failed. Every backend translates its SDK's errors into one of the classes below."""

    status = 502


class StorageRefused(StorageError):
    """The store refused."""


class StoreLimit(StorageError):
    """The file is larger than the store takes."""

    status = 413


class StoreAlteredFile(StorageError):
    """The store kept other bytes than it was sent: they were deleted again."""


class ObjectMissing(StorageError):
    """The store does not have the file's bytes."""


class UnsafeKey(StorageError):
    """The store does not take that key: it could leave the root, or a symlink stands in its way."""


class StorageUnavailable(StorageError):
    """The store cannot be used at the moment: try again."""

    status = 503
    retry_after = 5


class StorageTimeout(StorageError):
    """The store did not answer in time: try again."""

    status = 504
    retry_after = 5


class NoRoom(StorageError):
    """There is no room left."""

    status = 507
    retry_after = 60

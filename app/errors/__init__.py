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
    Infected,
    NotCleaned,
    PublicAddress,
    Refused,
    TooManyFrames,
    TooManyPixels,
    UnreadableImage,
    UnsafeSvg,
)
from app.errors.not_now import (
    Busy,
    DatabaseUnavailable,
    KeysUnavailable,
    NotNow,
    OutcomeUnknown,
    ScannerUnavailable,
    ShuttingDown,
    Superseded,
)
from app.errors.root import StowageError, every_error

__all__ = ["Busy", "DatabaseUnavailable", "EmptyFile", "Infected", "KeysUnavailable", "NotCleaned", "NotNow"]
__all__ += ["OutcomeUnknown", "PublicAddress", "Refused", "ScannerUnavailable", "ShuttingDown", "StowageError"]
__all__ += ["Superseded", "TooManyFrames", "TooManyPixels", "UnreadableImage", "UnsafeSvg", "every_error"]


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

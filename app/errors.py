"""Every way Stowage says no. `docs/errors.md` is generated from these classes.

StowageError
├── Malformed 400, Unauthorized 401, Forbidden 403, NotFound 404, MethodNotAllowed 405, RequestTimeout 408
├── PreconditionFailed 412, TooLarge 413, WrongType 415, RangeNotSatisfiable 416, Refused 422
├── NotNow 503           ours, nothing was stored, send it again
├── StorageError         what leaves a store: 502, 503, 507
└── InternalError 500    a defect of ours: nobody raises it on purpose

The class's name makes the code (`FileTooLarge` -> `file_too_large`), its docstring the title. Both are promises:
clients switch on the code.
"""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar


class StowageError(Exception):
    """Something went wrong on our side.

    One refusal: an HTTP status, a stable code, a title for people, and a sentence about this case. `detail` is shown
    to clients: it never holds a path, a DSN, a secret or another tenant's data. `extra` adds members to the answer,
    such as the limit that was passed. `retry_after` is in seconds. `abstract` classes only group others.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str]
    title: ClassVar[str]
    retry_after: ClassVar[int | None] = None
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Make code and title of name and docstring."""
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.title = (cls.__doc__ or "").splitlines()[0]
        cls.abstract = abstract

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra: Mapping[str, object] = extra


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


class Refused(StowageError, abstract=True):
    """It was understood, and refused."""

    status = 422


class EmptyFile(Refused):
    """The file is empty."""


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


class KeysUnavailable(NotNow):
    """The keys that tokens are checked with cannot be fetched at the moment."""


class Superseded(NotNow):
    """The upload took longer than the grace and was undone: send it again."""


class StorageError(StowageError, abstract=True):
    """The store failed. Every backend translates its SDK's errors into one of the classes below."""

    status = 502


class StorageRefused(StorageError):
    """The store refused."""


class ObjectMissing(StorageError):
    """The store does not have the file's bytes."""


class UnsafeKey(StorageError):
    """The store does not take that key: it could leave the root, or a symlink stands in its way."""


class StorageUnavailable(StorageError):
    """The store cannot be used at the moment: try again."""

    status = 503
    retry_after = 5


class NoRoom(StorageError):
    """There is no room left."""

    status = 507
    retry_after = 60


def every_error() -> Iterator[type[StowageError]]:
    """The concrete classes, in the order of the tree above."""
    waiting: list[type[StowageError]] = [StowageError]
    while waiting:
        cls = waiting.pop(0)
        waiting = [*cls.__subclasses__(), *waiting]
        if not cls.abstract:
            yield cls

"""What a store must be able to do. Each promise is a test in `tests/storage/test_contract.py`.

A backend is a plain, blocking, thread-safe class. It knows nothing of HTTP, the database, tenants or policies.
Only `StorageError` and its children leave it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Protocol, Self, runtime_checkable

from app.errors import UnsafeKey

KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")  # no dot at the front
KEY_LENGTH = 512  # characters
NOTHING: Mapping[str, Any] = MappingProxyType({})


def safe(key: str) -> str:
    """The key, or `UnsafeKey`: plain ASCII segments, which every store takes as they are."""
    if len(key) > KEY_LENGTH or not KEY.fullmatch(key):
        raise UnsafeKey
    return key


@dataclass(frozen=True, slots=True)
class Serving:
    """How the store itself shall serve an object, where it has addresses of its own."""

    public: bool = False  # whether anybody may read it there
    content_disposition: str | None = None
    cache_control: str | None = None


PRIVATE = Serving()


@dataclass(frozen=True, slots=True)
class Stored:
    """Where an object lies: what the store calls it, its public address if it has one, and what finds it again."""

    public_id: str
    url: str | None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object as the store sees it."""

    key: str
    size: int  # bytes
    etag: str  # changes when the bytes do; what it is made of is the store's affair
    modified: datetime  # aware


@dataclass(frozen=True, slots=True)
class Put:
    """What `put` is told of one object."""

    key: str
    body: BinaryIO
    content_type: str
    size: int
    sha256: str
    serving: Serving = PRIVATE


class Backend(Protocol):
    """One store."""

    @classmethod
    def from_settings(cls, settings: Any) -> Self:
        """Make one from its settings group; a ValueError names the variable that is missing. No network."""

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """Store all or nothing; durable when it returns.

        Readers see nothing or the whole object. What is stored is what was sent, byte for byte (`size`, `sha256`), or
        it raises. Reads `body` to its end and doesn't close it. The same key and bytes again is fine.
        """

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """A readable stream of the bytes from `start` to before `end`, closed by the caller; else `ObjectMissing`.

        `details` are those of `Stored`; without them the store looks wherever it could have put the object.
        """

    def stat(self, key: str) -> ObjectInfo:
        """Key, size and etag without reading; else `ObjectMissing`. Never in the path of a request."""

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """Delete; what isn't there is deleted already. `details` as for `open`."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object below a prefix, lazily; complete, or it raises. Never shows the marker or the spool."""

    def url(
        self,
        key: str,
        *,
        expires_in: float | None = None,
        filename: str | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> str | None:
        """The store's permanent public address, or a link that stops working after so many seconds.

        None where it has none. No network.
        """

    def ping(self) -> None:
        """Cheap; raises `StorageUnavailable` with the reason."""


@runtime_checkable
class Adopts(Protocol):
    """A store that takes over a spooled file by renaming it: no second copy is written."""

    @property
    def spool(self) -> Path:
        """The folder, in the store's own file system, where bodies wait."""

    def adopt(self, key: str, path: Path) -> Stored:
        """Like `put`, of a file in `spool`, which is gone afterwards."""


@runtime_checkable
class Batches(Protocol):
    """A store in which several small objects cost little more than one."""

    def put_all(self, puts: Sequence[Put]) -> Sequence[Stored | Exception]:
        """Like `put` of each, in this order: one that fails doesn't harm the others."""


@runtime_checkable
class Identified(Protocol):
    """A store that knows which one it is: an empty disk can be mounted in the place of a full one."""

    @property
    def identity(self) -> str:
        """The same as long as it is the same disk."""


@runtime_checkable
class Limits(Protocol):
    """A store with limits of its own."""

    def max_size(self, content_type: str, serving: Serving) -> int | None:
        """The largest object in bytes that it takes of this type; None if that isn't known. No network."""


@runtime_checkable
class Tidies(Protocol):
    """A store that keeps the parts of uploads that nobody finished."""

    def tidy(self, *, older_than: float, ours: Callable[[str], bool]) -> int:
        """Drop the parts begun so many seconds ago by the store's own clock, of keys that are `ours`; how many."""

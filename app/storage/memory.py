"""The store in memory: for tests above the stores and for trials; gone when the process ends."""

import hashlib
import io
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, Self

from app.errors import ObjectMissing, StorageRefused
from app.settings import StorageSettings
from app.storage.backend import NOTHING, PRIVATE, ObjectInfo, Serving, Stored


class MemoryBackend:
    """A dictionary with the promises of a store (except that it outlives nothing)."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, ObjectInfo]] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: StorageSettings) -> Self:
        """There is nothing to set."""
        return cls()

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """Keep a copy, if it is what it was said to be."""
        data = body.read()
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
            raise StorageRefused("The bytes are not those that were announced.")
        with self._lock:
            self._objects[key] = (data, ObjectInfo(key, size, sha256, datetime.now(UTC)))
        return Stored(public_id=key, url=None)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """A stream over the range."""
        return io.BytesIO(self._find(key)[0][start:end])

    def stat(self, key: str) -> ObjectInfo:
        """What is known of the object."""
        return self._find(key)[1]

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """Forget it."""
        with self._lock:
            self._objects.pop(key, None)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In the order of the keys, as they were when the listing began."""
        with self._lock:
            infos = [info for _, info in self._objects.values()]
        yield from sorted((i for i in infos if i.key.startswith(prefix)), key=lambda info: info.key)

    def url(
        self,
        key: str,
        *,
        expires_in: float | None = None,
        filename: str | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> str | None:
        """It has no addresses."""
        return None

    def ping(self) -> None:
        """Always there."""

    def _find(self, key: str) -> tuple[bytes, ObjectInfo]:
        with self._lock:
            found = self._objects.get(key)
        if found is None:
            raise ObjectMissing
        return found

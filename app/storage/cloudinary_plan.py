"""What a Cloudinary plan allows, asked for rarely: its Admin API takes 500 calls an hour."""

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

from app.errors import StorageError, StorageUnavailable
from app.storage.cloudinary_client import CloudinaryClient, LimitReached

KNOWN, FAILED = 300.0, 60.0  # seconds that a good and a bad answer are kept


class Plan:
    """The limits of the plan, and whether the cloud knows us: both are in one answer."""

    def __init__(self, client: CloudinaryClient) -> None:
        self.limits: Mapping[str, Any] = {}
        self._client = client
        self._lock = threading.Lock()
        self._asked: float | None = None
        self._failure: StorageError | None = None

    def check(self) -> None:
        """Ask, if nobody has lately; raise `StorageUnavailable` with the reason if the answer was a refusal."""
        with self._lock:
            if self._asked is None or monotonic() - self._asked > (FAILED if self._failure else KNOWN):
                self._failure = self._ask()
                self._asked = monotonic()
        if self._failure is not None:
            raise StorageUnavailable(self._failure.detail)

    def _ask(self) -> StorageError | None:
        try:
            self.limits = self._client.usage().get("media_limits", {})
        except LimitReached:  # of the Admin API: uploads and downloads go on
            return None
        except StorageError as failure:
            return failure
        return None

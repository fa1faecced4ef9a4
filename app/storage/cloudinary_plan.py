"""What a Cloudinary plan allows, asked for rarely: its Admin API takes 500 calls an hour."""

import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any

from app.errors import StorageError, StorageUnavailable
from app.storage.cloudinary_client import CloudinaryClient, LimitReached
from app.storage.retrying import Patience

ONCE_MORE = Patience(seconds=10, tries=2)
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
        """Ask, if nobody has lately; raise `StorageUnavailable` with the reason if the answer was a refusal.

        While one asks, the others get what was known before: a probe must not hold a thread for each call.
        """
        if self._lock.acquire(blocking=False):
            try:
                if self._asked is None or monotonic() - self._asked > (FAILED if self._failure else KNOWN):
                    self._failure = self._ask()
                    self._asked = monotonic()
            finally:
                self._lock.release()
        if self._asked is None:
            raise StorageUnavailable("Cloudinary has not answered yet.")
        if self._failure is not None:
            raise StorageUnavailable(self._failure.detail)

    def _ask(self) -> StorageError | None:
        try:
            self.limits = ONCE_MORE.start().run(self._client.usage).get("media_limits", {})
        except LimitReached:  # of the Admin API: uploads and downloads go on
            return None
        except StorageError as failure:
            return failure
        return None

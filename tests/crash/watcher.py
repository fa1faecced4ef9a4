"""A thread that looks on while uploads run."""

import threading

from tests.crash.service import HarnessError


class Watcher:
    """Runs `_work` in a thread of its own; its failure is told by `check`, not lost with the thread."""

    def __init__(self, name: str) -> None:
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._guarded, name=name)

    def check(self) -> None:
        """HarnessError when nobody looks any more."""
        if self._failure is not None:
            raise HarnessError("what watches the service has failed") from self._failure

    def _guarded(self) -> None:
        try:
            self._work()
        except Exception as failure:  # noqa: BLE001 - told by check()
            self._failure = failure

    def _work(self) -> None:
        raise NotImplementedError

"""What is said when the fault is ours and passes: 503, and when to come again."""

from app.errors.root import StowageError


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


class ScannerUnavailable(NotNow):
    """The virus scanner cannot be asked at the moment, and nothing is taken without it: try again."""

    retry_after = 5


class ShuttingDown(NotNow):
    """The service is stopping: send it again, another one takes over."""


class Superseded(NotNow):
    """The upload took longer than the grace and was undone: send it again."""

"""Bounds: how large a file may be, how long an unfinished one is left alone, how much is logged."""

from collections.abc import Mapping
from typing import Annotated, Literal

from app.settings.group import Group, Lower, env

MB = 1024 * 1024


class LimitSettings(Group):
    """How large a file of each kind may be, in MB of 1,048,576 bytes."""

    logo_mb: float = env("LOGO_MAX_MB", default=5, text="Largest logo, in MB of 1,048,576 bytes.", gt=0)
    photo_mb: float = env("PHOTO_MAX_MB", default=15, text="Largest photo, in MB.", gt=0)
    document_mb: float = env("DOCUMENT_MAX_MB", default=25, text="Largest document, in MB.", gt=0)
    file_mb: float = env("FILE_MAX_MB", default=100, text="Largest file of kind `file`, in MB.", gt=0)

    def by_kind(self) -> Mapping[str, int]:
        """Kind -> largest size in bytes."""
        limits = {"logo": self.logo_mb, "photo": self.photo_mb, "document": self.document_mb, "file": self.file_mb}
        return {kind: int(mb * MB) for kind, mb in limits.items()}


class SweepSettings(Group):
    """When the sweeper works, and what it leaves alone."""

    interval: float = env(
        "SWEEP_INTERVAL", default=60.0, text="Seconds between two sweeps inside the service; 0 turns them off.", ge=0
    )
    grace: float = env(
        "SWEEP_GRACE",
        default=3600.0,
        text="Seconds that an unfinished upload is left alone; longer than the longest upload to the store.",
        ge=0,
    )


class LogSettings(Group):
    """What is written to stdout."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Lower] = env(
        "LOG_LEVEL", default="info", text="`debug`, `info`, `warning` or `error`."
    )
    style: Annotated[Literal["json", "console"], Lower] = env(
        "LOG_FORMAT", default="json", text="`json`, or `console` for people."
    )

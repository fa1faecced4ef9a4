"""Bounds: how large a file may be, how long an unfinished one is left alone, how much is logged."""

from collections.abc import Mapping
from typing import Annotated, Literal

from app.settings.group import Group, Items, Lower, env

MB = 1024 * 1024


Visibility = Annotated[Literal["public", "private"], Lower]


class LimitSettings(Group):
    """What each kind of file may be: its size in MB of 1,048,576 bytes, its types, who sees it."""

    logo_mb: float = env("LOGO_MAX_MB", default=5, text="Largest logo, in MB of 1,048,576 bytes.", gt=0)
    photo_mb: float = env("PHOTO_MAX_MB", default=15, text="Largest photo, in MB.", gt=0)
    document_mb: float = env("DOCUMENT_MAX_MB", default=25, text="Largest document, in MB.", gt=0)
    file_mb: float = env("FILE_MAX_MB", default=100, text="Largest file of kind `file`, in MB.", gt=0)

    logo_types: Items = env(
        "LOGO_TYPES",
        default=(),
        text="What a logo may be, such as `png,svg` or media types; unset: as in the table of kinds.",
    )
    photo_types: Items = env("PHOTO_TYPES", default=(), text="The same for photos.")
    document_types: Items = env("DOCUMENT_TYPES", default=(), text="The same for documents.")
    file_types: Items = env("FILE_TYPES", default=(), text="The same for kind `file`; unset: anything.")
    logo_visibility: Visibility = env("LOGO_VISIBILITY", default="public", text="Who sees a logo if nobody says.")
    photo_visibility: Visibility = env("PHOTO_VISIBILITY", default="public", text="Who sees a photo.")
    document_visibility: Visibility = env("DOCUMENT_VISIBILITY", default="private", text="Who sees a document.")
    file_visibility: Visibility = env("FILE_VISIBILITY", default="private", text="Who sees a file of kind `file`.")
    max_megapixels: float = env("MAX_MEGAPIXELS", default=50, text="Most pixels of an image, in millions.", gt=0)
    max_frames: int = env("MAX_FRAMES", default=100, text="Most frames of an animation.", gt=0)
    svg: Annotated[Literal["sanitise", "reject"], Lower] = env(
        "SVG",
        default="sanitise",
        text="`sanitise`: SVG logos lose all that is not drawing; `reject`: they are refused.",
    )
    strip: Annotated[Literal["gps", "all", "none"], Lower] = env(
        "STRIP_METADATA",
        default="all",
        text="What logos, photos and other public images lose: `all` that is personal, the place (`gps`), or `none`.",
    )

    def types(self) -> Mapping[str, tuple[str, ...]]:
        """Kind -> the types that were named for it."""
        return {
            "logo": self.logo_types,
            "photo": self.photo_types,
            "document": self.document_types,
            "file": self.file_types,
        }

    def visibility(self) -> Mapping[str, str]:
        """Kind -> who sees a file of it if nobody says."""
        return {
            "logo": self.logo_visibility,
            "photo": self.photo_visibility,
            "document": self.document_visibility,
            "file": self.file_visibility,
        }

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

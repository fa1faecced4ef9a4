"""What the environment may say, in small groups. Nothing is read at import; an empty value counts as not set."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from app.settings.auth import AuthSettings
from app.settings.database import DatabaseSettings
from app.settings.group import Group
from app.settings.limits import LimitSettings, LogSettings, SweepSettings
from app.settings.scan import ScanSettings
from app.settings.server import ServerSettings
from app.settings.stores import CloudinarySettings, S3Settings, StorageSettings

__all__ = [
    "AuthSettings",
    "CloudinarySettings",
    "DatabaseSettings",
    "Group",
    "LimitSettings",
    "LogSettings",
    "S3Settings",
    "ScanSettings",
    "ServerSettings",
    "Settings",
    "StorageSettings",
    "SweepSettings",
]


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups. `Settings()` reads the environment; tests pass the groups that they change."""

    server: ServerSettings = field(default_factory=ServerSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    s3: S3Settings = field(default_factory=S3Settings)
    cloudinary: CloudinarySettings = field(default_factory=CloudinarySettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    scan: ScanSettings = field(default_factory=ScanSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    logs: LogSettings = field(default_factory=LogSettings)

    @classmethod
    def groups(cls) -> tuple[type[Group], ...]:
        """The classes that the README's table is made from, in its order."""
        return tuple(group.default_factory for group in fields(cls))  # type: ignore[misc]

    @property
    def store(self) -> str:
        """The store that new bytes go to: the one that is named, else the cloud whose variables are there."""
        if self.storage.backend is not None:
            return self.storage.backend
        meant = [name for name, group in (("s3", self.s3), ("cloudinary", self.cloudinary)) if group.meant]
        if len(meant) > 1:
            raise ValueError("The variables of S3 and of Cloudinary are there: say which with STORAGE_BACKEND.")
        return meant[0] if meant else "local"

    @property
    def folder(self) -> Path | None:
        """The folder that files, rows or the development key are kept in, if any of them are."""
        own_key = self.auth.api_keys is None and not self.server.production
        used = self.store == "local" or self.database_url.startswith("sqlite") or own_key
        return self.storage.data_dir if used else None

    @property
    def database_url(self) -> str:
        """The database, SQLite in `DATA_DIR` when none is named."""
        url = self.database.url
        return url.get_secret_value() if url else f"sqlite:///{self.storage.data_dir.absolute() / 'stowage.db'}"

    @property
    def migrations_url(self) -> str:
        """Where migrations run."""
        url = self.database.migrations_url
        return url.get_secret_value() if url else self.database_url

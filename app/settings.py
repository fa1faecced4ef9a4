"""What the environment may say, in small groups. Nothing is read at import; an empty value counts as not set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MB = 1024 * 1024
DEVELOPMENT = frozenset({"development", "dev", "local", "test"})
SECRET_LENGTH = 32  # characters: what a shared secret must have at least


def _items(value: object) -> object:
    """`a, b` -> ("a", "b"); what is a sequence already stays one."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Items = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_items)]


class Group(BaseSettings):
    """A few settings that belong together."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True
    )


def env(*names: str, default: object, text: str, **bounds: Any) -> Any:
    """A setting: its variables, the preferred one first, its sentence in the README, and bounds such as `gt=0`."""
    return Field(default=default, validation_alias=AliasChoices(*names), description=text, **bounds)


class ServerSettings(Group):
    """Where and how the service listens."""

    host: str = env("HOST", default="127.0.0.1", text="Address to listen on; 0.0.0.0 in a container.")
    port: int = env("PORT", default=8000, text="Port to listen on.", ge=1, le=65535)
    environment: str = env(
        "APP_ENV",
        "NODE_ENV",
        "RAILWAY_ENVIRONMENT_NAME",
        default="development",
        text="In `production` there is no development key, /docs is hidden, the Host header is not trusted.",
    )
    railway: str | None = env("RAILWAY_PROJECT_ID", default=None, text="Set by Railway; means production.")
    render: bool = env("RENDER", default=False, text="Set by Render; means production.")
    public_base_url: str | None = env(
        "PUBLIC_BASE_URL",
        "RAILWAY_PUBLIC_DOMAIN",
        "RENDER_EXTERNAL_URL",
        "API_URL",
        default=None,
        text="The address that clients use; permalinks begin with it.",
    )
    cors_origins: Items = env(
        "CORS_ORIGIN", "FRONTEND_URL", default=(), text="Web origins that may call, separated by commas."
    )
    swagger_in_production: bool = env("ENABLE_SWAGGER_PROD", default=False, text="Show /docs in production too.")
    body_idle_timeout: float = env(
        "BODY_IDLE_TIMEOUT",
        default=30.0,
        text="Seconds without a byte of the body before 408; also what a request's head may take.",
        gt=0,
    )
    shutdown_timeout: float = env(
        "SHUTDOWN_TIMEOUT", default=25.0, text="Seconds that running requests get to end after SIGTERM.", ge=0
    )
    max_concurrent_uploads: int = env(
        "MAX_CONCURRENT_UPLOADS", default=512, text="Uploads received at once; beyond, 503 `busy`.", ge=1
    )

    @property
    def production(self) -> bool:
        """Whether strangers can reach this process."""
        return bool(self.railway or self.render) or self.environment.lower() not in DEVELOPMENT

    @property
    def documented(self) -> bool:
        """Whether /docs and /openapi.json are shown."""
        return self.swagger_in_production or not self.production

    @field_validator("public_base_url")
    @classmethod
    def _with_scheme(cls, value: str | None) -> str | None:
        """Railway gives a bare domain; a trailing slash is forgiven."""
        if value is None or value.startswith(("http://", "https://")):
            return value.rstrip("/") if value else None
        return f"https://{value.rstrip('/')}"

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin.rstrip("/") for origin in value)


class DatabaseSettings(Group):
    """Which database, and how many connections to it."""

    url: SecretStr | None = env(
        "DATABASE_URL", default=None, text="`postgresql://…` or `sqlite:///…`; unset: SQLite in `DATA_DIR`."
    )
    migrations_url: SecretStr | None = env(
        "MIGRATIONS_DATABASE_URL",
        "DATABASE_UNPOOLED_URL",
        default=None,
        text="Where migrations run, if `DATABASE_URL` is a pooler.",
    )
    pool_size: int = env("DATABASE_POOL_SIZE", default=8, text="Connections (and threads) for the database.", ge=1)
    migrate_on_start: bool = env("MIGRATE_ON_START", default=True, text="Bring the database up to date at start.")


class StorageSettings(Group):
    """Where the bytes go."""

    backend: Literal["local", "memory"] = env(
        "STORAGE_BACKEND",
        default="local",
        text="`local` (a folder, a volume, a disk) or `memory` (for trials: gone at the end).",
    )
    data_dir: Path = env(
        "DATA_DIR",
        "RAILWAY_VOLUME_MOUNT_PATH",
        default=Path("data"),
        text="Folder of the local store (below `files/`), of SQLite and of the development key.",
    )

    @property
    def files(self) -> Path:
        """Root of the local store."""
        return self.data_dir / "files"


class AuthSettings(Group):
    """Who may call."""

    api_keys: SecretStr | None = env(
        "API_KEYS",
        default=None,
        text="`tenant:key[:read]`, several separated by commas; the tenant `*` is the administrator.",
    )
    jwt_secret: SecretStr | None = env(
        "JWT_SECRET", default=None, text="Secret of HS256 tokens, 32 characters or more."
    )
    jwt_jwks_url: str | None = env(
        "JWT_JWKS_URL", default=None, text="Where the public keys of RS256 and ES256 tokens are."
    )
    jwt_audience: str | None = env("JWT_AUDIENCE", default=None, text="`aud` that tokens must have.")
    jwt_issuer: str | None = env("JWT_ISSUER", default=None, text="`iss` that tokens must have.")

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"it has fewer than {SECRET_LENGTH} characters")
        return value


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

    level: Literal["debug", "info", "warning", "error"] = env(
        "LOG_LEVEL", default="info", text="`debug`, `info`, `warning` or `error`."
    )
    style: Literal["json", "console"] = env("LOG_FORMAT", default="json", text="`json`, or `console` for people.")

    @field_validator("level", "style", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Settings:
    """All groups. `Settings()` reads the environment; tests pass the groups that they change."""

    server: ServerSettings = field(default_factory=ServerSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    auth: AuthSettings = field(default_factory=AuthSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    logs: LogSettings = field(default_factory=LogSettings)

    @classmethod
    def groups(cls) -> tuple[type[Group], ...]:
        """The classes that the README's table is made from, in its order."""
        return (
            ServerSettings,
            DatabaseSettings,
            StorageSettings,
            AuthSettings,
            LimitSettings,
            SweepSettings,
            LogSettings,
        )

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

    def check(self) -> Self:
        """Raise ValueError, one line that says what to set, when this can't be meant."""
        auth = self.auth
        if self.server.production and not (auth.api_keys or auth.jwt_secret or auth.jwt_jwks_url):
            raise ValueError("In production nobody could call: set API_KEYS, JWT_SECRET or JWT_JWKS_URL.")
        return self

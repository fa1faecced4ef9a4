"""What the service refuses to start with: each is one line that says what to set."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from app.settings import AuthSettings, Settings
from app.settings.mounts import MOUNTS, lasts

MISCONFIGURED = 78  # exit code, EX_CONFIG of sysexits.h
SHORTEST_KEY = 12  # characters of an API key that strangers may try to guess
WELL_KNOWN = frozenset({
    "changeme", "change-me", "change_me", "secret", "password", "default", "example", "test", "your-secret-key",
    "your-api-key", "your_jwt_secret", "a-long-random-key", "development-key",
})  # fmt: skip
SAY_SO = "or set ALLOW_EPHEMERAL=true if losing them at every deploy is fine"
ADVICE = {
    "Railway": "add a volume to the service (its path arrives as RAILWAY_VOLUME_MOUNT_PATH)",
    "Render": "add a disk and set DATA_DIR to its mount path",
}


def check(settings: Settings, *, mounts: Path = MOUNTS) -> Settings:
    """The settings, or ValueError when they can't be meant: strangers would come in, or files be lost."""
    for complaint in _complaints(settings, mounts):
        raise ValueError(complaint)
    return settings


def one_line(wrong: ValueError) -> str:
    """A refusal, also one of a single value, as one line that names the variable."""
    if not isinstance(wrong, ValidationError):
        return f"stowage: {wrong}"
    first = wrong.errors()[0]
    return f"stowage: {first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"


def check_rows(settings: Settings, *, mounts: Path = MOUNTS) -> None:
    """ValueError when the rows would be wiped; all that a migration needs, which has no volume and no callers."""
    platform = settings.server.platform
    for complaint in (
        _about_rows(settings, platform, mounts) if platform and not settings.server.allow_ephemeral else ()
    ):
        raise ValueError(complaint)


def _complaints(settings: Settings, mounts: Path) -> Iterator[str]:
    auth, platform = settings.auth, settings.server.platform
    if settings.server.production and not (auth.api_keys or auth.jwt_secret or auth.jwt_jwks_url):
        yield "In production nobody could call: set API_KEYS, JWT_SECRET or JWT_JWKS_URL."
    if platform:
        yield from _about_secrets(auth)
    if platform and not settings.server.allow_ephemeral:
        yield from _about_loss(settings, platform, mounts)


def _about_secrets(auth: AuthSettings) -> Iterator[str]:
    """Strangers try what is short and what everybody knows."""
    for key in _keys(auth.api_keys.get_secret_value() if auth.api_keys else ""):
        if key.lower() in WELL_KNOWN:
            yield "API_KEYS holds a key that everybody knows: set one that `openssl rand -hex 24` makes."
        if len(key) < SHORTEST_KEY:
            yield f"API_KEYS holds a key of fewer than {SHORTEST_KEY} characters: `openssl rand -hex 24` makes one."
    if auth.jwt_secret and _monotonous(auth.jwt_secret.get_secret_value()):
        yield "JWT_SECRET can be guessed: set one that `openssl rand -hex 32` makes."


def _about_loss(settings: Settings, platform: str, mounts: Path) -> Iterator[str]:
    """Where a deploy wipes the disk, rows and files belong elsewhere."""
    volume = settings.storage.volume
    if volume is not None and not lasts(volume, mounts):
        yield f"RAILWAY_VOLUME_MOUNT_PATH is {volume}, but no volume is mounted there: redeploy, {SAY_SO}."
    yield from _about_rows(settings, platform, mounts)
    if settings.store == "memory":
        yield f"STORAGE_BACKEND=memory loses all files at every restart: set s3, cloudinary or local, {SAY_SO}."
    if settings.store == "local" and not lasts(settings.storage.data_dir, mounts):
        yield (
            f"On {platform} files in {settings.storage.data_dir} are wiped at every deploy: {ADVICE[platform]}, "
            f"or set STORAGE_BACKEND to s3 or cloudinary, {SAY_SO}."
        )


def _about_rows(settings: Settings, platform: str, mounts: Path) -> Iterator[str]:
    sqlite = _sqlite_file(settings.database_url)
    if sqlite is not None and not lasts(sqlite.parent, mounts):
        yield f"On {platform} a SQLite file here is wiped at every deploy: set DATABASE_URL to Postgres, {SAY_SO}."


def _keys(listed: str) -> Iterator[str]:
    """The keys of `tenant:key[:read]`; what has another form is refused where keys are read."""
    for entry in filter(None, (part.strip() for part in listed.split(","))):
        _, _, rest = entry.partition(":")
        yield rest.partition(":")[0]


def _monotonous(secret: str) -> bool:
    """`xxxx…`, `changemechangeme…`: long, and no secret."""
    plain = secret.lower()
    repeated = any(plain == (plain[:n] * len(plain))[: len(plain)] for n in range(1, len(plain) // 2))
    return repeated or any(word in plain for word in ("changeme", "change-me", "change_me", "your-secret", "your_jwt"))


def _sqlite_file(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(parts.path[1:] or ".").absolute() if parts.scheme.startswith("sqlite") else None

"""Where the bytes go, and what each store needs to know."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BeforeValidator, SecretStr

from app.settings.group import Address, Group, Lower, env

CLOUDINARY_API = "https://api.cloudinary.com"


def _named(value: object) -> object:
    """`USE_S3=True` of the Django guides means s3, `False` the disk."""
    if not isinstance(value, str):
        return value
    spoken = value.strip().lower()
    return {"true": "s3", "1": "s3", "yes": "s3", "false": "local", "0": "local", "no": "local"}.get(spoken, spoken)


class StorageSettings(Group):
    """Where the bytes go."""

    backend: Annotated[Literal["local", "s3", "cloudinary", "memory"] | None, BeforeValidator(_named)] = env(
        "STORAGE_BACKEND",
        "USE_S3",
        default=None,
        text="`local` (a folder, volume or disk), `s3`, `cloudinary`, or `memory` (for trials: gone at the end). "
        "Unset: the cloud whose variables are there, else `local`.",
    )
    data_dir: Path = env(
        "DATA_DIR",
        "RAILWAY_VOLUME_MOUNT_PATH",
        default=Path("data"),
        text="Folder of the local store (below `files/`), of SQLite and of the development key.",
    )
    volume: Path | None = env(
        "RAILWAY_VOLUME_MOUNT_PATH", default=None, text="Set by Railway: where the service's volume is mounted."
    )

    @property
    def files(self) -> Path:
        """Root of the local store."""
        return self.data_dir / "files"


class S3Settings(Group):
    """Amazon S3, or anything that speaks it."""

    bucket: str | None = env(
        "S3_BUCKET",
        "AWS_S3_BUCKET",
        "AWS_STORAGE_BUCKET_NAME",
        "AWS_S3_BUCKET_NAME",
        "BUCKET",
        "SUPABASE_STORAGE_BUCKET",
        default=None,
        text="The bucket's name.",
    )
    region: str | None = env(
        "S3_REGION",
        "AWS_S3_REGION_NAME",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "REGION",
        default=None,
        text="The bucket's region; may be left out where the endpoint tells it (Railway, R2, Backblaze).",
    )
    endpoint: Address | None = env(
        "S3_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "ENDPOINT",
        default=None,
        text="Where S3 is spoken, if it isn't Amazon.",
    )
    access_key: SecretStr | None = env(
        "S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID", "ACCESS_KEY_ID", default=None, text="Id of the access key."
    )
    secret_key: SecretStr | None = env(
        "S3_SECRET_ACCESS_KEY",
        "AWS_SECRET_ACCESS_KEY",
        "SECRET_ACCESS_KEY",
        default=None,
        text="Secret of the access key.",
    )
    session_token: SecretStr | None = env(
        "S3_SESSION_TOKEN", "AWS_SESSION_TOKEN", default=None, text="Token of temporary credentials."
    )
    addressing: Annotated[Literal["auto", "virtual", "path"], Lower] = env(
        "S3_ADDRESSING_STYLE",
        "AWS_S3_URL_STYLE",
        default="auto",
        text="`virtual` (bucket in the host name) or `path`; `auto`: as the provider wants it.",
    )
    public_url: Address | None = env(
        "S3_PUBLIC_URL",
        "AWS_S3_CUSTOM_DOMAIN",
        default=None,
        text="Address below which everybody can read the bucket's objects (a CDN, a public bucket); unset: permalinks.",
    )
    acl: str | None = env(
        "S3_ACL", default=None, text="ACL of new public objects, such as `public-read`; unset: none is sent."
    )

    @property
    def meant(self) -> bool:
        """Whether enough is set to take it that somebody wants this store."""
        return bool(self.bucket and self.access_key and self.secret_key)


class CloudinarySettings(Group):
    """Cloudinary: three variables, or all of them in one URL. The three win."""

    cloud: str | None = env("CLOUDINARY_CLOUD_NAME", default=None, text="Name of the cloud.")
    key: str | None = env("CLOUDINARY_API_KEY", default=None, text="Its API key.")
    secret: SecretStr | None = env("CLOUDINARY_API_SECRET", default=None, text="Its API secret.")
    url: SecretStr | None = env(
        "CLOUDINARY_URL", default=None, text="`cloudinary://KEY:SECRET@CLOUD`, instead of the three."
    )
    prefix: Address | None = env(
        "CLOUDINARY_UPLOAD_PREFIX", default=None, text=f"Address of Cloudinary's API; unset: {CLOUDINARY_API}."
    )

    @property
    def meant(self) -> bool:
        """Whether enough is set to take it that somebody wants this store."""
        return self.url is not None or bool(self.cloud and self.key and self.secret)

    def credentials(self) -> dict[str, str]:
        """`cloud_name`, `api_key`, `api_secret`, `upload_prefix`; ValueError names the variable that is missing."""
        parts = _cloudinary_url(self.url.get_secret_value()) if self.url else {}
        secret = self.secret.get_secret_value() if self.secret else None
        own = {"cloud_name": self.cloud, "api_key": self.key, "api_secret": secret, "upload_prefix": self.prefix}
        merged = {"upload_prefix": CLOUDINARY_API, **parts, **{name: value for name, value in own.items() if value}}
        for name in ("cloud_name", "api_key", "api_secret"):
            if name not in merged:
                raise ValueError(f"Cloudinary needs CLOUDINARY_{name.upper()}, or CLOUDINARY_URL.")
        return merged


def _cloudinary_url(url: str) -> dict[str, str]:
    """Quotes around it are forgiven, percent-coded parts are decoded: the SDK does neither."""
    try:
        parts = urlsplit(url.strip().strip("\"'"))
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "cloudinary" or not parts.hostname:
        raise ValueError("CLOUDINARY_URL has the form cloudinary://KEY:SECRET@CLOUD.")
    cloud = parts.netloc.rpartition("@")[2]
    found = {"cloud_name": cloud, "api_key": parts.username, "api_secret": parts.password}
    prefix = parse_qs(parts.query).get("upload_prefix")
    decoded = {name: unquote(value) for name, value in found.items() if value}
    return decoded | ({"upload_prefix": prefix[0].rstrip("/")} if prefix else {})

"""Names of stores -> classes, imported only when they are used: an SDK that nobody asked for costs no memory."""

from importlib import import_module
from typing import cast

from app.settings import Settings
from app.storage.backend import Backend

# name -> (module:Class, the settings group that it is made from)
BACKENDS = {
    "local": ("app.storage.local:LocalBackend", "storage"),
    "s3": ("app.storage.s3:S3Backend", "s3"),
    "cloudinary": ("app.storage.cloudinary:CloudinaryBackend", "cloudinary"),
    "memory": ("app.storage.memory:MemoryBackend", "storage"),
}


def make(name: str, settings: Settings) -> Backend:
    """The backend of that name, made from its settings."""
    path, group = BACKENDS[name]
    module, _, cls = path.partition(":")
    return cast("Backend", getattr(import_module(module), cls).from_settings(getattr(settings, group)))


def configured(settings: Settings) -> list[str]:
    """The store that new bytes go to, then those that older rows may name and whose variables are still there."""
    there = {"local": settings.storage.files.is_dir(), "s3": settings.s3.meant, "cloudinary": settings.cloudinary.meant}
    return [settings.store, *(name for name in there if there[name] and name != settings.store)]

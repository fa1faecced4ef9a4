"""Names of stores -> classes, imported only when they are used: an SDK that nobody asked for costs no memory."""

from importlib import import_module
from typing import cast

from app.settings import StorageSettings
from app.storage.backend import Backend

BACKENDS = {
    "local": "app.storage.local:LocalBackend",
    "memory": "app.storage.memory:MemoryBackend",
}


def make(name: str, settings: StorageSettings) -> Backend:
    """The backend of that name, made from its settings."""
    module, _, cls = BACKENDS[name].partition(":")
    return cast("Backend", getattr(import_module(module), cls).from_settings(settings))

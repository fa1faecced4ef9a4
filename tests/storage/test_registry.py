"""Names of stores, and the stores that rows may name."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import StorageUnavailable
from app.settings import Settings, StorageSettings
from app.storage import registry
from app.storage.backend import Adopts, Backend
from app.storage.memory import MemoryBackend
from app.storage.storage import Storage, Stores
from tests.storage.backends import FACTORIES

ROOT = Path(__file__).parents[2]
METHODS = [name for name in vars(Backend) if not name.startswith("_")]


def test_every_name_is_tried() -> None:
    """A store without a row in the contract's table would keep no promise."""
    assert {store for store, _ in FACTORIES} == set(registry.BACKENDS)


def test_a_store_has_every_method(backend: Backend) -> None:
    """Those of the protocol; and it answers a ping."""
    assert [method for method in METHODS if not callable(getattr(backend, method, None))] == []
    backend.ping()


def test_only_a_disk_adopts(tmp_path: Path) -> None:
    """What a store can do besides is asked of it."""
    assert isinstance(registry.make("local", Settings(storage=StorageSettings(data_dir=tmp_path))), Adopts)
    assert not isinstance(MemoryBackend(), Adopts)


def test_a_store_that_nobody_asked_for_is_not_imported() -> None:
    """The registry knows names: an SDK costs memory only where it is used."""
    code = "import app.storage.registry, sys; print([m for m in sys.modules if m.startswith('app.storage.')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "app.storage.local" not in done.stdout
    assert "app.storage.memory" not in done.stdout


def test_new_bytes_go_to_the_first_store() -> None:
    """The others are there for the rows that name them."""
    new, old = Storage("new", MemoryBackend()), Storage("old", MemoryBackend())
    stores = Stores([new, old])

    assert stores.default is new
    assert (stores["new"], stores["old"]) == (new, old)
    assert list(stores) == [new, old]


def test_a_store_that_is_configured_no_more_is_unavailable() -> None:
    """Its name is told: the operator can bring it back."""
    stores = Stores([Storage("new", MemoryBackend())])

    with pytest.raises(StorageUnavailable, match="gone"):
        stores["gone"]

"""The pairs of a store and a database that are crashed, with the servers that they need."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests import postgres
from tests.clouds import environment_of
from tests.crash.contents import API_KEYS
from tests.crash.disk import Disk
from tests.crash.remains import Remains
from tests.crash.service import SHUTDOWN_SECONDS
from tests.crash.wire import Wire
from tests.standins import swift
from tests.standins.cloudinary import cloud

PAIRS = ("local+sqlite", "local+postgres", "s3+postgres", "cloudinary+postgres")
GRACE = "3600"  # the service's own; the harness lets it be over when nothing is under way
ADMIN_CALLS = 1_000_000_000  # an hour: the harness lists after each round


class Servers(Protocol):
    """Gives `durable_postgres` (a URL), `swift` or `cloud` by name, as pytest's `request` does."""

    def getfixturevalue(self, name: str) -> Any:
        """A running server."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens."""

    folder: Path
    environment: dict[str, str]  # of the service
    direct: dict[str, str]  # of commands and of the harness: not by way of the wire
    remains: Remains
    eyes: Wire | Disk
    strays: bool  # the store may end a put after the death of its client

    @property
    def log(self) -> Path:
        """What the service prints, over all its lives."""
        return self.folder / "service.log"


class OwnServers:
    """Servers that are started when they are asked for, and gone at the end of the block."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._running: dict[str, Any] = {}

    def getfixturevalue(self, name: str) -> Any:
        """A running server."""
        if name not in self._running:
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{name}-")))
            start = {
                "durable_postgres": lambda: postgres.running(durable=True),
                "swift": lambda: swift.running(folder),
                "cloud": lambda: cloud.running(cloud.Account(admin_limit=ADMIN_CALLS)),
            }
            self._running[name] = self._stack.enter_context(start[name]())
        return self._running[name]


@contextlib.contextmanager
def own_servers() -> Iterator[OwnServers]:
    """For a run by hand."""
    with contextlib.ExitStack() as stack:
        yield OwnServers(stack)


@contextlib.contextmanager
def opened(pair: str, folder: Path, servers: Servers) -> Iterator[Place]:
    """An empty database and an empty store; `folder` is the caller's, and stays."""
    store, _, database = pair.partition("+")
    (folder / "tmp").mkdir()
    own = {
        "DATA_DIR": str(folder / "data"),
        "TMPDIR": str(folder / "tmp"),
        "API_KEYS": API_KEYS,
        "STRIP_METADATA": "none",  # what is sent is stored, byte for byte
        "SWEEP_GRACE": GRACE,
        "SHUTDOWN_TIMEOUT": str(SHUTDOWN_SECONDS),
        **environment_of(store, servers),
    }
    with contextlib.ExitStack() as stack:
        if database == "sqlite":
            url = f"sqlite:///{folder / 'data' / 'stowage.db'}"
            direct = environment = own
            eyes: Wire | Disk = stack.enter_context(Disk(folder / "data"))
        else:
            url = postgres.new_database(servers.getfixturevalue("durable_postgres"))
            stack.callback(postgres.drop_database, url)
            eyes = stack.enter_context(Wire(url))
            direct, environment = own | {"DATABASE_URL": url}, own | {"DATABASE_URL": eyes.url}
        yield Place(folder, environment, direct, Remains(url, direct), eyes, strays=store != "local")

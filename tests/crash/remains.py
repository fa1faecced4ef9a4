"""What a dead or idle service has left: rows, objects, spool files."""

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, select, text, update

from app.db.clock import clock
from app.db.database import engine_for
from app.db.models import assets, claims
from app.settings import Settings
from app.storage import registry
from app.storage.backend import Backend
from tests.crash.service import HarnessError

OTHERS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
QUIET_SECONDS = 10
STRAY_SECONDS = 0.3  # in which a store ends what it began for a dead client


@dataclass(frozen=True, slots=True)
class Row:
    """One asset."""

    id: str
    state: str
    kind: str
    key: str
    size: int
    sha256: str


class Remains:
    """Looks at one database and one store from outside."""

    def __init__(self, database_url: str, environment: Mapping[str, str]) -> None:
        self._url = database_url
        self._environment = environment
        self.spool = Path(environment["DATA_DIR"], "files", ".spool")
        if environment.get("STORAGE_BACKEND", "local") != "local":
            self.spool = Path(environment["TMPDIR"], "stowage-spool")
        self._backend: Backend | None = None

    def rows(self) -> list[Row]:
        """Every asset, in every state."""
        return _rows(self._url)

    def rows_of_the_dead(self) -> list[Row]:
        """The same, without touching what a dead service has left: SQLite's files are read from a copy."""
        if not self._url.startswith("sqlite"):
            self._wait_for_the_last_statement()
            return self.rows()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(self._url.removeprefix("sqlite:///"))
            for each in (path, path.with_name(f"{path.name}-wal")):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(each, Path(folder, each.name))
            return _rows(f"sqlite:///{Path(folder, path.name)}")

    def answered(self, keys: Sequence[str]) -> list[str]:
        """Those of these Idempotency-Keys whose first answer is kept."""
        kept = select(claims.c.key).where(claims.c.key.in_(keys), claims.c.answer.is_not(None))
        with _connected(self._url) as connection:
            return list(connection.execute(kept).scalars())

    def objects(self) -> dict[str, int]:
        """What the store lists: key -> size in bytes."""
        with self._as_the_service():
            return {info.key: info.size for info in self._store().list()}

    def has(self, key: str) -> bool:
        """What the store says of one object, when its listing is doubted."""
        with self._as_the_service(), contextlib.suppress(Exception):
            return bool(self._store().stat(key))
        return False

    def spooled(self) -> list[str]:
        """Spool files."""
        return sorted(path.name for path in self.spool.glob("*"))

    def forward(self) -> None:
        """Let the grace of every upload, and every lease, be over."""
        over = update(assets).where(assets.c.state != "ready").values(due_at=clock(-1.0))
        with _connected(self._url) as connection:
            connection.execute(over)

    def write_down(self, path: Path) -> None:
        """Rows and objects as JSON: the database does not outlive the run."""
        left = {"rows": [asdict(row) for row in self.rows()], "objects": self.objects(), "spool": self.spooled()}
        path.write_text(json.dumps(left, indent=1))

    def check_servers(self) -> None:
        """HarnessError when the database or the store is to blame for what the service did."""
        try:
            _rows(self._url)
            with self._as_the_service():
                self._store().ping()
        except Exception as failure:
            raise HarnessError("the database or the store does not answer") from failure

    def _store(self) -> Backend:
        if self._backend is None:
            settings = Settings()
            self._backend = registry.make(settings.store, settings)
        return self._backend

    @contextlib.contextmanager
    def _as_the_service(self) -> Iterator[None]:
        """With the variables of the service: its backends read them, and so do SDKs."""
        before = {name: os.environ.get(name) for name in self._environment}
        os.environ.update(self._environment)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                os.environ.update({} if value is None else {name: value})

    def _wait_for_the_last_statement(self) -> None:
        """Postgres ends what it had begun for a dead client."""
        deadline = time.monotonic() + QUIET_SECONDS
        while time.monotonic() < deadline:
            with _connected(self._url) as connection:
                if not connection.execute(OTHERS).scalar():
                    return
            time.sleep(0.01)
        raise HarnessError("connections of the dead service stay open")


def _rows(url: str) -> list[Row]:
    columns = [assets.c[name] for name in Row.__slots__]
    with _connected(url) as connection:
        return [Row(str(row.id), *row[1:]) for row in connection.execute(select(*columns))]


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """One transaction, on a connection that nothing is left of."""
    engine = engine_for(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()

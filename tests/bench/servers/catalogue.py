"""The servers that are compared: how each is started, with a store and a database of its own."""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests import postgres
from tests.bench.servers import image, nginx
from tests.bench.servers.processes import CALM_MALLOC, ROOT, answers, free_port, once, running
from tests.bench.sink.store import LARGEST
from tests.bench.target import Speech, Target

KEY = "bench-key-0123456789abcdef"
BUCKET = "bench"
WORKERS, THREADS, REPLICAS = 2, 8, 2
BENCH_PYTHON = ROOT / os.environ.get("BENCH_VENV", ".venv-bench") / "bin" / "python"

SERVICE = Speech("/v1/assets?kind={kind}", headers={"X-API-Key": KEY})
BARE = Speech("/", unwraps=False)
PEER = Speech("/files")
RAW = Speech("/{number}", method="PUT", wrapped=False)


@dataclass(frozen=True)
class Starting:
    """What a server is started with."""

    port: int
    folder: Path
    database: str | None
    sink: int | None

    @property
    def s3(self) -> dict[str, str]:
        """Where the sink is, as the service's settings."""
        if self.sink is None:
            return {}
        return {"S3_ENDPOINT_URL": f"http://127.0.0.1:{self.sink}", "S3_BUCKET": BUCKET, "S3_REGION": "us-east-1"}


Command = tuple[list[str], dict[str, str]]


@dataclass(frozen=True)
class Kind:
    """One of the servers. `peer`: it needs what only the bench's own environment has. `home` is its checkout."""

    speech: Speech
    command: Callable[[Starting], Command]
    postgres: bool = False
    s3: bool = False
    peer: bool = False
    home: Path = ROOT


def settings(given: Starting) -> dict[str, str]:
    """All that the bench sets for the service."""
    ours = {
        "HOST": "127.0.0.1",
        "PORT": str(given.port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{given.port}",
        "DATA_DIR": str(given.folder / "data"),
        "API_KEYS": f"bench:{KEY}",
        "FILE_MAX_MB": "4096",
    }
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret"}
    database = {"DATABASE_URL": given.database} if given.database else {}
    return {**ours, **database, **given.s3, **(keys if given.sink else {})}


def _service(given: Starting, home: Path = ROOT) -> Command:
    return [sys.executable, "-m", "app", "serve"], image.with_settings(settings(given), home)


def _replicas(given: Starting) -> Command:
    """Two processes on one port, one database and one disk. uvicorn starts them, without our own limits on heads."""
    command = [*_uvicorn(sys.executable, "app.main:create_app", given.port), "--factory", "--workers", str(REPLICAS)]
    return [*command, "--no-server-header"], image.with_settings(settings(given), ROOT)


def _uvicorn(python: str | Path, app: str, port: int) -> list[str]:
    command = [str(python), "-m", "uvicorn", app, "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    return [*command, "--log-level", "warning", "--no-access-log"]


def _bare(name: str) -> Callable[[Starting], Command]:
    def command(given: Starting) -> Command:
        made = [*_uvicorn(sys.executable, f"tests.bench.peers.bare:{name}", given.port), "--lifespan", "off"]
        return made, {"BARE_DIR": str(given.folder / "data"), **CALM_MALLOC}

    return command


def _peer(given: Starting) -> dict[str, str]:
    return {"PEER_DATA": str(given.folder / "data"), "DATABASE_URL": given.database or "", **given.s3}


def _tutorial(given: Starting) -> Command:
    variables = _peer(given)
    variables["DATABASE_URL"] = variables["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1)
    return _uvicorn(BENCH_PYTHON, "tests.bench.peers.tutorial:app", given.port), variables


def _django(given: Starting) -> Command:
    site, variables = "tests.bench.peers.django_site", _peer(given)
    made = {**variables, "PATH": os.environ["PATH"]}
    subprocess.run([BENCH_PYTHON, "-m", site, "tables"], cwd=ROOT, env=made, check=True, capture_output=True)
    command = [str(BENCH_PYTHON), "-m", "gunicorn", f"{site}:application", "-b", f"127.0.0.1:{given.port}"]
    command += ["-w", str(WORKERS), "-k", "gthread", "--threads", str(THREADS), "--keep-alive", "75"]
    return [*command, "--no-control-socket"], variables


def _nginx(given: Starting) -> Command:
    return nginx.command(given.port, given.folder), {}


KINDS = {
    "local+postgres": Kind(SERVICE, _service, postgres=True),
    "local+sqlite": Kind(SERVICE, _service),
    "s3+postgres": Kind(replace(SERVICE, largest=LARGEST), _service, postgres=True, s3=True),
    "local+postgres-2": Kind(SERVICE, _replicas, postgres=True),
    "asgi-discard": Kind(replace(BARE, keeps=False), _bare("discard")),
    "asgi-file": Kind(BARE, _bare("file")),
    "tutorial": Kind(PEER, _tutorial, postgres=True, peer=True),
    "django": Kind(PEER, _django, postgres=True, peer=True),
    "django-s3": Kind(replace(PEER, largest=LARGEST), _django, postgres=True, s3=True, peer=True),
    "nginx": Kind(RAW, _nginx),
}
SERVICES = tuple(name for name, kind in KINDS.items() if kind.command is _service)


def beside(home: Path) -> dict[str, str]:
    """Let the service of another checkout be measured too: service -> the name of its other version."""
    others = {name: f"{name}@{home.name}" for name in SERVICES}
    for name, other in others.items():
        KINDS[other] = replace(KINDS[name], command=partial(_service, home=home), home=home)
    return others


def missing(name: str) -> str:
    """Why a server can't be started on this machine, or nothing."""
    if KINDS[name].peer and not BENCH_PYTHON.exists():
        return f"{name} needs {BENCH_PYTHON.parents[1].name}, which `make bench` installs"
    if name == "nginx" and not nginx.found():
        return "nginx is not installed"
    return ""


@contextlib.contextmanager
def started(name: str, database_server: str | None) -> Iterator[Target]:
    """A fresh server with an empty store, ready for requests."""
    kind = KINDS[name]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        (folder / "data").mkdir()
        database = None
        if kind.postgres and database_server:
            database = postgres.new_database(database_server)
            if "TEST_DATABASE_URL" in os.environ:  # a server of our own is removed as a whole: dropping is a checkpoint
                stack.callback(postgres.drop_database, database)
        objects = stack.enter_context(sink(folder / "sink")) if kind.s3 else None
        given = Starting(free_port(), folder, database, objects)
        command, variables = kind.command(given)
        if kind.speech.path == SERVICE.path:  # as a platform does before a deploy
            once([sys.executable, "-m", "app", "migrate"], variables, kind.home)
        pid = stack.enter_context(running(command, variables, folder, lambda: answers(given.port), kind.home))
        yield Target(name, given.port, pid, folder, kind.speech, database, sink=objects)


@contextlib.contextmanager
def sink(folder: Path) -> Iterator[int]:
    """The port of an S3 sink with one empty bucket."""
    folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.sink", str(port), BUCKET]
    with running(command, CALM_MALLOC, folder, lambda: answers(port, "/-/counts")):
        yield port

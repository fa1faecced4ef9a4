"""One database, one store, and any number of services on them: what a fault test breaks, and looks at afterwards."""

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from app.assets.check import Checker
from app.assets.sweep import Report
from app.bootstrap import build
from app.db.clock import clock
from app.db.models import assets
from app.main import create_app
from app.services import Services
from app.settings import Settings
from tests.conftest import FOREIGN, make_png
from tests.serving import AS_SENT, Served, served

T = TypeVar("T")

KEY = "fault-tests-key"
HEADERS = {"Authorization": f"Bearer {KEY}"}
LOGO = "/v1/companies/7/logo"
PATIENCE = 60.0  # seconds that a client waits


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """What there is: states of rows, objects, what `stowage check --deep` finds, files in the spool."""

    rows: tuple[str, ...]
    objects: int
    findings: tuple[str, ...]
    spool: int


class Place:
    """`settings` are the variables of the services; a test may change them between two starts."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        temporary = folder / "tmp"  # bodies on their way to a cloud are spooled there
        temporary.mkdir(exist_ok=True)
        own = {"DATA_DIR": str(folder / "data"), "API_KEYS": f"acme:{KEY}", "SWEEP_INTERVAL": "0"}
        own["TMPDIR"] = str(temporary)
        self.settings: dict[str, str] = {**own, **settings}

    @property
    def files(self) -> Path:
        """The root of the store on the disk."""
        return Path(self.settings["DATA_DIR"]) / "files"

    @property
    def log(self) -> str:
        """What all services have said."""
        return (self.folder / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def service(self, *, prefix: Sequence[str] = (), ready: int = 200, **more: str) -> Iterator[Served]:
        """A service in a process of its own, stopped at the end if it still runs; `ready` is what /readyz shall say."""
        with served({**self.settings, **more}, self.folder / "log", prefix=prefix, ready=ready) as service:
            yield service

    @contextlib.contextmanager
    def client(self, **more: str) -> Iterator[TestClient]:
        """A service in this process, and its client; `.app.state.services` are its objects."""
        services = self.build(**more)
        with TestClient(create_app(services), headers=HEADERS) as client:
            yield client

    def build(self, **more: str) -> Services:
        """The objects of a service, made of the variables."""
        with pytest.MonkeyPatch.context() as environment:
            for name in [name for name in os.environ if name.startswith(FOREIGN)]:
                environment.delenv(name)
            for name, value in {**AS_SENT, **self.settings, **more}.items():
                environment.setenv(name, value)
            environment.setattr("tempfile.tempdir", self.settings["TMPDIR"])
            return build(Settings())

    def expire(self) -> None:
        """Let the grace of every unfinished upload be over, and every pause of the sweeper."""
        self._with(_expire)

    def sweep(self, **more: str) -> Report:
        """One sweep by a process of its own time; the spool's grace is 0 when nothing runs."""
        return self._with(lambda services: services.sweeper.sweep(), **more)

    def left(self) -> Left:
        """Compare rows and bytes, each byte."""
        return self._with(_left)

    def settled(self) -> Left:
        """What is there when nothing runs and the grace is over."""
        return self._with(_settled, SWEEP_GRACE="0")

    def states(self) -> list[str]:
        """Of all rows, sorted."""
        return self._with(_states)

    def _with(self, ask: Callable[[Services], Awaitable[T]], **more: str) -> T:
        async def run() -> T:
            services = self.build(**more)
            try:
                return await ask(services)
            finally:
                await services.close()

        return asyncio.run(run())


def whole(rows: int) -> Left:
    """So many acknowledged assets, each with its bytes, and nothing else."""
    return Left(rows=("ready",) * rows, objects=rows, findings=(), spool=0)


def talking(service: Served, port: int | None = None) -> httpx2.Client:
    """A client of a service in another process, or of a proxy before it."""
    return httpx2.Client(base_url=f"http://127.0.0.1:{port or service.port}", headers=HEADERS, timeout=PATIENCE)


def png(number: int = 0, *, size: int = 0) -> bytes:
    """A picture unlike those with other numbers; `size` makes it so many bytes longer."""
    return make_png(noise=number.to_bytes(4, "big")) + bytes(size)


def upload(client: Any, content: bytes, *, key: str | None = None, **more: Any) -> httpx2.Response:
    """Store a photo."""
    headers = {"Idempotency-Key": key} if key else {}
    answer: httpx2.Response = client.post(
        "/v1/assets?kind=photo", files=_file("file", content), headers=headers, **more
    )
    return answer


def put_logo(client: Any, content: bytes, *, path: str = LOGO, **more: Any) -> httpx2.Response:
    """Set the logo of company 7, or another slot."""
    answer: httpx2.Response = client.put(path, files=_file("file", content), **more)
    return answer


def logo(client: Any) -> bytes:
    """The bytes that readers of the logo see."""
    permalink = client.get(LOGO).json()["slot"]["permalink"]
    seen: bytes = client.get("/f/" + permalink.partition("/f/")[2]).content
    return seen


def _file(field: str, content: bytes) -> dict[str, tuple[str, bytes]]:
    return {field: ("a.png", content)}


async def _expire(services: Services) -> None:
    late = update(assets).where(assets.c.state != "ready").values(due_at=clock(-1))
    await services.database.run(lambda connection: connection.execute(late))


async def _settled(services: Services) -> Left:
    await _expire(services)
    await services.sweeper.sweep()
    return await _left(services)


async def _states(services: Services) -> list[str]:
    asked = select(assets.c.state)
    return await services.database.read(lambda c: sorted(c.execute(asked).scalars()))


async def _left(services: Services) -> Left:
    checker = Checker(services.database, services.stores)
    found = [f.finding async for f in checker.findings(deep=True, progress=lambda _what, _n: None)]
    assert checker.counts.errors == []
    rows = tuple(await _states(services))
    spool = services.spool.folder
    return Left(rows, checker.counts.objects, tuple(found), len(list(spool.iterdir())) if spool.exists() else 0)

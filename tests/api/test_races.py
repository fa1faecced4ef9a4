"""Readers, writers and the sweeper at once, also in two replicas: one whole logo at every moment, one at the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import cycle

import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import Settings
from tests.api.forms import form, part
from tests.api.refusals import nothing_held, refused, rows
from tests.api.wire import Wired, send
from tests.conftest import files_below, make_png

pytestmark = pytest.mark.anyio

LOGO = "/v1/companies/7/logo"
OLD, NEW = make_png(noise=b"old"), make_png(noise=b"new")


def path_of(address: str) -> str:
    """The part of an address behind its host."""
    return "/f/" + address.partition("/f/")[2]


async def put(app: FastAPI, content: bytes) -> Wired:
    """Set the logo."""
    return await send(app, [form(part("logo", content, "a.png"))], path=LOGO, method="PUT")


def before_the_bytes_are_read(
    monkeypatch: pytest.MonkeyPatch, services: Services, happens: Callable[[], Awaitable[object]]
) -> None:
    """Let something happen between the moment when a reader has seen the row and the one when it opens the file."""
    read = services.assets.read

    async def late(*args, **kwargs):
        monkeypatch.setattr(services.assets, "read", read)
        await happens()
        return await read(*args, **kwargs)

    monkeypatch.setattr(services.assets, "read", late)


async def test_a_reader_of_a_slot_gets_the_new_file_when_the_old_one_goes(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced and swept while it was on its way to the old one: it never sees a failure."""
    slot = path_of((await put(app, OLD)).json()["slot"]["permalink"])

    async def replaced() -> None:
        await put(app, NEW)
        await services.sweeper.sweep()

    before_the_bytes_are_read(monkeypatch, services, replaced)
    answer = await send(app, path=slot, method="GET")

    assert (answer.status_code, answer.content) == (200, NEW)


@pytest.mark.parametrize("address", ["asset", "slot"])
async def test_a_reader_is_told_that_a_file_was_deleted(
    app: FastAPI, services: Services, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """404 when it goes under the reader's hands, as a moment later: nothing is wrong with the store."""
    logo = (await put(app, OLD)).json()
    path = path_of(logo["permalink"] if address == "asset" else logo["slot"]["permalink"])

    async def deleted() -> None:
        await asyncio.create_task(send(app, path=LOGO, method="DELETE"))  # a request of its own, with its own id
        await services.sweeper.sweep()

    before_the_bytes_are_read(monkeypatch, services, deleted)

    refused(await send(app, path=path, method="GET"), 404, "not_found")


async def test_a_reader_who_has_begun_gets_the_whole_file(app: FastAPI, services: Services) -> None:
    """Replaced and swept in the middle of a download: it goes on with the old one to its end."""
    content = OLD + bytes(range(256)) * 8000
    path = path_of((await put(app, content)).json()["slot"]["permalink"])

    async def slow(message: Message) -> None:
        if message["type"] == "http.response.start":
            await put(app, NEW)
            await services.sweeper.sweep()

    answer = await send(app, path=path, method="GET", tell=slow)

    assert answer.content == content
    assert (await send(app, path=path, method="GET")).content == NEW


@pytest.fixture
async def replicas(settings_on: Settings) -> AsyncIterator[list[Services]]:
    """Two services on one database and one store."""
    both = [build(settings_on) for _ in range(2)]
    for services in both:
        await services.start()
    yield both
    for services in both:
        await services.close()


@dataclass
class Traffic:
    """What goes on at once, and what everybody saw: status codes, or bytes that are no logo."""

    apps: list[FastAPI]
    logos: list[bytes]
    slot: str
    writing: int
    seen: list[int | bytes] = field(default_factory=list)

    async def write(self, number: int, every: int) -> None:
        """Some of the logos, one after the other, at one replica."""
        for content in self.logos[number::every]:
            answer = await put(self.apps[number % 2], content)
            self.seen.append(answer.status_code)
        self.writing -= 1

    async def read(self) -> None:
        """Over and over, at both replicas in turn."""
        apps = cycle(self.apps)
        while self.writing:
            answer = await send(next(apps), path=self.slot, method="GET")
            self.seen.append(answer.status_code if answer.content in self.logos else answer.content)

    async def sweep(self, services: Services) -> None:
        """Over and over, at one replica."""
        while self.writing:
            await services.sweeper.sweep()


async def test_two_replicas_replace_and_read_one_logo(replicas: list[Services]) -> None:
    """Four writers, four readers, two sweepers: no failure, no other bytes, no gap; at the end one row and one file."""
    apps = [create_app(services) for services in replicas]
    logos = [make_png(noise=bytes([n])) for n in range(24)]
    slot = path_of((await put(apps[0], logos[0])).json()["slot"]["permalink"])
    traffic = Traffic(apps, logos, slot, writing=4)

    writers, readers = [traffic.write(n, every=4) for n in range(4)], [traffic.read() for _ in range(4)]
    await asyncio.gather(*writers, *readers, *map(traffic.sweep, replicas))
    await replicas[0].sweeper.sweep()

    assert set(traffic.seen) == {200}
    assert (rows(replicas[0]), len(files_below(replicas[0]))) == (1, 1)
    for services in replicas:
        nothing_held(services)


async def test_two_replicas_store_once_under_one_key(replicas: list[Services]) -> None:
    """Ten tries at each: one id, one row, one file."""
    apps = [create_app(services) for services in replicas]
    body = [form(part("file", OLD, "a.png"))]

    answers = await asyncio.gather(
        *[send(apps[n % 2], body, path="/v1/assets?kind=photo", headers={"idempotency-key": "once"}) for n in range(20)]
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (rows(replicas[0]), len(files_below(replicas[1]))) == (1, 1)


async def test_two_who_saw_the_same_logo(replicas: list[Services]) -> None:
    """Ten replacements of the same one, with its tag, at two replicas: one wins, nine get 412."""
    apps = [create_app(services) for services in replicas]
    headers = {"if-match": (await put(apps[0], OLD)).headers["etag"]}
    body = [form(part("logo", NEW, "a.png"))]

    answers = await asyncio.gather(
        *[send(apps[n % 2], body, path=LOGO, method="PUT", headers=headers) for n in range(10)]
    )
    await replicas[0].sweeper.sweep()

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert (rows(replicas[0]), len(files_below(replicas[0]))) == (1, 1)

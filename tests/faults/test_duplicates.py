"""F2, F15, F16: the same request many times, and many requests for the same place, on two replicas in processes."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import httpx2
import pytest

from tests.clouds import environment_of
from tests.faults.place import HEADERS, LOGO, PATIENCE, Place, logo, png, put_logo, talking, upload, whole
from tests.faults.postgres import Server
from tests.faults.proxy import HEALTHY, Proxy, Trouble
from tests.serving import Served

Replicas = tuple[Served, Served]


@pytest.fixture(scope="module")
def bucket(request: pytest.FixtureRequest, started_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Postgres and a bucket on Swift."""
    settings = {"DATABASE_URL": started_server.new_database(), **environment_of("s3", request)}
    return Place(tmp_path_factory.mktemp("bucket"), settings)


@pytest.fixture(scope="module")
def replicas(bucket: Place) -> Iterator[Replicas]:
    """Two services on them; one of them sweeps twice a second."""
    with bucket.service() as one, bucket.service(SWEEP_INTERVAL="0.5") as other:
        yield one, other


def at_once(calls: list[Callable[[], None]]) -> None:
    """Each by a thread of its own, from one moment on."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], None]) -> None:
        start.wait()
        call()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("size", [0, 600_000], ids=["small", "spooled"])
@pytest.mark.parametrize("deaf", [True, False], ids=["dropped", "cut in its head"])
def test_f02_an_answer_that_nobody_heard_is_given_again(
    bucket: Place, replicas: Replicas, *, size: int, deaf: bool
) -> None:
    """The first answer is lost on its way; the same request at another replica gets it, and there is one asset."""
    content, key = png(100 + size + deaf, size=size), f"lost-{size}-{deaf}"
    with Proxy(replicas[0].port) as proxy, talking(replicas[0], proxy.port) as client:
        proxy.trouble = Trouble(deaf=deaf, cut_down=None if deaf else 20, then=HEALTHY)
        with pytest.raises(httpx2.TransportError):
            upload(client, content, key=key)
    with talking(replicas[1]) as client:
        answer = upload(client, content, key=key)
        listed = client.get("/v1/assets", params={"sha256": answer.json()["sha256"]}).json()["items"]

    assert answer.status_code == 201
    assert answer.headers["idempotency-replayed"] == "true"
    assert [asset["id"] for asset in listed] == [answer.json()["id"]]


def test_f15_twenty_requests_with_one_key_on_two_replicas(bucket: Place, replicas: Replicas) -> None:
    """One id, one row, one object; the same for a retry at a third that has just started; another file is refused."""
    answers: list[httpx2.Response] = []
    before = len(bucket.settled().rows)

    def send(service: Served) -> None:
        with talking(service) as client:
            answers.append(upload(client, png(1), key="once"))

    at_once([lambda service=service: send(service) for _, service in zip(range(20), cycle(replicas))])
    with bucket.service() as third, talking(third) as client:
        answers.append(upload(client, png(1), key="once"))
        other = upload(client, png(2), key="once")

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert bucket.settled() == whole(before + 1)


class Race:
    """Writers and readers of one logo, each at both replicas in turn."""

    def __init__(self, replicas: Replicas, logos: list[bytes]) -> None:
        self._replicas, self._logos = replicas, logos
        self.statuses: set[int] = set()
        self.foreign: list[bytes] = []  # what readers saw that is no whole logo
        self.reads = 0
        self._writing = 4

    def write(self, number: int) -> None:
        """Every fourth logo."""
        clients = self._clients()
        for content in self._logos[number::4]:
            self.statuses.add(put_logo(next(clients), content).status_code)
        self._writing -= 1

    def read(self, permalink: str) -> None:
        """By the slot's address, until all have been written."""
        clients = self._clients()
        while self._writing:
            answer = next(clients).get(permalink)
            self.statuses.add(answer.status_code)
            self.reads += 1
            if answer.content not in self._logos:
                self.foreign.append(answer.content)

    def _clients(self) -> Iterator[httpx2.Client]:
        with contextlib.ExitStack() as stack:
            clients = [
                stack.enter_context(httpx2.Client(base_url=each.url, headers=HEADERS, timeout=PATIENCE))
                for each in self._replicas
            ]
            yield from cycle(clients)


def test_f16_two_replicas_replace_one_logo(bucket: Place, replicas: Replicas) -> None:
    """Four writers, three readers, a sweeper: no failure, no gap, nothing but whole logos; one is left."""
    logos = [png(number, size=3000) for number in range(40)]
    before = len(bucket.settled().rows)
    with talking(replicas[0]) as client:
        permalink: str = "/f/" + put_logo(client, logos[0]).json()["slot"]["permalink"].partition("/f/")[2]
        race = Race(replicas, logos)
        writers: list[Any] = [lambda n=n: race.write(n) for n in range(4)]
        at_once([*writers, *[lambda: race.read(permalink)] * 3])
        shown = client.get(LOGO).json()
        seen = logo(client)

    assert race.statuses == {200}
    assert (race.foreign, race.reads > 20) == ([], True)
    assert seen in logos
    assert shown["size"] == len(seen)
    assert "deadlock" not in bucket.log
    assert bucket.settled() == whole(before + 1)

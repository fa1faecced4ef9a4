"""F7: the network between the service and its bucket, over TLS: cut in the middle, silent, forgetful."""

import gc
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from app.storage import s3_pool
from tests.api.refusals import refused
from tests.faults.place import LOGO, Place, logo, png, put_logo, upload, whole
from tests.faults.proxy import Proxy, Trouble
from tests.standins import s3_faults
from tests.standins.s3_faults import Faults

BIG = 1_500_000  # bytes

# A handshake that is cut leaves a socket to the garbage collector, inside the HTTP library: not ours to close.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What a test leaves to the collector is collected within it, not in the next one."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faults]:
    """A bucket over TLS. Not Swift's: its server ends when a handshake is reset."""
    with s3_faults.running(tmp_path_factory.mktemp("tls")) as faults:
        yield faults


@pytest.fixture
def network(place: Place, over_tls: Faults, hasty: None) -> Iterator[Proxy]:
    """A proxy between the services of `place` and the empty bucket."""
    over_tls.memory.objects.clear()
    server = over_tls.server
    with Proxy(urlsplit(server.url).port or 0) as proxy:
        place.settings |= {"S3_BUCKET": s3_faults.BUCKET, "S3_REGION": server.region}
        place.settings |= {"S3_ENDPOINT_URL": f"https://127.0.0.1:{proxy.port}", "AWS_CA_BUNDLE": str(server.ca)}
        place.settings |= {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
        yield proxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits half a minute for an answer."""
    monkeypatch.setattr(s3_pool, "READ_SECONDS", 1)
    monkeypatch.setattr(s3_pool, "CONNECT_SECONDS", 1)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("after", [100, 300_000], ids=["the handshake", "the body"])
def test_f07_every_connection_is_cut_in_the_middle_of(place: Place, network: Proxy, after: int, *, reset: bool) -> None:
    """503, the old logo stays, and nothing is left in the bucket."""
    with place.client() as client:
        put_logo(client, png(0))
        network.trouble = Trouble(cut_up=after, reset=reset)
        network.cut()
        refused(put_logo(client, png(1, size=BIG)), 503, "storage_unavailable")
        network.heal()
        assert logo(client) == png(0)
        assert put_logo(client, png(2, size=BIG)).status_code == 200
    assert place.settled() == whole(1)


def test_f07_a_third_of_the_connections_is_cut(place: Place, network: Proxy) -> None:
    """Twenty uploads by four clients: each is stored or a 503, and what is stored is read whole through the same."""
    with place.client() as client:
        network.trouble = Trouble(cut_up=200_000, cut_down=150_000, reset=True, chance=0.3)
        with ThreadPoolExecutor(4) as clients:
            answers = list(clients.map(lambda n: (network.cut(), upload(client, png(n, size=BIG)))[1], range(20)))
        kept = {answer.json()["id"]: n for n, answer in enumerate(answers) if answer.status_code == 201}
        read = [client.get(f"/f/{asset}/a.png") for asset in kept]
        network.heal()

        assert {answer.status_code for answer in answers} <= {201, 503}
        assert len(kept) > 10
        for answer, number in zip(read, kept.values(), strict=True):
            assert answer.content == png(number, size=BIG) or answer.status_code in {503, 504}
    assert place.settled() == whole(len(kept))


def test_f07_a_download_is_taken_up_again(place: Place, network: Proxy) -> None:
    """Cut twice in its middle: the reader gets the whole file and notices nothing."""
    with place.client() as client:
        put_logo(client, png(0, size=BIG))
        network.cut()
        network.trouble = Trouble(cut_down=700_000)

        assert logo(client) == png(0, size=BIG)
    assert network.cuts > 2


def test_f07_a_network_that_delivers_nothing(place: Place, network: Proxy, impatient: None) -> None:
    """504 when the patience is over, reads too; when it is back all works without a restart."""
    with place.client() as client:
        put_logo(client, png(0))
        network.trouble = Trouble(silent=True)
        answer = put_logo(client, png(1))
        refused(answer, 504, "storage_timeout")
        assert int(answer.headers["retry-after"]) >= 1
        assert client.get(LOGO).status_code == 200
        network.heal()
        assert put_logo(client, png(2)).status_code == 200
        assert logo(client) == png(2)
    assert place.settled() == whole(1)


def test_f07_a_router_forgets_idle_connections(place: Place, network: Proxy, impatient: None) -> None:
    """The kept-alive ones are dead without a word: another try finds a new one, and it is a 200."""
    with place.client() as client:
        put_logo(client, png(0))
        network.forget()

        assert put_logo(client, png(1)).status_code == 200
        assert logo(client) == png(1)
    assert place.settled() == whole(1)


def test_f05_somebody_cleans_up_the_temporary_folder(place: Place, network: Proxy) -> None:
    """The spool's folder is removed under a running service: large files are stored again without a restart."""
    with place.client() as client:
        assert upload(client, png(0, size=BIG)).status_code == 201
        shutil.rmtree(client.app.state.services.spool.folder)
        first = upload(client, png(1, size=BIG))
        assert upload(client, png(2, size=BIG)).status_code == 201
    assert first.status_code in {201, 503}
    assert place.settled() == whole(2 + (first.status_code == 201))

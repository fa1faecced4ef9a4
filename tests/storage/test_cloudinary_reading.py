"""Reading from Cloudinary: originals by signed downloads, in ranges, to their end; links that stop working."""

import random
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from app.errors import ObjectMissing, StorageRefused, StorageTimeout, StorageUnavailable
from app.storage import cloudinary_client
from app.storage.cloudinary import CloudinaryBackend
from app.storage.cloudinary_client import CloudinaryClient
from app.storage.download import RESUMPTIONS
from app.storage.retrying import Patience
from tests.conftest import PDF, make_png
from tests.standins.cloudinary.callers import get
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import Fault, cut, page, refuse, reset
from tests.standins.s3_exchange import Exchange, ThreadedServer
from tests.standins.s3_words import Reply
from tests.storage.faulty import PUBLIC, TRIES, cloud_says, cloudinary_on, put_file

KEY = "logo/01a1fe46.png"
PNG = make_png(noise=random.Random(4).randbytes(50_000))
DETAILS = {"resource_type": "image", "type": "upload"}
PASSING = {
    "420": refuse(420),
    "423": refuse(423, "Processing"),
    "429": refuse(429),
    "500": refuse(500),
    "page": page(),
    "reset": reset(),
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>'


@pytest.fixture
def store_on(cloud: Cloud) -> CloudinaryBackend:
    """The store, with one public image."""
    backend = cloudinary_on(cloud)
    put_file(backend, KEY, PNG, serving=PUBLIC)
    return backend


def store_at(server: ThreadedServer) -> CloudinaryBackend:
    """The store on a server that says what it likes."""
    names = {"cloud_name": "acme", "api_key": "1", "api_secret": "2"}
    client = CloudinaryClient(names | {"upload_prefix": f"http://127.0.0.1:{server.server_port}"})
    return CloudinaryBackend(client, quick=Patience(seconds=20, tries=1))


def read(backend: CloudinaryBackend, key: str = KEY, **how: int | None) -> bytes:
    """To the end, with the details of a public image."""
    with backend.open(key, details=DETAILS, **how) as stream:  # type: ignore[arg-type]
        return stream.read()


@pytest.mark.parametrize(("start", "end"), [(0, None), (0, 10), (5, None), (10_000, 20_000), (99, 100), (49_999, None)])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_trap_a_download_that_ignores_ranges(
    cloud: Cloud, store_on: CloudinaryBackend, start: int, end: int | None, *, ranges: bool
) -> None:
    """Everything instead of a part: what comes before is thrown away, what comes after is not read."""
    cloud.ranges = ranges

    assert read(store_on, start=start, end=end) == PNG[start:end]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("after", [0, 1, 40_000])
def test_trap_a_download_that_breaks_off_is_short(
    cloud: Cloud, store_on: CloudinaryBackend, after: int, *, ranges: bool
) -> None:
    """It is taken up where it broke, also where ranges are not known and inside a range."""
    cloud.ranges = ranges
    cloud.faults.next("download", cut(after))
    assert read(store_on) == PNG
    cloud.faults.next("download", cut(after))
    assert read(store_on, start=20_000, end=90_000) == PNG[20_000:90_000]
    cloud.faults.always("download", cut(min(after, 10)))
    with pytest.raises(StorageUnavailable):
        read(store_on)

    assert len(cloud.named("download")) == 2 + 2 + RESUMPTIONS + 1


@pytest.mark.parametrize(
    "answer",
    [
        cloud_says(b"<html>moved</html>", status=302, kind="text/html", Location="/elsewhere"),
        cloud_says(b"<html>moved</html>", status=301, kind="text/html"),
        cloud_says(b"", status=204),
        cloud_says(b"", status=304),
    ],
    ids=["302", "301", "204", "304"],
)
def test_trap_the_page_of_a_redirect_is_the_file(cloud: Cloud, store_on: CloudinaryBackend, answer: Fault) -> None:
    """Only a 200 or a 206 brings the file."""
    cloud.faults.always("download", answer)
    with pytest.raises((StorageUnavailable, StorageRefused)):
        read(store_on)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_waited_for_and_has_an_end(cloud: Cloud, store_on: CloudinaryBackend, fault: Fault) -> None:
    """All tries but one may fail; when all do, it is said after so many requests."""
    cloud.faults.next("download", *[fault] * (TRIES - 1))
    assert read(store_on) == PNG
    cloud.faults.always("download", fault)
    with pytest.raises(StorageUnavailable):
        read(store_on)

    assert len(cloud.named("download")) == 2 * TRIES


def test_trap_a_download_that_says_nothing_more(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence in the middle of a body is a 504, after as many resumptions as a break."""
    monkeypatch.setattr(cloudinary_client, "TIMEOUT", urllib3.Timeout(connect=5, read=0.3))

    def serve(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "100")
        exchange.end_headers()
        exchange.wfile.write(b"x" * 10)
        cloud.closing.wait(10)

    with ThreadedServer(serve, None) as server, store_at(server).open(KEY, details=DETAILS) as stream:
        with pytest.raises(StorageTimeout):
            stream.read()
        cloud.closing.set()


@pytest.mark.parametrize(("start", "end"), [(0, None), (5, 100), (0, 10), (70_000, None), (99_990, 200_000)])
def test_trap_a_range_of_an_answer_without_a_length(start: int, end: int | None) -> None:
    """A server that sends chunks and knows no ranges: what was asked for, and no byte more."""

    def serve(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        exchange.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(PNG), PNG))

    with ThreadedServer(serve, None) as server:
        backend = store_at(server)
        for _ in range(2):  # the second one may use the connection of the first
            backend.open(KEY, details={"resource_type": "raw", "type": "upload"}).close()
            assert read(backend, start=start, end=end) == PNG[start:end]


def test_what_is_missing_is_asked_for_in_both_places(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """Without details; with them once. Nothing of it is a call of the Admin API."""
    with pytest.raises(ObjectMissing):
        store_on.open("logo/other.png")
    with pytest.raises(ObjectMissing):
        store_on.open("logo/other.png", details={"resource_type": "raw", "type": "authenticated"})

    asked = [(call.resource_type, call.fields["type"]) for call in cloud.named("download")]
    assert asked == [("raw", "authenticated"), ("image", "upload"), ("raw", "authenticated")]
    assert cloud.admin_calls == 0


def test_a_place_that_is_away_is_not_passed_over(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """Without details: "missing" needs both places to have said so."""
    cloud.faults.when("download", lambda call: call.resource_type == "raw", refuse(500), once=False)
    with pytest.raises(StorageUnavailable):
        store_on.open(KEY)


def test_trap_a_compressed_answer_is_cut_at_its_length(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """None is asked for."""
    read(store_on)

    assert cloud.named("download")[0].headers.get("accept-encoding", "identity") == "identity"


@pytest.mark.parametrize(
    ("kind", "key", "data"),
    [("image/svg+xml", "file/a.bin", SVG), ("image/bmp", "file/a.bin", PNG), ("image/png", "logo/a.png", PNG)],
)
def test_trap_a_format_that_is_not_the_extension(cloud: Cloud, kind: str, key: str, data: bytes) -> None:
    """A public file of any image type can be read back, by the service and by a link."""
    backend = cloudinary_on(cloud)
    stored = put_file(backend, key, data, kind=kind, serving=PUBLIC)
    with backend.open(key, details=stored.details) as stream:
        assert stream.read() == data

    assert get(backend.url(key, expires_in=60, details=stored.details) or "").content == data


def test_connections_are_used_again(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """Uploads, downloads and deletes don't each take a handshake."""
    for _ in range(5):
        read(store_on)
        put_file(store_on, KEY, PNG, serving=PUBLIC)
    store_on.delete("logo/nothing.png")

    assert len({call.connection for call in cloud.calls}) == 1


def test_a_download_that_is_closed_early_disturbs_nobody(cloud: Cloud) -> None:
    """Its connection is dropped, the rest may still be on its way: it is not read by the next one."""

    def serve(exchange: Exchange) -> None:
        exchange.reply(Reply(200, PNG), cut=10)
        cloud.closing.wait(0.2)

    with ThreadedServer(serve, None) as server:
        for _ in range(3):
            with store_at(server).open(KEY, details=DETAILS) as stream:
                assert stream.read(10) == PNG[:10]


@pytest.mark.parametrize("kind", ["image/png", "application/pdf"])
@pytest.mark.parametrize("public", [True, False], ids=["public", "private"])
def test_trap_a_link_that_never_expires(cloud: Cloud, kind: str, *, public: bool) -> None:
    """Signed delivery addresses never do: links are downloads of the API, which do, also for what is public."""
    backend, data = cloudinary_on(cloud), PNG if kind == "image/png" else PDF
    key = "photo/a.png" if kind == "image/png" else "document/a.pdf"
    stored = put_file(backend, key, data, kind=kind, serving=PUBLIC if public else type(PUBLIC)())
    link = backend.url(key, expires_in=60, details=stored.details) or ""

    assert link.startswith(f"{cloud.url}/v1_1/{cloud.cloud_name}/")
    assert "/s--" not in link
    assert (get(link).status_code, get(link).content) == (200, data)
    cloud.advance(3600)
    assert get(link).status_code == 401


def test_a_link_is_for_one_object(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """Changed, it opens nothing; and the secret isn't in it."""
    put_file(store_on, "logo/other.png", PNG)
    link = store_on.url("logo/other.png", expires_in=60) or ""
    expiry = parse_qs(urlsplit(link).query)["expires_at"][0]

    assert get(link).status_code == 200
    assert get(link.replace("other", "01a1fe46")).status_code == 401
    assert get(link.replace(expiry, str(int(expiry) + 1))).status_code == 401
    assert cloud.api_secret not in link


def test_a_link_with_a_file_name_is_a_download(store_on: CloudinaryBackend) -> None:
    """Browsers save it instead of showing it."""
    put_file(store_on, "file/a.bin", PNG)
    named = get(store_on.url("file/a.bin", expires_in=60, filename="été.png") or "")
    plain = get(store_on.url("file/a.bin", expires_in=60) or "")

    assert named.headers["content-disposition"].startswith("attachment")
    assert "content-disposition" not in plain.headers

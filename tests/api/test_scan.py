"""Uploads that clamd looks at: what it finds something in is refused, and so is what it says nothing about."""

import dataclasses
import io

import pytest
from httpx2 import Response
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import LimitSettings, ScanSettings, Settings, StorageSettings
from tests.api.refusals import keeps_nothing, nothing_kept, refused
from tests.api.tokens import ACME
from tests.clouds import cloudinary_settings, s3_settings
from tests.conftest import PDF, make_png
from tests.standins.clamd_wire import FOUND, LIMIT, MARK, StandIn

ASSETS, LOGO = "/v1/assets", "/v1/companies/7/logo"
SPOOLED = bytes(600_000)  # more than is kept in memory


@pytest.fixture(params=["local", "memory", "s3", "cloudinary"])
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The settings of each store."""
    match request.param:
        case "s3":
            server = request.getfixturevalue("swift")
            request.getfixturevalue("monkeypatch").setenv("AWS_CA_BUNDLE", str(server.ca))
            return dataclasses.replace(settings, s3=s3_settings(server))
        case "cloudinary":
            cloud = request.getfixturevalue("cloud")
            return dataclasses.replace(settings, cloudinary=cloudinary_settings(cloud))
    storage = StorageSettings(backend=request.param, data_dir=settings.storage.data_dir)
    return dataclasses.replace(settings, storage=storage)


def scanning(settings: Settings, url: str) -> Settings:
    """The settings, with a scanner."""
    return dataclasses.replace(settings, scan=ScanSettings(clamd=url))


@pytest.fixture
def services(settings: Settings, clamd_url: str) -> Services:
    """The real objects, on either clamd."""
    return build(scanning(settings, clamd_url))


def upload(client: TestClient, *contents: bytes, kind: str = "file", **headers: str) -> Response:
    """Send files."""
    files = [("file", (f"{n}.bin", content)) for n, content in enumerate(contents)]
    return client.post(f"{ASSETS}?kind={kind}", files=files, headers=headers)


def infected(answer: Response, name: str = "0.bin") -> None:
    """Assert that it is refused, with the name of what was found and of the file that it was found in."""
    body = refused(answer, 422, "infected")
    assert (body["signature"], body["filename"]) == (FOUND, name)
    assert FOUND in body["detail"]


@pytest.mark.parametrize("contents", [[b"a"], [SPOOLED], [b"a", SPOOLED, b"c"]], ids=["small", "spooled", "several"])
def test_what_nothing_is_found_in_is_stored(client: TestClient, contents: list[bytes]) -> None:
    """As it came."""
    answer = upload(client, *contents)
    items = answer.json().get("items", [answer.json()])

    assert answer.status_code == 201
    assert [client.get(f"/f/{item['id']}/a").content for item in items] == contents


@pytest.mark.parametrize(
    ("contents", "name"),
    [([MARK], "0.bin"), ([SPOOLED + MARK], "0.bin"), ([b"a", SPOOLED, MARK], "2.bin"), ([MARK, b"b"], "0.bin")],
    ids=["small", "spooled", "the last one", "the first one"],
)
def test_what_something_is_found_in_is_refused(
    client: TestClient, services: Services, contents: list[bytes], name: str
) -> None:
    """All or none; nothing is left of any."""
    infected(upload(client, *contents), name)

    nothing_kept(services)


@pytest.mark.parametrize(
    ("kind", "head"), [("document", PDF), ("photo", make_png()), ("logo", make_png()), ("file", b"")]
)
def test_every_kind_is_looked_at(client: TestClient, services: Services, kind: str, head: bytes) -> None:
    """Public or private, shown or not."""
    with keeps_nothing(services):
        infected(upload(client, head + MARK, kind=kind))

    assert upload(client, head + b"a", kind=kind).status_code == 201


def commented(text: bytes) -> bytes:
    """A picture that says this in its metadata."""
    told, out = PngInfo(), io.BytesIO()
    told.add_text("Comment", text.decode())
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def test_what_came_is_looked_at(settings: Settings, clamd_url: str) -> None:
    """Cleaning a picture hides nothing that was in it."""
    cleaning = dataclasses.replace(scanning(settings, clamd_url), limits=LimitSettings(strip="all"))
    with TestClient(create_app(build(cleaning)), headers=ACME) as client:
        infected(upload(client, commented(MARK), kind="photo"))
        harmless = upload(client, commented(b"harmless"), kind="photo").json()

        assert b"harmless" not in client.get(f"/f/{harmless['id']}/a").content


def test_a_slot_keeps_what_it_holds(client: TestClient, services: Services) -> None:
    """Under its address, whether a new file is put or posted."""
    old = client.put(LOGO, files={"logo": ("a.png", make_png())}).json()

    for send in (client.put, client.post):
        with keeps_nothing(services):
            infected(send(LOGO, files={"logo": ("b.png", make_png() + MARK)}), "b.png")

    assert client.get(LOGO).json()["id"] == old["id"]
    assert client.get(old["slot"]["permalink"]).content == make_png()


def test_an_idempotency_key_is_free_after_a_refusal(client: TestClient, services: Services) -> None:
    """The refusal is given again, and another file may have the key."""
    for _ in range(2):
        infected(upload(client, MARK, **{"Idempotency-Key": "k"}))
    nothing_kept(services)
    answers = [upload(client, b"a", **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


def test_a_file_that_it_does_not_take_is_not_taken(client: TestClient, services: Services) -> None:
    """It doesn't know what is in it; whoever runs it is told what to change."""
    with keeps_nothing(services):
        answer = upload(client, bytes(2 * LIMIT))

    assert "StreamMaxLength" in refused(answer, 503, "scanner_unavailable")["detail"]


def test_every_store_is_behind_it(stored: Settings, stand_in: StandIn) -> None:
    """What is refused is put nowhere; what is stored is what came."""
    with TestClient(create_app(build(scanning(stored, stand_in.url))), headers=ACME) as client:
        services: Services = client.app.state.services
        for content in (MARK, SPOOLED + MARK):
            infected(upload(client, content))
        nothing_kept(services)
        objects = list(services.stores.default.backend.list())
        kept = [upload(client, content).json() for content in (b"a", SPOOLED)]

        assert objects == []
        assert [client.get(f"/f/{asset['id']}/a").content for asset in kept] == [b"a", SPOOLED]

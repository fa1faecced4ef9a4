"""What the doors say of a cloud's limits and failures, on the Cloudinary stand-in and on Swift."""

import dataclasses
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.settings import S3Settings, Settings, StorageSettings
from tests.api.refusals import refused
from tests.api.tokens import ACME
from tests.clouds import cloudinary_settings, s3_settings
from tests.conftest import PDF, make_png
from tests.standins.cloudinary.cloud import Cloud

MB = 1 << 20
LOGO = "/v1/companies/7/logo"


@pytest.fixture
def service(settings: Settings, cloud: Cloud) -> Iterator[TestClient]:
    """A service whose files go to Cloudinary."""
    chosen = dataclasses.replace(settings, cloudinary=cloudinary_settings(cloud))
    with TestClient(create_app(build(chosen)), headers=ACME) as client:
        yield client


def uploads(cloud: Cloud) -> int:
    """How often a file was sent to Cloudinary."""
    return sum(call.action == "upload" for call in cloud.calls)


@pytest.mark.parametrize("kind", ["photo", "file"])
def test_trap_a_file_above_the_plans_limit_is_refused_before_it_is_sent(
    service: TestClient, cloud: Cloud, kind: str
) -> None:
    """The plan takes 10 MB, images and raw files alike; our own limit is higher."""
    answer = service.post(f"/v1/assets?kind={kind}", files={"file": ("a.png", make_png() + bytes(11 * MB))})

    refused(answer, 413, "store_limit")
    assert answer.json()["limit"] == 10 * MB
    assert uploads(cloud) == 0


def test_trap_the_admin_api_is_asked_once_at_start_and_never_in_a_request(service: TestClient, cloud: Cloud) -> None:
    """It takes 500 calls an hour; probes come more often."""
    for n in range(3):
        logo = service.put(LOGO, files={"logo": ("a.png", make_png(noise=bytes([n])))}).json()
        service.get(f"/f/{logo['id']}/a.png")
        service.get("/readyz")
    service.delete(LOGO)

    assert sum(call.action == "admin" for call in cloud.calls) == 1


def test_trap_an_image_that_was_public_cannot_be_taken_back(service: TestClient) -> None:
    """Its address at Cloudinary is out: saying that it is private now would be a lie."""
    logo = service.put(LOGO, files={"logo": ("a.png", make_png())}).json()

    refused(service.patch(f"/v1/assets/{logo['id']}", json={"visibility": "private"}), 409, "public_address")
    assert service.get(f"/v1/assets/{logo['id']}").json()["visibility"] == "public"


def test_what_was_private_may_become_public_at_our_address(service: TestClient) -> None:
    """And private again: nobody was told another one."""
    document = service.post("/v1/assets", files={"file": ("a.pdf", PDF)}).json()
    stranger = TestClient(service.app)
    stranger.portal = service.portal
    path = f"/f/{document['id']}/a.pdf"
    seen = []
    for visibility in ("public", "private"):
        changed = service.patch(f"/v1/assets/{document['id']}", json={"visibility": visibility}).json()
        seen.append((changed["url"], stranger.get(path).status_code))

    assert seen == [(document["url"], 200), (document["url"], 404)]


def test_trap_a_public_pdf_is_not_delivered_by_free_plans(service: TestClient, cloud: Cloud) -> None:
    """Cloudinary blocks them until a box is ticked: its address would be a 401, ours works."""
    answer = service.post("/v1/assets", files={"file": ("a.pdf", PDF)}, data={"visibility": "public"}).json()

    assert "res.cloudinary.com" not in answer["url"]
    assert TestClient(service.app).get(f"/f/{answer['id']}/a.pdf").status_code == 200
    assert [key[:2] for key in cloud.assets] == [("raw", "authenticated")]


def test_a_service_starts_without_its_cloud(settings: Settings, swift: object) -> None:
    """Uploads are a 503 until it is there, reads of what is elsewhere go on."""
    closed = S3Settings(bucket="bucket", region="x", endpoint="http://127.0.0.1:9", access_key="a", secret_key="b")
    chosen = dataclasses.replace(settings, s3=closed)
    with TestClient(create_app(build(chosen)), headers=ACME) as client:
        answer = client.put(LOGO, files={"logo": ("a.png", make_png())})
        ready = client.get("/readyz")

    refused(answer, 503, "storage_unavailable")
    assert ready.json()["checks"]["storage"]["status"] != "ok"


def test_trap_names_that_no_header_can_hold(settings: Settings, swift: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 takes ASCII: any Unicode name arrives as `filename*`, at the bucket's own addresses too."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(swift.ca))
    group = s3_settings(swift, public_url="https://cdn.test/files/")
    chosen = dataclasses.replace(settings, s3=group)
    with TestClient(create_app(build(chosen)), headers=ACME) as client:
        logo = client.put(LOGO, files={"logo": ("été 🐈.png", make_png())}).json()
    from tests.standins.s3 import client as s3

    head = s3(swift).head_object(Bucket=group.bucket, Key=logo["public_id"])
    assert logo["url"] == f"https://cdn.test/files/{logo['public_id']}"
    assert "filename*=UTF-8''%C3%A9t%C3%A9%20%F0%9F%90%88.png" in head["ContentDisposition"]
    assert (head["ContentType"], head["CacheControl"]) == ("image/png", "public, max-age=86400")


def test_two_clouds_and_no_word_which(settings: Settings, cloud: Cloud) -> None:
    """Guessing would put files where nobody looks."""
    both = S3Settings(bucket="bucket", region="x", access_key="a", secret_key="b")
    chosen = dataclasses.replace(settings, s3=both, cloudinary=cloudinary_settings(cloud))

    with pytest.raises(ValueError, match="STORAGE_BACKEND"):
        build(chosen)


@pytest.mark.parametrize(("said", "store"), [("True", "s3"), ("1", "s3"), ("False", "local"), ("S3", "s3")])
def test_trap_use_s3_of_the_django_guides(monkeypatch: pytest.MonkeyPatch, said: str, store: str) -> None:
    """Their switch means ours."""
    monkeypatch.setenv("USE_S3", said)

    assert StorageSettings().backend == store

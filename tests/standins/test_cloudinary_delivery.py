"""The Cloudinary stand-in delivers as the vendor's CDN does, and says in a header why it doesn't."""

from collections.abc import Iterator

import pytest
from cloudinary.utils import cloudinary_url

from tests.conftest import PDF, make_png
from tests.standins.cloudinary.callers import client, get, opened, send
from tests.standins.cloudinary.cloud import Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary of our own."""
    with opened() as cloud:
        yield cloud


def address(cloud: Cloud, public_id: str, **options: object) -> str:
    """The SDK's delivery address, here."""
    given = {"cloud_name": cloud.cloud_name, "api_secret": cloud.api_secret, "secure": True, **options}
    return cloud.local(cloudinary_url(public_id, **given)[0])


def test_the_address_of_the_answer_is_served(cloud):
    """Its bytes and its type."""
    stored = send(cloud, make_png(), "image/upload", public_id="acme/é 1").json()

    answer = get(cloud.local(stored["secure_url"]))

    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, make_png(), "image/png")


def test_the_address_of_the_sdk_is_served(cloud):
    """With any version, with the format or without."""
    version = send(cloud, make_png(), "image/upload", public_id="acme/logo").json()["version"]
    send(cloud, b"words", public_id="acme/words.txt")

    for given in ({"format": "png", "version": version}, {"format": "png"}, {}):
        assert get(address(cloud, "acme/logo", **given)).content == make_png()
    assert get(address(cloud, "acme/words.txt", resource_type="raw")).content == b"words"


def test_a_head_has_no_body(cloud):
    """But the size; the connection goes on."""
    send(cloud, b"words", public_id="words.txt")
    with client() as caller:
        head = caller.head(address(cloud, "words.txt", resource_type="raw"))
        body = caller.get(address(cloud, "words.txt", resource_type="raw"))

    assert (head.status_code, head.headers["content-length"], body.content) == (200, "5", b"words")
    assert len({call.connection for call in cloud.named("delivery")}) == 1


def test_a_part_is_served(cloud):
    """206."""
    send(cloud, b"words", public_id="words.txt")

    assert get(address(cloud, "words.txt", resource_type="raw"), Range="bytes=1-2").content == b"or"


@pytest.mark.parametrize("given", [{"type": "private"}, {"resource_type": "raw"}, {"format": "jpg"}])
def test_another_type_is_not_found_or_refused(cloud, given):
    """The address must name resource type, type and format as they are."""
    send(cloud, make_png(), "image/upload", public_id="logo")

    answer = get(address(cloud, "logo", **given))

    assert answer.status_code == (401 if "type" in given else 404)
    assert answer.headers["x-cld-error"]


@pytest.mark.parametrize("kind", ["authenticated", "private"])
def test_what_is_not_public_needs_a_signature(cloud, kind):
    """401 without one or with a wrong one; the short and the long one of the SDK are taken."""
    stored = send(cloud, make_png(), "image/upload", public_id="a/logo", type=kind).json()
    given = {"type": kind, "format": "png"}

    assert get(cloud.local(stored["secure_url"])).content == make_png()
    for signature in ({"sign_url": True}, {"sign_url": True, "long_url_signature": True}):
        assert get(address(cloud, "a/logo", **given, **signature)).content == make_png()
    refused = [
        get(address(cloud, "a/logo", **given)),
        get(address(cloud, "a/logo", sign_url=True, api_secret="no", **given)),
    ]
    refused.append(get(cloud.local(stored["secure_url"].replace("s--", "s--A", 1))))
    assert [answer.status_code for answer in refused] == [401, 401, 401]
    assert {answer.headers["x-cld-error"] for answer in refused} == {"deny or ACL failure"}


def test_documents_are_blocked_until_allowed(cloud):
    """PDF and archives are a 401 on free accounts, as images and as raw files; not for downloads from the API."""
    addresses = [
        cloud.local(send(cloud, content, path, public_id=public_id).json()["secure_url"])
        for content, path, public_id in (
            (PDF, "image/upload", "report"),
            (PDF, "raw/upload", "report.PDF"),
            (b"PK\3\4", "raw/upload", "all.zip"),
        )
    ]
    addresses.append(addresses[0].removesuffix(".pdf"))

    assert [get(place).status_code for place in addresses] == [401] * 4
    cloud.account.delivers_documents = True
    assert [get(place).status_code for place in addresses] == [200] * 4


def test_transformations_are_not_done(cloud):
    """501, so that no test believes they were."""
    send(cloud, make_png(), "image/upload", public_id="logo")

    assert get(address(cloud, "logo", format="png", version=1, width=10, crop="fill")).status_code == 501


def test_another_cloud_is_not_served(cloud):
    """401."""
    send(cloud, make_png(), "image/upload", public_id="logo")

    assert get(address(cloud, "logo", cloud_name="elsewhere")).status_code == 401

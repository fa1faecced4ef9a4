"""The Cloudinary stand-in destroys exactly what is named, and says so in the vendor's way."""

from collections.abc import Iterator

import cloudinary.uploader
import pytest

from tests.conftest import make_png
from tests.standins.cloudinary.callers import get, opened, post, send, signed
from tests.standins.cloudinary.cloud import Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary with one raw asset of type private."""
    with opened() as cloud:
        send(cloud, b"bytes", public_id="a/b.txt", type="private").raise_for_status()
        yield cloud


def destroy(cloud: Cloud, public_id: str, **options: object) -> str:
    """The SDK's destroy, in one word or two."""
    return cloudinary.uploader.destroy(public_id, **cloud.options, **options)["result"]


def test_what_is_named_is_destroyed(cloud):
    """`ok`, and the bytes are gone from the disk."""
    path = cloud.assets["raw", "private", "a/b.txt"].path

    assert destroy(cloud, "a/b.txt", resource_type="raw", type="private") == "ok"
    assert (cloud.assets, path.exists()) == ({}, False)


@pytest.mark.parametrize(
    ("public_id", "options"),
    [
        ("a/b.txt", {}),  # the SDK's defaults: image, upload
        ("a/b.txt", {"resource_type": "raw"}),
        ("a/b.txt", {"type": "private"}),
        ("a/b.txt", {"resource_type": "raw", "type": "authenticated"}),
        ("a/b.txt", {"resource_type": "video", "type": "private"}),
        ("a/b", {"resource_type": "raw", "type": "private"}),
        ("a", {"resource_type": "raw", "type": "private"}),
        ("A/b.txt", {"resource_type": "raw", "type": "private"}),
    ],
)
def test_what_is_named_wrongly_stays(cloud, public_id, options):
    """Another resource type, type or name is `not found`, with 200, and the asset stays."""
    assert destroy(cloud, public_id, **options) == "not found"
    assert (cloud.calls[-1].status, len(cloud.assets)) == (200, 1)


def test_twice_is_not_found(cloud):
    """The second time there is nothing."""
    first, second = (destroy(cloud, "a/b.txt", resource_type="raw", type="private") for _ in range(2))

    assert (first, second) == ("ok", "not found")


def test_a_call_is_recorded(cloud):
    """With what was sent: whether the CDN was to be told, for one."""
    destroy(cloud, "x", invalidate=True, resource_type="raw")
    destroy(cloud, "x", resource_type="raw")

    calls = cloud.named("destroy")
    assert [call.fields.get("invalidate") for call in calls] == ["1", None]
    assert [(call.resource_type, call.fields["public_id"]) for call in calls] == [("raw", "x")] * 2


@pytest.mark.parametrize(
    ("path", "fields"),
    [("raw/destroy", {}), ("auto/destroy", {"public_id": "x"}), ("raw/destroy", {"public_id": "x", "overwrite": "1"})],
)
def test_a_call_that_makes_no_sense_is_refused(cloud, path, fields):
    """No name, `auto`, a parameter of another call: 400."""
    assert post(cloud, path, signed(cloud, **fields)).status_code == 400


def test_a_form_may_be_urlencoded(cloud):
    """As `curl -d` sends it."""
    answer = post(cloud, "raw/destroy", signed(cloud, public_id="a/b.txt", type="private"))

    assert answer.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert answer.json() == {"result": "ok"}


def test_what_is_destroyed_is_delivered_no_more(cloud):
    """404, with the reason in a header."""
    stored = send(cloud, make_png(), "image/upload", public_id="logo").json()
    address = cloud.local(stored["secure_url"])

    assert get(address).content == make_png()
    destroy(cloud, "logo")
    assert get(address).headers["x-cld-error"] == "Resource not found - logo.png"


def test_a_cdn_may_keep_what_it_delivered(cloud):
    """With `cdn_keeps` it serves its copy until somebody invalidates; what it never delivered it never had."""
    cloud.cdn_keeps = True
    addresses = {}
    for name in ("seen", "unseen"):
        stored = send(cloud, make_png(), "image/upload", public_id=name).json()
        addresses[name] = cloud.local(stored["secure_url"])
    get(addresses["seen"])
    results = [destroy(cloud, name) for name in ("seen", "unseen")]

    assert results == ["ok", "ok"]
    assert [get(addresses[name]).status_code for name in ("seen", "unseen")] == [200, 404]
    assert destroy(cloud, "seen", invalidate=True) == "not found"
    assert get(addresses["seen"]).status_code == 404


def test_a_cdn_that_is_told_forgets(cloud):
    """`invalidate` with the destroy."""
    cloud.cdn_keeps = True
    address = cloud.local(send(cloud, make_png(), "image/upload", public_id="logo").json()["secure_url"])
    get(address)

    destroy(cloud, "logo", invalidate=True)

    assert get(address).status_code == 404

"""The Cloudinary stand-in gives the original to whoever has a signed, fresh address."""

import time
from collections.abc import Iterator

import pytest
from cloudinary.utils import private_download_url

from tests.conftest import make_png
from tests.standins.cloudinary.callers import get, message, opened, send
from tests.standins.cloudinary.cloud import Cloud

CONTENT = bytes(range(256)) * 600  # more than one piece


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary with a raw asset of type private, and an image."""
    with opened() as cloud:
        send(cloud, CONTENT, public_id="a/b c.bin", type="private").raise_for_status()
        send(cloud, make_png(), "image/upload", public_id="logo").raise_for_status()
        yield cloud


def link(cloud: Cloud, **options: object) -> str:
    """The SDK's address of the raw asset."""
    given = {"resource_type": "raw", "type": "private", **cloud.options, **options}
    return private_download_url(given.pop("public_id", "a/b c.bin"), given.pop("format", ""), **given)


def test_a_signed_address_gives_the_original(cloud):
    """Whole, with its size and its MD5."""
    answer = get(link(cloud))

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["etag"] == f'"{cloud.assets["raw", "private", "a/b c.bin"].etag}"'
    assert "content-disposition" not in answer.headers


def test_an_image_is_asked_for_with_its_format_or_without(cloud):
    """Another format would be a conversion, and raw assets have none: 404."""
    image = {"public_id": "logo", "resource_type": "image", "type": "upload"}

    assert get(link(cloud, **image, format="png")).content == make_png()
    assert get(link(cloud, **image)).headers["content-type"] == "image/png"
    assert get(link(cloud, **image, format="jpg")).status_code == 404
    assert get(link(cloud, format="bin")).status_code == 404


@pytest.mark.parametrize(
    "changed", [{"public_id": "a/b c"}, {"type": "upload"}, {"type": "authenticated"}, {"resource_type": "image"}]
)
def test_another_name_is_not_found(cloud, changed):
    """404 with the vendor's words."""
    answer = get(link(cloud, **changed))

    assert (answer.status_code, message(answer)) == (
        404,
        f"Resource not found - {changed.get('public_id', 'a/b c.bin')}",
    )


def test_an_attachment_is_saved_under_its_name(cloud):
    """Content-Disposition, if it was asked for."""
    answer = get(link(cloud, attachment=True))

    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''b%20c.bin"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b+c.bin", "x"),
        ("type=private", "type=upload"),
        ("timestamp=1", "timestamp=2"),
        ("&type", "&attachment=1&type"),
    ],
)
def test_a_changed_address_is_refused(cloud, old, new):
    """401: each part of it is signed."""
    address = link(cloud)
    assert old in address

    assert get(address.replace(old, new)).status_code == 401


def test_an_address_of_another_secret_is_refused(cloud):
    """401."""
    assert get(link(cloud, api_secret="another")).status_code == 401


def test_an_address_ends_after_an_hour(cloud):
    """401, if it doesn't say when it ends."""
    address = link(cloud)

    cloud.advance(3590)
    assert get(address).status_code == 200
    cloud.advance(20)
    assert (get(address).status_code, cloud.calls[-1].message) == (401, "The download link has expired")


def test_an_address_may_end_sooner_or_later(cloud):
    """`expires_at` decides, and is signed."""
    soon, later = (link(cloud, expires_at=int(time.time()) + seconds) for seconds in (60, 7200))

    assert (get(soon).status_code, get(later).status_code) == (200, 200)
    cloud.advance(70)
    assert get(soon).status_code == 401
    assert get(soon.replace("expires_at=1", "expires_at=2")).status_code == 401
    cloud.advance(7000)
    assert get(later).status_code == 200
    cloud.advance(200)
    assert get(later).status_code == 401


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("0-0", 0, 0),
        ("5-9", 5, 9),
        ("100000-", 100_000, 153_599),
        ("-7", 153_593, 153_599),
        ("153590-999999", 153_590, 153_599),
    ],
)
def test_a_range_is_honoured(cloud, wanted, first, last):
    """206, and exactly these bytes."""
    answer = get(link(cloud), Range=f"bytes={wanted}")

    assert (answer.status_code, answer.content) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/153600"


@pytest.mark.parametrize("wanted", ["bytes=", "bytes=-", "bytes=1-2,4-5", "pieces=1-2"])
def test_a_range_that_is_none_is_ignored(cloud, wanted):
    """200 and everything."""
    answer = get(link(cloud), Range=wanted)

    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("wanted", ["153600-", "200000-200001", "9-5", "-0"])
def test_a_range_beyond_the_end_is_refused(cloud, wanted):
    """416 with the size."""
    answer = get(link(cloud), Range=f"bytes={wanted}")

    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */153600")


def test_ranges_can_be_turned_off(cloud):
    """A server may ignore Range: 200 and everything."""
    cloud.ranges = False

    answer = get(link(cloud), Range="bytes=5-9")

    assert (answer.status_code, answer.content) == (200, CONTENT)

"""The Cloudinary stand-in stores what the vendor would store, answers as it would, and refuses as it would."""

import hashlib
import io
from collections.abc import Iterator

import cloudinary.exceptions
import cloudinary.uploader
import pytest

from tests.conftest import PDF, make_jpg, make_png
from tests.standins.cloudinary.callers import message, opened, post, send, signed
from tests.standins.cloudinary.cloud import Account, Cloud

MP4 = b"\0\0\0\x20ftypisom" + bytes(40)
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x03\x40\x00\x00\x00\x00"
AVIF = b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf" + b"\0\0\0\x14ispe\0\0\0\0\0\0\0\x05\0\0\0\x07"
GIF = b"GIF89a\x04\0\x03\0\0\0\0;"
NAMED_IN_AN_ANSWER = {
    *("asset_id", "public_id", "version", "version_id", "signature", "width", "height", "format", "resource_type"),
    *("created_at", "tags", "bytes", "type", "etag", "placeholder", "url", "secure_url", "asset_folder"),
    *("display_name", "original_filename", "api_key"),
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary of our own."""
    with opened() as cloud:
        yield cloud


def upload(cloud: Cloud, content: bytes, **options):
    """The SDK's upload."""
    return cloudinary.uploader.upload(io.BytesIO(content), **cloud.options, **options)


def test_what_was_sent_is_stored(cloud):
    """Byte for byte, under exactly the name that was asked for."""
    png = make_png()

    upload(cloud, png, public_id="acme/logos/é 1", resource_type="image", type="private")

    assert cloud.assets["image", "private", "acme/logos/é 1"].content == png


def test_an_answer_has_the_documented_fields(cloud):
    """With the values that the bytes have."""
    png = make_png(12, 7)

    stored = upload(cloud, png, public_id="acme/logo", asset_folder="acme", tags=["a", "b"], filename="my logo.png")

    assert set(stored) >= NAMED_IN_AN_ANSWER
    assert (stored["bytes"], stored["etag"]) == (len(png), hashlib.md5(png).hexdigest())
    assert (stored["width"], stored["height"], stored["format"]) == (12, 7, "png")
    assert (stored["asset_folder"], stored["display_name"]) == ("acme", "logo")
    assert (stored["original_filename"], stored["tags"], stored["type"]) == ("my logo", ["a", "b"], "upload")
    path = f"{cloud.cloud_name}/image/upload/v{stored['version']}/acme/logo.png"
    assert stored["secure_url"] == f"https://res.cloudinary.com/{path}"
    assert stored["url"] == f"http://res.cloudinary.com/{path}"


def test_a_raw_asset_has_no_format(cloud):
    """Nor width nor height; its address is its public_id, extension and all."""
    stored = upload(cloud, make_png(), public_id="a/b.png", resource_type="raw")

    assert {"format", "width", "height"}.isdisjoint(stored)
    assert stored["secure_url"].endswith(f"/raw/upload/v{stored['version']}/a/b.png")


@pytest.mark.parametrize(
    ("content", "resource_type", "name", "size"),
    [
        (make_png(9, 4), "image", "png", (9, 4)),
        (make_jpg(16, 12), "image", "jpg", (16, 12)),
        (GIF, "image", "gif", (4, 3)),
        (WEBP, "image", "webp", (4, 2)),
        (AVIF, "image", "avif", (5, 7)),
        (SVG, "image", "svg", (1, 1)),
        (PDF, "image", "pdf", (612, 792)),
        (MP4, "video", "mp4", (1, 1)),
        (b"words", "raw", None, (None, None)),
    ],
)
def test_auto_looks_at_the_bytes(cloud, content, resource_type, name, size):
    """Images and PDF are images, films are videos, the rest is raw."""
    stored = upload(cloud, content, resource_type="auto")

    assert (stored["resource_type"], stored.get("format")) == (resource_type, name)
    assert (stored.get("width"), stored.get("height")) == size


@pytest.mark.parametrize(("kind", "content"), [("image", b"words"), ("image", MP4), ("video", make_png())])
def test_what_is_none_is_refused(cloud, kind, content):
    """Words are no image, an image is no video: 400, nothing stored."""
    answer = send(cloud, content, f"{kind}/upload", public_id="x")

    wanted = "Invalid image file" if kind == "image" else "Unsupported video format or file"
    assert (answer.status_code, message(answer)) == (400, wanted)
    assert cloud.assets == {}


def test_an_empty_file_is_refused(cloud):
    """400 `Empty file`."""
    answer = send(cloud, b"", public_id="x")

    assert (answer.status_code, message(answer)) == (400, "Empty file")


def test_a_missing_file_is_refused(cloud):
    """400; so is a file by address, which the stand-in would have to fetch."""
    none = post(cloud, "raw/upload", signed(cloud, public_id="x"))
    remote = post(cloud, "raw/upload", signed(cloud, public_id="x") | {"file": "http://127.0.0.1/x"})

    assert (none.status_code, message(none)) == (400, "Missing required parameter - file")
    assert (remote.status_code, message(remote)) == (400, "Unsupported source URL: http://127.0.0.1/x")


@pytest.mark.parametrize(("kind", "limit"), [("image", 300), ("video", 400), ("raw", 200)])
def test_the_plan_has_limits_per_type(kind, limit):
    """The last byte that fits is taken, the next one is a 400 that says both numbers."""
    start = {"image": make_png(), "video": MP4, "raw": b"-"}[kind]
    with opened(Account(image_limit=300, video_limit=400, raw_limit=200)) as cloud:
        fits = send(cloud, start.ljust(limit, b"."), "auto/upload", public_id="x")
        too_much = send(cloud, start.ljust(limit + 1, b"."), "auto/upload", public_id="y")

        assert (fits.status_code, fits.json()["resource_type"]) == (200, kind)
        assert too_much.status_code == 400
        assert message(too_much).startswith(f"File size too large. Got {limit + 1}. Maximum is {limit}. Upgrade your")
        assert len(cloud.assets) == 1


def test_the_free_plan_is_the_default():
    """10 MB for images and raw files, 100 MB for videos and for one call, chunks of 5 MB, 500 calls an hour."""
    account = Account()

    assert (account.image_limit, account.raw_limit, account.video_limit) == (10_485_760, 10_485_760, 104_857_600)
    assert (account.request_limit, account.smallest_chunk, account.admin_limit) == (104_857_600, 5_242_880, 500)


def test_one_call_has_a_limit_whatever_the_plan():
    """What is larger must come in chunks."""
    with opened(Account(raw_limit=10_000, request_limit=1_000)) as cloud:
        answer = send(cloud, bytes(1_001), public_id="x")

        assert (answer.status_code, cloud.assets) == (400, {})
        assert message(answer).startswith("File size too large. Got 1001. Maximum is 1000.")


def test_an_image_has_a_limit_of_pixels():
    """400, as for bytes."""
    with opened(Account(image_max_px=100)) as cloud:
        assert send(cloud, make_png(10, 10), "image/upload", public_id="x").status_code == 200
        assert send(cloud, make_png(11, 10), "image/upload", public_id="y").status_code == 400


def test_an_unknown_parameter_is_refused(cloud):
    """400, though it is signed."""
    answer = send(cloud, b"bytes", public_id="x", colour="red")

    assert (answer.status_code, message(answer)) == (400, "Unknown parameters: colour")


@pytest.mark.parametrize("name", ["eager", "transformation", "async", "format", "access_control"])
def test_what_the_stand_in_cannot_do_is_refused(cloud, name):
    """501: no test may believe that it worked."""
    assert send(cloud, b"bytes", public_id="x", **{name: "1"}).status_code == 501


def test_a_preset_is_refused(cloud):
    """There is none, as on an account that nobody has configured."""
    answer = send(cloud, b"bytes", public_id="x", upload_preset="p")

    assert (answer.status_code, message(answer)) == (400, "Upload preset not found")


@pytest.mark.parametrize("public_id", ["a?b", "a&b", "a#b", "a%b", "/a", "a/", "a//b", "a<b", "a\\b", "a" * 256])
def test_a_bad_name_is_refused(cloud, public_id):
    """400: characters that the vendor does not take, and more than 255 of them."""
    assert send(cloud, b"bytes", public_id=public_id).status_code == 400


@pytest.mark.parametrize(("path", "fields"), [("sound/upload", {}), ("raw/upload", {"type": "secret"})])
def test_an_unknown_type_is_refused(cloud, path, fields):
    """400, for types and resource types."""
    assert send(cloud, b"bytes", path, public_id="x", **fields).status_code == 400


def test_overwriting_is_the_default(cloud):
    """The bytes and the version change; asset_id stays, the old bytes don't."""
    before = upload(cloud, b"one", public_id="x", resource_type="raw")
    after = upload(cloud, b"two", public_id="x", resource_type="raw")

    assert cloud.assets["raw", "upload", "x"].content == b"two"
    assert (after["asset_id"], after["version"] > before["version"]) == (before["asset_id"], True)
    assert ("existing" in after, len(list(cloud.folder.iterdir()))) == (False, 1)


def test_overwriting_can_be_forbidden(cloud):
    """The answer is the asset that was there, with `existing`."""
    before = upload(cloud, b"one", public_id="x", resource_type="raw")
    after = cloudinary.uploader.upload(
        io.BytesIO(b"two"), public_id="x", resource_type="raw", overwrite="false", **cloud.options
    )

    assert cloud.assets["raw", "upload", "x"].content == b"one"
    assert (after["existing"], after["etag"], after["version"]) == (True, before["etag"], before["version"])


def test_the_same_name_in_another_type_is_another_asset(cloud):
    """Resource type, type and public_id together are the name."""
    for options in ({"resource_type": "raw"}, {"resource_type": "image"}, {"type": "authenticated"}):
        upload(cloud, make_png(), public_id="x", **options)

    assert len(cloud.assets) == 3


def test_a_name_is_made_when_none_is_given(cloud):
    """20 characters, never the same."""
    names = {upload(cloud, b"bytes", resource_type="raw")["public_id"] for _ in range(3)}

    assert {len(name) for name in names} == {20}
    assert len(names) == 3


def test_folders_of_both_modes():
    """Dynamic accounts answer asset_folder and display_name, fixed ones folder."""
    with opened(Account(folder_mode="fixed")) as cloud:
        stored = upload(cloud, b"bytes", public_id="a/b/c", resource_type="raw", asset_folder="z")

        assert stored["folder"] == "a/b"
        assert {"asset_folder", "display_name"}.isdisjoint(stored)


def test_refusals_arrive_as_the_sdks_exceptions(cloud):
    """400 is BadRequest."""
    with pytest.raises(cloudinary.exceptions.BadRequest, match="Invalid image file"):
        upload(cloud, b"words", public_id="x")

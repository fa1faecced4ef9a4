"""What is taken out of a file before it is kept: personal metadata of pictures, all that runs in an SVG."""

import dataclasses
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from PIL import ExifTags, Image
from starlette.testclient import TestClient

from app.bootstrap import build
from app.main import create_app
from app.services import Services
from app.settings import LimitSettings, Settings
from tests.api.refusals import refused
from tests.conftest import make_png, spool_files

ARTIST, ORIENTATION, LATITUDE = ExifTags.Base.Artist, ExifTags.Base.Orientation, ExifTags.GPS.GPSLatitude
SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script><path d="M0 0h9"/></svg>"""


def photo(side: int = 32, *, quality: int = 90) -> bytes:
    """A JPEG that says who took it and where, and is to be shown turned."""
    pixels = hashlib.shake_256(str(side).encode()).digest(side * side * 3)
    exif, out = Image.Exif(), io.BytesIO()
    exif[ARTIST], exif[ORIENTATION] = "somebody", 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[LATITUDE] = (48.0, 51.0, 30.0)
    Image.frombytes("RGB", (side, side), pixels).save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def clean_jpeg() -> bytes:
    """One that says nothing of anybody."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    return out.getvalue()


def with_limits(settings: Settings, **limits: Any) -> Settings:
    """The settings with these limits."""
    return dataclasses.replace(settings, limits=LimitSettings(**limits))


@pytest.fixture
def cleaning(settings: Settings) -> Services:
    """The objects of a service that cleans, as it does if nobody says anything."""
    return build(with_limits(settings))


@pytest.fixture
def cleaner(cleaning: Services) -> Iterator[TestClient]:
    """Its client."""
    with TestClient(create_app(cleaning), headers={"Authorization": "Bearer acme-key"}) as client:
        yield client


def kept(client: TestClient, content: bytes, kind: str = "photo", **fields: str) -> tuple[dict[str, Any], bytes]:
    """Upload, then read: the answer and the bytes."""
    answer = client.post(f"/v1/assets?kind={kind}", files={"file": ("a", content)}, data=fields)
    assert answer.status_code == 201, answer.text
    asset = answer.json()
    read = client.get(asset["permalink"].removeprefix("http://stowage.test"))
    digest = hashlib.sha256(read.content).hexdigest()
    assert (asset["size"], asset["sha256"], read.headers["etag"]) == (len(read.content), digest, f'"{digest}"')
    assert asset["original_sha256"] == hashlib.sha256(content).hexdigest()
    assert client.get(f"/v1/assets/{asset['id']}").json() == asset
    return asset, read.content


def exif_of(content: bytes) -> tuple[object, object, bool]:
    """Artist, orientation, and whether it says where it was taken."""
    with Image.open(io.BytesIO(content)) as image:
        exif = image.getexif()
        return exif.get(ARTIST), exif.get(ORIENTATION), bool(exif.get_ifd(ExifTags.IFD.GPSInfo))


def pixels(content: bytes) -> bytes:
    """Decoded."""
    with Image.open(io.BytesIO(content)) as image:
        return image.tobytes()


@pytest.mark.parametrize("side", [32, 250, 900], ids=["small", "of a thread", "spooled"])
def test_a_photo_loses_what_is_personal_and_nothing_else(cleaner: TestClient, cleaning: Services, side: int) -> None:
    """Its pixels and its orientation stay; digest, size and ETag are those of the stored bytes."""
    sent = photo(side)
    asset, read = kept(cleaner, sent)

    assert exif_of(sent) == ("somebody", 6, True)
    assert exif_of(read) == (None, 6, False)
    assert pixels(read) == pixels(sent)
    assert (asset["uncleaned"], asset["width"]) == ([], side)
    assert (cleaning.spool.held, spool_files(cleaning)) == (0, [])


@pytest.mark.parametrize(
    ("strip", "left"), [("gps", ("somebody", 6, False)), ("none", ("somebody", 6, True)), ("all", (None, 6, False))]
)
def test_how_much_goes_is_a_setting(settings: Settings, strip: Literal["gps", "all", "none"], left: object) -> None:
    """The place, everything personal, or nothing."""
    with TestClient(create_app(build(with_limits(settings, strip=strip)))) as client:
        client.headers["Authorization"] = "Bearer acme-key"
        assert exif_of(kept(client, photo())[1]) == left


@pytest.mark.parametrize(
    ("kind", "fields", "cleaned"),
    [
        ("logo", {}, True),
        ("photo", {"visibility": "private"}, True),  # it may be shown to everybody later
        ("document", {}, False),
        ("document", {"visibility": "public"}, True),
        ("file", {}, False),
        ("file", {"visibility": "public"}, True),
    ],
)
def test_what_everybody_may_see_is_cleaned(
    cleaner: TestClient, kind: str, fields: dict[str, str], *, cleaned: bool
) -> None:
    """And pictures, which may be shown to everybody later; private documents are kept as they came."""
    sent = photo()
    _, read = kept(cleaner, sent, kind, **fields)

    assert (read != sent) == cleaned


def test_what_nobody_has_looked_into_is_not_shown_to_everybody(cleaner: TestClient) -> None:
    """A private document that is an image: it is uploaded again; a picture was cleaned, text has no such thing."""
    document, picture = kept(cleaner, photo(), "document")[0], kept(cleaner, photo(), visibility="private")[0]
    text = kept(cleaner, b"text", "document")[0]
    asked = [cleaner.patch(f"/v1/assets/{a['id']}", json={"visibility": "public"}) for a in (document, picture, text)]

    refused(asked[0], 409, "not_cleaned")
    assert [answer.status_code for answer in asked[1:]] == [200, 200]
    assert [a["uncleaned"] for a in (document, picture, text)] == [None, [], None]


def test_what_has_nothing_personal_is_kept_as_it_came(cleaner: TestClient) -> None:
    """Byte for byte."""
    sent = make_png()
    asset, read = kept(cleaner, sent)

    assert read == sent
    assert asset["original_sha256"] == asset["sha256"]


@pytest.mark.parametrize("make", [make_png, clean_jpeg])
def test_appended_bytes_alone_change_nothing(cleaner: TestClient, make: Callable[[], bytes]) -> None:
    """They are no part of the image: the file is kept byte for byte, and the answer says so."""
    sent = make() + b"appended"
    asset, read = kept(cleaner, sent)

    assert read == sent
    assert asset["uncleaned"] == ["trailer"]


def test_appended_bytes_go_with_what_is_personal(cleaner: TestClient) -> None:
    """As a camera's film behind a photo does, which knows the place too."""
    _, read = kept(cleaner, photo() + b"appended")

    assert b"appended" not in read


def test_what_cannot_be_cleaned_is_said(cleaner: TestClient) -> None:
    """A PNG that ends too early can't be followed: it is kept as it came, and the answer says so."""
    sent = make_png(noise=b"x")[:-8]
    asset, read = kept(cleaner, sent)

    assert read == sent
    assert asset["uncleaned"] == ["structure"]


def test_a_retry_is_known_by_what_came(cleaner: TestClient) -> None:
    """The same file is the same request, though another one was stored."""
    headers = {"Idempotency-Key": "k"}
    sent = [photo(), photo(), photo(33)]
    answers = [cleaner.post("/v1/assets?kind=photo", files={"file": ("a", one)}, headers=headers) for one in sent]

    assert [answer.status_code for answer in answers] == [201, 201, 422]
    assert answers[0].json() == answers[1].json()


def test_an_svg_keeps_what_draws(cleaner: TestClient) -> None:
    """It is served as an image that may run nothing, whatever it is opened in."""
    asset, read = kept(cleaner, SVG, "logo")
    served = cleaner.get(asset["permalink"].removeprefix("http://stowage.test"))

    assert b"alert" not in read
    assert b"M0 0h9" in read
    assert served.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in served.headers["content-security-policy"]
    assert "sandbox" in served.headers["content-security-policy"]
    assert served.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><!ENTITY a "b">', "unsafe_svg"),
        (make_png(10_000, 6_000), "too_many_pixels"),
    ],
)
def test_what_cannot_be_made_harmless_is_refused(
    cleaner: TestClient, cleaning: Services, content: bytes, code: str
) -> None:
    """Nothing of it is kept."""
    refused(cleaner.post("/v1/assets?kind=logo", files={"file": ("a", content)}), 422, code)

    assert (cleaning.spool.held, spool_files(cleaning)) == (0, [])
    assert cleaner.get("/v1/assets").json()["items"] == []


def test_svg_can_be_refused(settings: Settings) -> None:
    """`SVG=reject`."""
    with TestClient(create_app(build(with_limits(settings, svg="reject")))) as client:
        client.headers["Authorization"] = "Bearer acme-key"
        refused(client.post("/v1/assets?kind=logo", files={"file": ("a", SVG)}), 415, "unsupported_media_type")

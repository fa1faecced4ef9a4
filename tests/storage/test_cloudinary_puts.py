"""What the Cloudinary store sends, where it puts things, and that what was kept is what was sent."""

import io
from collections.abc import Iterator
from uuid import UUID

import pytest

from app.assets.keys import key_for
from app.db.records import SlotRef
from app.errors import StorageRefused, StorageUnavailable, StoreAlteredFile, StoreLimit
from app.storage.backend import PRIVATE, Serving
from app.storage.cloudinary import CloudinaryBackend
from app.storage.storage import Storage
from tests.conftest import PDF
from tests.standins.cloudinary.callers import get
from tests.standins.cloudinary.cloud import Account, Cloud
from tests.standins.cloudinary.cloud import running as clouds
from tests.standins.cloudinary.faults import alter, refuse
from tests.storage.backends import read, sha256
from tests.storage.faulty import PUBLIC, cloudinary_on, put_file

KEY = "company_logos/company_7/01a1fe46.png"
IMAGE, RAW = ("image", "upload"), ("raw", "authenticated")


@pytest.fixture
def store_on(cloud: Cloud) -> CloudinaryBackend:
    """The store on an empty cloud."""
    return cloudinary_on(cloud)


@pytest.fixture
def strict() -> Iterator[Cloud]:
    """A cloud that takes images of 2,000 bytes and other files of 3,000."""
    with clouds(Account(image_limit=2000, raw_limit=3000)) as cloud:
        yield cloud


def test_trap_a_generated_name_in_somebodys_folder(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """The public_id is the key, and the folder of the media library follows it; nothing else is asked for."""
    put_file(store_on, KEY, png, serving=PUBLIC)
    [call] = cloud.named("upload")

    assert (call.resource_type, call.fields["type"], call.fields["public_id"]) == (*IMAGE, KEY)
    assert call.fields["asset_folder"] == "company_logos/company_7"
    assert call.fields["overwrite"] == call.fields["invalidate"] == "1"
    known = {"public_id", "asset_folder", "type", "overwrite", "invalidate", "timestamp", "signature", "api_key"}
    assert set(call.fields) == known
    assert call.file is not None
    assert call.file.name == "01a1fe46.png"


@pytest.mark.parametrize(
    ("kind", "serving", "place"),
    [
        ("image/png", PUBLIC, IMAGE),
        ("image/png", PRIVATE, RAW),
        ("application/pdf", PUBLIC, RAW),
        ("application/zip", PUBLIC, RAW),
        ("text/html", PUBLIC, RAW),
        ("video/mp4", PUBLIC, RAW),
        ("application/pdf", PRIVATE, RAW),
    ],
)
def test_trap_a_document_gets_an_address_that_answers_401(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, kind: str, serving: Serving, place: tuple[str, str]
) -> None:
    """Only public images have addresses, which work; PDF and ZIP are not delivered, nor is what is private."""
    data = png if kind == "image/png" else PDF
    stored = put_file(store_on, KEY, data, kind=kind, serving=serving)

    assert list(cloud.assets) == [(*place, KEY)]
    assert (stored.details["resource_type"], stored.details["type"]) == place
    assert stored.url == store_on.url(KEY, details=stored.details)
    assert (stored.url is not None) == (place == IMAGE)
    if stored.url:
        assert get(cloud.local(stored.url)).content == data


def test_trap_an_address_without_tls_or_version(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """https, with the version, so that caches tell a replacement apart; the same from `put` and from the row."""
    first = put_file(store_on, KEY, png, serving=PUBLIC)
    cloud.advance(60)
    second = put_file(store_on, KEY, png, serving=PUBLIC)

    for stored in (first, second):
        version = stored.details["version"]
        expected = f"https://res.cloudinary.com/{cloud.cloud_name}/image/upload/v{version}/{KEY}.png"
        assert stored.url == store_on.url(KEY, details=stored.details) == expected
    assert first.url != second.url


def test_what_finds_the_object_again_is_kept(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """Details for the row are small, plain, and without a secret or a signature."""
    stored = put_file(store_on, KEY, png, serving=PUBLIC)
    asset = cloud.assets[*IMAGE, KEY]

    assert stored.public_id == KEY
    assert stored.details == {
        "resource_type": "image",
        "type": "upload",
        "version": asset.version,
        "format": "png",
        "asset_id": asset.asset_id,
    }


@pytest.mark.parametrize("place", ["public", "private"])
def test_trap_bytes_that_the_cloud_changed(cloud: Cloud, store_on: CloudinaryBackend, png: bytes, place: str) -> None:
    """An account that optimises on arrival keeps other bytes: they are deleted, and the put fails for good."""
    cloud.faults.next("upload", alter(lambda content: content + b"optimised"))
    with pytest.raises(StoreAlteredFile) as caught:
        put_file(store_on, KEY, png, serving=Serving(public=place == "public"))

    assert (caught.value.status, cloud.assets, len(cloud.named("upload"))) == (502, {}, 1)


def test_trap_other_bytes_of_the_same_size(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """The size alone would not tell."""
    cloud.faults.next("upload", alter(lambda content: content[:-1] + b"!"))
    with pytest.raises(StoreAlteredFile):
        put_file(store_on, KEY, png)

    assert cloud.assets == {}


def test_altered_bytes_that_cannot_be_deleted_now_are_not_stored_either(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes
) -> None:
    """The put fails in any case; the sweeper deletes later."""
    cloud.faults.next("upload", alter(lambda content: content + b"optimised"))
    cloud.faults.always("destroy", refuse(503))
    with pytest.raises((StoreAlteredFile, StorageUnavailable)):
        put_file(store_on, KEY, png)


def test_an_empty_file_is_refused(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """The cloud keeps none."""
    with pytest.raises(StorageRefused):
        put_file(store_on, KEY, b"")

    assert cloud.assets == {}


def test_trap_the_limits_of_the_plan(strict: Cloud, png: bytes) -> None:
    """Read by the first ping, one for images and one for the rest; not known before, and never asked for by a put."""
    backend = cloudinary_on(strict)
    assert backend.max_size("image/png", PUBLIC) is None
    put_file(backend, KEY, png)
    assert strict.admin_calls == 0
    backend.ping()

    assert backend.max_size("image/png", PUBLIC) == 2000
    assert backend.max_size("image/png", PRIVATE) == 3000
    assert backend.max_size("video/mp4", PUBLIC) == 3000
    assert strict.admin_calls == 1


def test_what_is_known_to_be_too_large_is_not_sent(strict: Cloud) -> None:
    """The service asks before it sends: 413 with the limit, and no call; what just fits goes on."""
    backend = cloudinary_on(strict)
    storage = Storage("cloudinary", backend)
    storage.check_size(10**9, "image/png", PUBLIC)  # nothing is known yet
    backend.ping()
    strict.calls.clear()
    storage.check_size(2000, "image/png", PUBLIC)
    storage.check_size(3000, "image/png", PRIVATE)
    with pytest.raises(StoreLimit) as caught:
        storage.check_size(2001, "image/png", PUBLIC)
    storage.close()

    assert (caught.value.status, caught.value.extra["limit"], strict.calls) == (413, 2000, [])


@pytest.mark.parametrize(("size", "serving"), [(2001, PUBLIC), (3001, PRIVATE)])
def test_trap_a_file_that_the_cloud_finds_too_large(strict: Cloud, png: bytes, size: int, serving: Serving) -> None:
    """Also when its limits are not known yet: 413, and it is not sent again."""
    with pytest.raises(StoreLimit) as caught:
        put_file(cloudinary_on(strict), KEY, png.ljust(size, b"x"), serving=serving)

    assert (caught.value.status, len(strict.named("upload")), strict.assets) == (413, 1, {})


def test_trap_a_name_that_is_longer_than_the_cloud_takes(store_on: CloudinaryBackend, png: bytes) -> None:
    """255 characters: the longest key that the service makes is no longer."""
    slot = SlotRef(tenant="t" * 64, scope="s" * 64, owner="o" * 64, name="n" * 64)
    key = key_for(UUID(int=7), tenant="t" * 64, kind="logo", content_type="image/webp", slot=slot)

    assert put_file(store_on, key, png).public_id == key


def test_the_same_key_again_replaces(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """A retry stores the same thing at the same place."""
    for _ in range(2):
        put_file(store_on, KEY, png)

    assert list(cloud.assets) == [(*RAW, KEY)]
    assert read(store_on, KEY) == png


def test_trap_the_body_is_closed_by_the_sdk(store_on: CloudinaryBackend, png: bytes) -> None:
    """It belongs to whoever opened it."""
    body = io.BytesIO(png)
    store_on.put(KEY, body, content_type="image/png", size=len(png), sha256=sha256(png))

    assert (body.closed, body.read()) == (False, b"")

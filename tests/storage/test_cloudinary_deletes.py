"""Deleting at Cloudinary: the right resource type, the right type, and the caches too."""

import pytest

from app.errors import ObjectMissing, StorageError, StorageUnavailable
from app.storage.backend import Serving
from app.storage.cloudinary import CloudinaryBackend
from tests.standins.cloudinary.callers import get
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import page, refuse
from tests.storage.faulty import PUBLIC, cloud_says, cloudinary_on, put_file

KEY = "company_logos/company_7/01a1fe46.png"
IMAGE, RAW = ("image", "upload"), ("raw", "authenticated")


@pytest.fixture
def store_on(cloud: Cloud) -> CloudinaryBackend:
    """The store on an empty cloud."""
    return cloudinary_on(cloud)


@pytest.mark.parametrize("place", [IMAGE, RAW])
def test_trap_a_destroy_of_another_type_leaves_the_asset(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, place: tuple[str, str]
) -> None:
    """With the row's details one call of exactly that type; "not found" is success, and caches are told."""
    stored = put_file(store_on, KEY, png, serving=Serving(public=place == IMAGE))
    store_on.delete(KEY, details=stored.details)
    store_on.delete(KEY, details=stored.details)
    calls = cloud.named("destroy")

    assert cloud.assets == {}
    assert [(call.resource_type, call.fields["type"], call.fields["public_id"]) for call in calls] == [
        (*place, KEY)
    ] * 2
    assert {call.fields["invalidate"] for call in calls} == {"1"}
    with pytest.raises(ObjectMissing):
        store_on.open(KEY, details=stored.details)


@pytest.mark.parametrize("place", [IMAGE, RAW])
def test_trap_an_asset_whose_row_was_never_finished(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, place: tuple[str, str]
) -> None:
    """Without details it is looked for wherever it could have been put."""
    put_file(store_on, KEY, png, serving=Serving(public=place == IMAGE))
    store_on.delete(KEY)

    assert cloud.assets == {}


def test_trap_the_cdn_serves_what_was_deleted(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """For up to thirty days, unless it is told."""
    cloud.cdn_keeps = True
    stored = put_file(store_on, KEY, png, serving=PUBLIC)
    address = cloud.local(stored.url or "")
    assert get(address).status_code == 200
    store_on.delete(KEY, details=stored.details)

    assert get(address).status_code == 404


def test_details_of_another_place_delete_nothing(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """One call, where the row says: what lies elsewhere under the same name isn't this row's."""
    put_file(store_on, KEY, png, serving=PUBLIC)
    store_on.delete(KEY, details={"resource_type": "raw", "type": "authenticated"})

    assert list(cloud.assets) == [(*IMAGE, KEY)]
    assert len(cloud.named("destroy")) == 1


@pytest.mark.parametrize("answer", [b"{}", b'{"result": "error"}', b'{"result": null}', b"[]", b"null"])
def test_trap_an_answer_that_does_not_say_that_it_is_gone(
    cloud: Cloud, store_on: CloudinaryBackend, png: bytes, answer: bytes
) -> None:
    """Only `ok` and `not found` do."""
    put_file(store_on, KEY, png)
    cloud.faults.always("destroy", cloud_says(answer))
    with pytest.raises(StorageUnavailable):
        store_on.delete(KEY)


def test_trap_a_404_of_a_proxy_passes_for_gone(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """Cloudinary says `not found` with a 200: a proxy's page deleted nothing."""
    put_file(store_on, KEY, png)
    cloud.faults.always("destroy", page(404))
    with pytest.raises(StorageUnavailable):
        store_on.delete(KEY)


def test_a_404_of_the_cloud_itself_is_not_missing(cloud: Cloud, store_on: CloudinaryBackend) -> None:
    """What isn't there is deleted already: `delete` may say that it could not, never that the object is missing."""
    cloud.faults.always("destroy", refuse(404, "Resource not found"))
    try:
        store_on.delete(KEY)
    except StorageError as failure:
        assert not isinstance(failure, ObjectMissing)  # noqa: PT017 - going well is right, too


def test_a_first_place_that_fails_is_not_passed_over(cloud: Cloud, store_on: CloudinaryBackend, png: bytes) -> None:
    """Without details both places must have said that it is gone."""
    put_file(store_on, KEY, png)
    cloud.faults.when("destroy", lambda call: call.resource_type == "raw", refuse(500), once=False)
    with pytest.raises(StorageUnavailable):
        store_on.delete(KEY)

    assert list(cloud.assets) == [(*RAW, KEY)]

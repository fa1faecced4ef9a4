"""The door to assets: what is stored, how it is shown, who may touch it, how it goes."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import part, post
from tests.api.refusals import keeps_nothing, nothing_kept, refused, rows
from tests.api.tokens import DEFAULT, OTHER, READER, ROOT, of_company
from tests.conftest import files_below, make_jpg, make_png

FIELDS = (
    *("id", "kind", "filename", "content_type", "size", "sha256"),
    *("original_sha256", "uncleaned", "width", "height", "store"),
    *("public_id", "url", "permalink", "visibility", "metadata", "created_at"),
)
ONE = ("GET", "PATCH", "DELETE")


def ask(acme: TestClient, method: str, asset_id: object, headers: dict[str, str] | None = None):
    """One of the three calls about one asset; a change when it is a PATCH."""
    content = '{"filename": "changed.png"}' if method == "PATCH" else None
    return acme.request(method, f"/v1/assets/{asset_id}", content=content, headers=headers)


def test_one_file_is_answered_with_every_field(acme_on: TestClient, png: bytes) -> None:
    """201, its Location, and exactly the fields that are promised."""
    answer = acme_on.post("/v1/assets", files={"file": ("logo.png", png)})
    shown = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://stowage.test/v1/assets/{shown['id']}"
    assert tuple(shown) == FIELDS
    assert UUID(shown["id"]).version == 7
    assert (shown["kind"], shown["visibility"], shown["metadata"]) == ("document", "private", {})
    assert (shown["filename"], shown["content_type"]) == ("logo.png", "image/png")
    assert (shown["size"], shown["sha256"]) == (len(png), hashlib.sha256(png).hexdigest())
    assert (shown["width"], shown["height"]) == (8, 8)
    assert (shown["store"], shown["public_id"]) == ("local", f"acme/document/{shown['id']}.png")
    assert shown["url"] == shown["permalink"] == f"http://stowage.test/f/{shown['id']}/logo.png"


def test_the_time_of_an_asset_is_in_utc(acme_on: TestClient, png: bytes) -> None:
    """`created_at` is RFC 3339 with a Z, and now."""
    text = acme_on.post("/v1/assets", files={"file": ("logo.png", png)}).json()["created_at"]

    assert text.endswith("Z")
    assert abs(datetime.fromisoformat(text) - datetime.now(UTC)) < timedelta(seconds=30)


def test_what_was_stored_can_be_read_again(acme_on: TestClient, png: bytes) -> None:
    """GET gives what POST gave, to a key that may only read too."""
    stored = acme_on.post("/v1/assets", files={"file": ("logo.png", png)}).json()

    assert ask(acme_on, "GET", stored["id"]).json() == stored
    assert ask(acme_on, "GET", stored["id"], READER).json() == stored


def test_the_contents_decide_what_a_file_is(acme: TestClient) -> None:
    """Neither the name nor the declared type is believed."""
    shown = acme.post("/v1/assets", files={"file": ("page.html", make_jpg(16, 12), "text/html")}).json()

    assert shown["content_type"] == "image/jpeg"
    assert (shown["width"], shown["height"]) == (16, 12)
    assert shown["public_id"].endswith(".jpg")


def test_what_is_no_image_has_no_size_in_pixels(acme: TestClient, pdf: bytes) -> None:
    """Width and height of a PDF are null."""
    shown = acme.post("/v1/assets", files={"file": ("report.pdf", pdf)}).json()

    assert shown["content_type"] == "application/pdf"
    assert shown["width"] is shown["height"] is None


def test_several_files_come_back_in_their_order(acme_on: TestClient) -> None:
    """201 with `items`; each one is readable by its id."""
    contents = [make_png(noise=bytes([n])) for n in range(20)]
    files = [("file", (f"{n}.png", content)) for n, content in enumerate(contents)]

    answer = acme_on.post("/v1/assets", files=files)
    items = answer.json()["items"]

    assert answer.status_code == 201
    assert [item["filename"] for item in items] == [f"{n}.png" for n in range(20)]
    assert [item["sha256"] for item in items] == [hashlib.sha256(content).hexdigest() for content in contents]
    assert [acme_on.get(f"/f/{item['id']}/x").content for item in items] == contents


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media_type"),
        (b"\0\1\2\3", 415, "unsupported_media_type"),
        (b"", 422, "empty_file"),
    ],
    ids=["svg", "binary", "empty"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_file_among_good_ones_refuses_all(
    acme: TestClient, shared: Services, png: bytes, bad: bytes, status: int, code: str, place: int
) -> None:
    """All or nothing, wherever the bad one stands."""
    contents = [png, png]
    contents.insert(place, bad)

    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files=[("file", (f"{n}.png", c)) for n, c in enumerate(contents)])

        refused(answer, status, code)


def test_twenty_one_files_are_too_many(acme: TestClient, shared: Services, png: bytes) -> None:
    """The limit is 20, and the answer says so."""
    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files=[("file", (f"{n}.png", png)) for n in range(21)])

        assert refused(answer, 400, "too_many_files")["limit"] == 20


@pytest.mark.parametrize("name", ["", "logo.png"], ids=["without a name", "with a name"])
def test_a_file_in_another_field_is_refused(acme: TestClient, shared: Services, png: bytes, name: str) -> None:
    """The sentence names the field that came and the one that is taken, whatever the file is called."""
    with keeps_nothing(shared):
        detail = refused(post(acme, part("picture", png, name)), 400, "unexpected_file")["detail"]

        assert "`picture`" in detail
        assert "`file`" in detail


@pytest.mark.parametrize("method", ONE)
@pytest.mark.parametrize("bad", ["7", "not-a-uuid", "%00", "01a1fe56-6c38-7226-99df", "%F0%9F%98%80"])
def test_an_id_that_is_no_uuid_is_refused(acme: TestClient, method: str, bad: str) -> None:
    """`invalid_id`, before anything is looked up."""
    refused(ask(acme, method, bad), 400, "invalid_id")


@pytest.mark.parametrize("method", ONE)
def test_an_unknown_id_is_not_found(acme_on: TestClient, method: str) -> None:
    """A UUID that nobody gave is a 404."""
    refused(ask(acme_on, method, uuid4()), 404, "not_found")


@pytest.mark.parametrize("method", ONE)
def test_another_tenants_asset_does_not_exist(acme_on: TestClient, png: bytes, method: str) -> None:
    """404 for reading, changing and deleting; its owner sees it unchanged."""
    stored = acme_on.post("/v1/assets", files={"file": ("logo.png", png)}).json()

    refused(ask(acme_on, method, stored["id"], OTHER), 404, "not_found")

    assert ask(acme_on, "GET", stored["id"]).json() == stored


def test_a_token_does_not_reach_another_companys_logo_by_its_id(acme: TestClient, png: bytes) -> None:
    """What is a 403 under the company's address is not allowed under the asset's either."""
    logo = acme.post("/v1/companies/43/logo", files={"logo": ("logo.png", png)}).json()
    caller = of_company(42)

    statuses = {method: ask(acme, method, logo["id"], caller).status_code for method in ONE}

    assert acme.get("/v1/companies/43/logo", headers=caller).status_code == 403
    assert [method for method, status in statuses.items() if status not in {403, 404}] == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_key_for_reading_may_not_write(acme: TestClient, png: bytes, method: str) -> None:
    """403, and the asset stays as it is."""
    stored = acme.post("/v1/assets", files={"file": ("logo.png", png)}).json()

    refused(ask(acme, method, stored["id"], READER), 403, "forbidden")

    assert ask(acme, "GET", stored["id"]).json() == stored


def test_a_key_for_reading_may_not_store(acme: TestClient, shared: Services, png: bytes) -> None:
    """403, and nothing is kept."""
    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files={"file": ("logo.png", png)}, headers=READER)

        refused(answer, 403, "forbidden")


def test_the_administrator_reaches_every_tenant(acme: TestClient, png: bytes) -> None:
    """Reading, changing and deleting; what it stores belongs to `default`."""
    stored = acme.post("/v1/assets", files={"file": ("logo.png", png)}).json()
    own = acme.post("/v1/assets", files={"file": ("own.png", png)}, headers=ROOT).json()

    assert [ask(acme, method, stored["id"], ROOT).status_code for method in ONE] == [200, 200, 204]
    assert own["public_id"] == f"document/{own['id']}.png"
    assert ask(acme, "GET", own["id"], DEFAULT).status_code == 200
    refused(ask(acme, "GET", own["id"]), 404, "not_found")


def test_a_deleted_asset_is_gone_for_everybody(tenant_on: TestClient, png: bytes) -> None:
    """204; from then on 404 for every call, for its permalink and in the list."""
    stored = tenant_on.post("/v1/assets?kind=photo", files={"file": ("logo.png", png)}).json()

    assert ask(tenant_on, "DELETE", stored["id"]).status_code == 204
    for method in ONE:
        refused(ask(tenant_on, method, stored["id"]), 404, "not_found")
    refused(tenant_on.get(f"/f/{stored['id']}/logo.png"), 404, "not_found")
    assert tenant_on.get("/v1/assets").json()["items"] == []


def test_the_sweep_after_a_delete_leaves_nothing(client: TestClient, services: Services, png: bytes) -> None:
    """The bytes stay until the sweep; then bytes and row are gone."""
    stored = client.post("/v1/assets", files={"file": ("logo.png", png)}).json()
    ask(client, "DELETE", stored["id"])
    before = files_below(services), rows(services)

    report = client.portal.call(services.sweeper.sweep)

    assert (len(before[0]), before[1], report.deleted) == (1, 1, 1)
    nothing_kept(services)


def test_a_logo_deleted_by_its_id_leaves_an_empty_slot(tenant_on: TestClient, png: bytes) -> None:
    """The slot is a 404 at once, and takes the next logo as a new one."""
    logo = tenant_on.post("/v1/companies/7/logo", files={"logo": ("logo.png", png)}).json()

    assert ask(tenant_on, "DELETE", logo["id"]).status_code == 204
    refused(tenant_on.get("/v1/companies/7/logo"), 404, "not_found")
    again = tenant_on.post("/v1/companies/7/logo", files={"logo": ("logo.png", png)})
    assert (again.status_code, again.json()["slot"]) == (201, logo["slot"])

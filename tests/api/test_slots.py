"""The door to slots: named places, of users, products, companies."""

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import part, post
from tests.api.refusals import keeps_nothing, refused
from tests.api.tokens import OTHER, READER, ROOT, of_company
from tests.conftest import PDF, make_jpg, make_png

AVATAR = "/v1/slots/users/7/avatar"
ONE, TWO = make_png(noise=b"one"), make_jpg()
METHODS = ("POST", "PUT", "GET", "DELETE")


def put(client: TestClient, content: bytes, path: str = AVATAR, *, field: str = "file", **params: str):
    """Fill a slot."""
    return client.put(path, params=params, files={field: ("a.png", content)})


def test_a_slot_is_filled_shown_replaced_and_emptied(tenant_on: TestClient) -> None:
    """201, 200, 200, 204, 404, with one permalink throughout."""
    first = put(tenant_on, ONE)
    shown = tenant_on.get(AVATAR)
    second = put(tenant_on, TWO)
    address = first.json()["slot"]["permalink"].removeprefix("http://stowage.test")

    assert [first.status_code, shown.status_code, second.status_code] == [201, 200, 200]
    assert shown.json() == first.json()
    assert shown.headers["etag"] == first.headers["etag"]
    assert first.json()["slot"] == second.json()["slot"]
    assert tenant_on.get(address).content == TWO
    assert tenant_on.delete(AVATAR).status_code == 204
    refused(tenant_on.get(AVATAR), 404, "not_found")
    refused(tenant_on.get(address), 404, "not_found")


def test_a_slot_says_where_it_is(acme: TestClient) -> None:
    """scope, owner, name; the key lies in a folder of these names."""
    shown = put(acme, ONE).json()

    assert [shown["slot"][name] for name in ("scope", "owner", "name")] == ["users", "7", "avatar"]
    assert shown["public_id"] == f"acme/users/7/avatar/{shown['id']}.png"
    assert "logo_url" not in shown


def test_slots_do_not_meet(tenant_on: TestClient) -> None:
    """Another scope, owner or name, or another case, is another slot."""
    paths = [f"/v1/slots/{path}" for path in ("a/1/x", "b/1/x", "a/2/x", "a/1/y", "A/1/x", "a/1/X", "a/1%20/x")]

    answers = [put(tenant_on, ONE, path) for path in paths]

    assert [answer.status_code for answer in answers] == [201] * len(paths)
    assert len({answer.json()["slot"]["permalink"] for answer in answers}) == len(paths)
    for path, answer in zip(paths, answers, strict=True):
        assert tenant_on.get(path).json()["id"] == answer.json()["id"]


@pytest.mark.parametrize(
    ("name", "kind"), [("logo", "logo"), ("avatar", "photo"), ("photo", "photo"), ("contract", "document")]
)
def test_the_slots_name_says_the_kind(tenant: TestClient, name: str, kind: str) -> None:
    """Where the caller doesn't; `?kind=` wins over it."""
    path = f"/v1/slots/users/7/{name}"

    assert put(tenant, ONE, path).json()["kind"] == kind
    assert put(tenant, ONE, path, kind="file").json()["kind"] == "file"


@pytest.mark.parametrize("name", ["contract", "avatar"])
def test_a_field_says_the_kind_too(tenant: TestClient, name: str) -> None:
    """`kind` may come from a form field anywhere, at every door that takes it."""
    answer = post(tenant, part("file", PDF, "a.pdf"), part("kind", "document"), path=f"/v1/slots/users/7/{name}")

    assert (answer.status_code, answer.json().get("kind")) == (201, "document")


@pytest.mark.parametrize("field", ["file", "avatar"])
def test_the_field_is_file_or_the_slots_name(tenant: TestClient, field: str) -> None:
    """As forms have it."""
    assert put(tenant, ONE, field=field).status_code == 201


@pytest.mark.parametrize("name", ["kind", "visibility", "metadata"])
def test_a_slot_may_be_named_like_a_field(tenant: TestClient, name: str) -> None:
    """The field is a field, the slot is a slot."""
    parts = [part("kind", "photo"), part("visibility", "private"), part("metadata", "{}"), part("file", ONE, "a.png")]

    shown = post(tenant, *parts, path=f"/v1/slots/users/7/{name}").json()

    assert (shown.get("kind"), shown.get("visibility"), shown.get("metadata")) == ("photo", "private", {})


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([part("file", ONE, "a.png"), part("file", TWO, "b.jpg")], 400, "too_many_files"),
        ([part("logo", ONE, "a.png")], 400, "unexpected_file"),
        ([part("avatar", "text")], 400, "missing_file"),
        ([part("file", PDF, "a.png")], 415, "unsupported_media_type"),
        ([part("file", b"", "a.png")], 422, "empty_file"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_old_one_stays(
    tenant: TestClient, shared: Services, parts: list[bytes], status: int, code: str
) -> None:
    """As with logos."""
    old = put(tenant, ONE).json()

    with keeps_nothing(shared):
        refused(post(tenant, *parts, path=AVATAR), status, code)

        assert tenant.get(AVATAR).json() == old


@pytest.mark.parametrize("path", ["users/%00/avatar", "users/7/%0a", "%7f/7/avatar", f"users/{'x' * 256}/avatar"])
@pytest.mark.parametrize("method", METHODS)
def test_an_unprintable_or_endless_name_is_refused(tenant_on: TestClient, path: str, method: str) -> None:
    """Each of the three names is 1 to 255 printable characters."""
    refused(tenant_on.request(method, f"/v1/slots/{path}"), 400, "invalid_parameter")


@pytest.mark.parametrize("name", ["a%3Fb", "a%23b", "%20", "%F0%9F%98%80", "%22", "%2525", "%2e%2e", "%2e"])
def test_a_slots_permalink_works_whatever_its_name_is(tenant: TestClient, name: str) -> None:
    """As clients call it, who walk dots in addresses: a name that can't be called is refused."""
    answer = put(tenant, ONE, f"/v1/slots/users/7/{name}")
    if answer.status_code == 400:
        refused(answer, 400, "invalid_parameter")
        return

    address = answer.json()["slot"]["permalink"].removeprefix("http://stowage.test")
    assert tenant.get(address).content == ONE


@pytest.mark.parametrize("path", ["users/7", "users/7/", "users//avatar", "users/7/a%2Fb", "users/7/a/b"])
def test_an_address_with_other_parts_is_none(tenant: TestClient, path: str) -> None:
    """Three names, no slash in them."""
    refused(tenant.get(f"/v1/slots/{path}"), 404, "not_found")


@pytest.mark.parametrize("method", METHODS)
def test_a_companys_slots_belong_to_the_company(acme: TestClient, shared: Services, method: str) -> None:
    """A token of another company gets 403 for the logo and for every other name."""
    with keeps_nothing(shared):
        for name in ("logo", "banner"):
            answer = acme.request(method, f"/v1/slots/company/43/{name}", headers=of_company(42))

            refused(answer, 403, "forbidden")


def test_a_companys_logo_is_one_slot_under_both_doors(tenant_on: TestClient) -> None:
    """What the logo's door stores, the slot's door shows and replaces."""
    logo = tenant_on.put("/v1/companies/7/logo", files={"logo": ("a.png", ONE)}).json()

    replaced = put(tenant_on, TWO, "/v1/slots/company/7/logo")

    assert (replaced.status_code, replaced.json()["slot"]) == (200, logo["slot"])
    assert tenant_on.get("/api/companies/7/logo").json()["id"] == replaced.json()["id"]


def test_my_company_is_the_callers_own_here_too(acme: TestClient) -> None:
    """For a key its tenant, for a token its company, for the administrator nothing."""
    path = "/v1/slots/company/my-company/banner"

    assert put(acme, ONE, path).json()["slot"]["owner"] == "acme"
    answer = acme.put(path, files={"file": ("a.png", ONE)}, headers=of_company(42))
    assert answer.json()["slot"]["owner"] == "42"
    refused(acme.put(path, files={"file": ("a.png", ONE)}, headers=ROOT), 400, "company_required")


def test_another_tenants_slot_is_another_slot(acme: TestClient) -> None:
    """It is empty for them, and filling it leaves ours alone."""
    mine = put(acme, ONE, "/v1/slots/users/8/avatar").json()

    for method in ("GET", "DELETE"):
        refused(acme.request(method, "/v1/slots/users/8/avatar", headers=OTHER), 404, "not_found")
    theirs = acme.put("/v1/slots/users/8/avatar", files={"file": ("a.png", TWO)}, headers=OTHER)
    assert theirs.status_code == 201
    assert acme.get("/v1/slots/users/8/avatar").json() == mine


def test_a_key_for_reading_may_look_only(acme: TestClient) -> None:
    """GET is 200, the others are 403."""
    put(acme, ONE, "/v1/slots/users/9/avatar")

    answers = {m: acme.request(m, "/v1/slots/users/9/avatar", headers=READER).status_code for m in METHODS}

    assert answers == {"POST": 403, "PUT": 403, "GET": 200, "DELETE": 403}


def test_if_match_guards_a_slot(tenant_on: TestClient) -> None:
    """A wrong tag is 412, the right one replaces and deletes."""
    tag = put(tenant_on, ONE).headers["etag"]
    files = {"file": ("a.png", TWO)}

    refused(tenant_on.put(AVATAR, files=files, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    refused(tenant_on.delete(AVATAR, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    second = tenant_on.put(AVATAR, files=files, headers={"If-Match": tag})

    assert second.status_code == 200
    assert tenant_on.delete(AVATAR, headers={"If-Match": second.headers["etag"]}).status_code == 204

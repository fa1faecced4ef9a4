"""The door to logos: one for each company, under the addresses that clients call."""

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import part, post
from tests.api.refusals import keeps_nothing, nothing_held, refused, rows
from tests.api.tokens import ACME, DEFAULT, OTHER, READER, ROOT, bearer, of_company, signed
from tests.conftest import files_below, make_png

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><body><script>alert(1)</script>"
ONE, TWO = make_png(noise=b"one"), make_png(noise=b"two")


def put(client: TestClient, content: bytes, *, company: str = "7", headers: dict[str, str] | None = None):
    """Set a company's logo."""
    return client.post(f"/v1/companies/{company}/logo", files={"logo": ("a.png", content)}, headers=headers)


def path_of(permalink: str) -> str:
    """The address without the host."""
    return permalink.removeprefix("http://stowage.test")


def test_the_call_that_clients_make_today_works(client_on: TestClient, png: bytes) -> None:
    """POST /api/companies/my-company/logo with the field `logo` answers logo_url and public_id."""
    answer = client_on.post("/api/companies/my-company/logo", files={"logo": ("test.jpg", png)})

    assert answer.status_code == 201
    assert answer.json()["logo_url"] == answer.json()["url"]
    assert answer.json()["public_id"].startswith("acme/company_logos/company_acme/")


@pytest.mark.parametrize("prefix", ["api", "v1"])
@pytest.mark.parametrize("field", ["logo", "file"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_both_addresses_fields_and_methods_are_one(tenant: TestClient, prefix: str, field: str, method: str) -> None:
    """What one has set, the other shows: the asset, its logo_url, and its slot."""
    answer = tenant.request(method, f"/{prefix}/companies/7/logo", files={field: ("a.png", ONE)})
    shown = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == f"http://stowage.test/v1/assets/{shown['id']}"
    assert (shown["kind"], shown["visibility"], shown["logo_url"]) == ("logo", "public", shown["url"])
    assert [shown["slot"][name] for name in ("scope", "owner", "name")] == ["company", "7", "logo"]
    for other in ("api", "v1"):
        assert tenant.get(f"/{other}/companies/7/logo").json() == shown


def test_the_default_tenants_folder_has_no_prefix(acme: TestClient) -> None:
    """`company_logos/company_<id>/`, as the teams know it."""
    shown = put(acme, ONE, headers=DEFAULT).json()

    assert shown["public_id"] == f"company_logos/company_7/{shown['id']}.png"


def test_a_second_logo_replaces_the_first(tenant_on: TestClient) -> None:
    """200, another id; the old asset is a 404, the slot's permalink is the same and gives the new bytes."""
    old, answer = put(tenant_on, ONE).json(), put(tenant_on, TWO)
    new = answer.json()

    assert answer.status_code == 200
    assert new["id"] != old["id"]
    assert new["slot"] == old["slot"]
    assert tenant_on.get(path_of(new["slot"]["permalink"])).content == TWO
    refused(tenant_on.get(f"/v1/assets/{old['id']}"), 404, "not_found")
    refused(tenant_on.get(path_of(old["permalink"])), 404, "not_found")


def test_the_same_bytes_again_are_a_new_asset(tenant_on: TestClient) -> None:
    """A replacement by the same file is one too."""
    old, new = put(tenant_on, ONE), put(tenant_on, ONE)

    assert (old.status_code, new.status_code) == (201, 200)
    assert old.json()["id"] != new.json()["id"]
    assert [item["id"] for item in tenant_on.get("/v1/assets").json()["items"]] == [new.json()["id"]]


def test_the_sweep_takes_the_bytes_of_the_replaced_one(client: TestClient, services: Services) -> None:
    """One file and one row stay."""
    put(client, ONE)
    kept = put(client, TWO).json()

    report = client.portal.call(services.sweeper.sweep)

    assert (report.deleted, rows(services)) == (1, 1)
    assert [path.name for path in files_below(services)] == [f"{kept['id']}.png"]
    assert client.get(path_of(kept["slot"]["permalink"])).content == TWO
    nothing_held(services)


def test_a_deleted_logo_leaves_its_address(tenant_on: TestClient) -> None:
    """204, then 404 for logo and permalink; the next upload is a 201 under the same permalink."""
    old = put(tenant_on, ONE).json()
    slot = path_of(old["slot"]["permalink"])

    assert tenant_on.delete("/v1/companies/7/logo").status_code == 204
    refused(tenant_on.delete("/v1/companies/7/logo"), 404, "not_found")
    refused(tenant_on.get("/v1/companies/7/logo"), 404, "not_found")
    refused(tenant_on.get(slot), 404, "not_found")
    refused(tenant_on.get(f"/v1/assets/{old['id']}"), 404, "not_found")
    again = put(tenant_on, TWO)
    assert (again.status_code, again.json()["slot"]) == (201, old["slot"])
    assert tenant_on.get(slot).content == TWO


def test_a_company_without_a_logo_is_not_found(tenant_on: TestClient) -> None:
    """404 for reading and deleting."""
    for method in ("GET", "DELETE"):
        refused(tenant_on.request(method, "/api/companies/nobody/logo"), 404, "not_found")


def test_my_company_is_the_callers_own(acme: TestClient) -> None:
    """For a key its tenant, for a token its company_id."""
    by_key = put(acme, ONE, company="my-company").json()["slot"]["owner"]
    by_token = put(acme, ONE, company="my-company", headers=of_company(42)).json()["slot"]["owner"]
    by_tenant = put(acme, ONE, company="my-company", headers=bearer(signed(org_id="org-9"))).json()["slot"]["owner"]

    assert (by_key, by_token, by_tenant) == ("acme", "42", "org-9")


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
@pytest.mark.parametrize("prefix", ["api", "v1"])
def test_the_administrator_has_no_company(acme: TestClient, shared: Services, prefix: str, method: str) -> None:
    """`my-company` says nothing then: 400, before the body is looked at."""
    with keeps_nothing(shared):
        refused(acme.request(method, f"/{prefix}/companies/my-company/logo", headers=ROOT), 400, "company_required")


@pytest.mark.parametrize("method", ["POST", "PUT", "GET", "DELETE"])
@pytest.mark.parametrize("company", ["43", "042", "42 ", "my-Company", "acme"])
def test_a_token_reaches_its_own_company_only(acme: TestClient, shared: Services, method: str, company: str) -> None:
    """403 for any other name, however near."""
    with keeps_nothing(shared):
        answer = acme.request(method, f"/v1/companies/{company}/logo", headers=of_company(42))

        refused(answer, 403, "forbidden")


def test_a_key_reaches_every_company_of_its_tenant_and_no_other(acme: TestClient) -> None:
    """The same company number in another tenant is another company."""
    mine = put(acme, ONE, company="77").json()

    assert acme.get("/v1/companies/77/logo", headers=of_company(77)).json()["id"] == mine["id"]
    for method in ("GET", "DELETE"):
        refused(acme.request(method, "/v1/companies/77/logo", headers=OTHER), 404, "not_found")
    theirs = put(acme, TWO, company="77", headers=OTHER).json()
    assert theirs["slot"]["permalink"] != mine["slot"]["permalink"]
    assert acme.get("/v1/companies/77/logo", headers=ACME).json() == mine


def test_a_key_for_reading_may_look_only(acme: TestClient) -> None:
    """GET is 200; POST, PUT and DELETE are 403, and the logo stays."""
    put(acme, ONE, company="78")

    for method in ("POST", "PUT", "DELETE"):
        refused(acme.request(method, "/v1/companies/78/logo", headers=READER), 403, "forbidden")
    assert acme.get("/v1/companies/78/logo", headers=READER).status_code == 200


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([part("logo", ONE, "a.png"), part("logo", TWO, "b.png")], 400, "too_many_files"),
        ([part("logo", ONE, "a.png"), part("file", TWO, "b.png")], 400, "too_many_files"),
        ([part("image", ONE, "a.png")], 400, "unexpected_file"),
        ([part("logo", ONE, "a.png"), part("image", TWO, "b.png")], 400, "unexpected_file"),
        ([part("logo", "https://example.com/logo.png")], 400, "missing_file"),
        ([part("name", "Acme")], 400, "missing_file"),
        ([], 400, "missing_file"),
        ([part("logo", b"", "")], 400, "missing_file"),
        ([part("logo", b"", "a.png")], 422, "empty_file"),
        ([part("logo", SVG.replace(b"</svg>", b""), "a.svg")], 422, "unsafe_svg"),
        ([part("logo", HTML, "a.png")], 415, "unsupported_media_type"),
        ([part("logo", b"%PDF-1.4 ...", "a.png")], 415, "unsupported_media_type"),
        ([part("logo", b"just text", "a.png")], 415, "unsupported_media_type"),
        ([part("logo", ONE, "a.png"), part("metadata", "{")], 400, "invalid_json"),
        ([part("logo", ONE, "a.png"), part("visibility", "all")], 400, "invalid_field"),
    ],
)
def test_what_is_no_logo_is_refused_and_the_old_one_stays(
    acme: TestClient, shared: Services, parts: list[bytes], status: int, code: str
) -> None:
    """Each with its own code; readers see the old logo as before."""
    old = put(acme, ONE, company="79").json()
    with keeps_nothing(shared):
        refused(post(acme, *parts, path="/v1/companies/79/logo"), status, code)

        assert acme.get("/v1/companies/79/logo").json() == old


@pytest.mark.parametrize("company", ["%00", "a%0ab", "x" * 256, "%E2%80%AE", "%C2%85"])
def test_an_unprintable_or_endless_company_is_refused(acme: TestClient, shared: Services, company: str) -> None:
    """A name is 1 to 255 printable characters."""
    with keeps_nothing(shared):
        for method in ("POST", "GET", "DELETE"):
            refused(acme.request(method, f"/v1/companies/{company}/logo"), 400, "invalid_parameter")


@pytest.mark.parametrize("company", ["é", "a b", "..", "x" * 255, "'; --", "😀", "company%2e%2e"])
def test_any_other_name_is_a_company(tenant_on: TestClient, company: str) -> None:
    """Its folder is a slug, whatever its name is."""
    if company == "..":
        company = "%2e%2e"

    shown = put(tenant_on, ONE, company=company).json()

    folder = shown["public_id"].split("/")[2]
    assert folder.removeprefix("company_").replace("-", "").isalnum()
    assert folder.isascii()
    assert tenant_on.get(f"/v1/companies/{company}/logo").json() == shown

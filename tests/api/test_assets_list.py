"""Pages of assets: newest first, by cursor, by filter, of one tenant."""

from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from tests.api.refusals import refused
from tests.api.tokens import OTHER, ROOT, of_company
from tests.conftest import make_jpg, make_png


def fill(client: TestClient, count: int, **params: str) -> list[str]:
    """Store so many different files; their ids, newest first."""
    contents = [make_png(noise=n.to_bytes(2, "big")) for n in range(count)]
    answers = [client.post("/v1/assets", params=params, files={"file": ("a.png", c)}) for c in contents]
    return [answer.json()["id"] for answer in reversed(answers)]


def ids(answer: Response) -> list[str]:
    """The ids of a page."""
    return [item["id"] for item in answer.json()["items"]]


def walk(client: TestClient, **params: Any) -> list[list[str]]:
    """Every page, from cursor to cursor, but no more than ten."""
    pages, cursor = [], None
    while len(pages) < 10 and (cursor or not pages):
        answer = client.get("/v1/assets", params={**params, **({"cursor": cursor} if cursor else {})})
        pages.append(ids(answer))
        cursor = answer.json()["next_cursor"]
    return pages


def test_a_tenant_without_assets_has_an_empty_page(tenant_on: TestClient) -> None:
    """No items, no next page, no Link."""
    answer = tenant_on.get("/v1/assets")

    assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
    assert "link" not in answer.headers


def test_the_newest_comes_first(tenant_on: TestClient) -> None:
    """Each item is shown as its own address shows it."""
    wanted = fill(tenant_on, 4)

    answer = tenant_on.get("/v1/assets")

    assert ids(answer) == wanted
    assert answer.json()["items"][0] == tenant_on.get(f"/v1/assets/{wanted[0]}").json()
    assert all(a["created_at"] >= b["created_at"] for a, b in pairwise(answer.json()["items"]))


def test_cursors_lead_through_everything_once(tenant_on: TestClient) -> None:
    """Five in pages of two: two, two, one, in the order of the whole."""
    wanted = fill(tenant_on, 5)

    assert walk(tenant_on, limit=2) == [wanted[:2], wanted[2:4], wanted[4:]]
    assert walk(tenant_on, limit=5) == [wanted]


def test_a_full_last_page_is_the_last(tenant_on: TestClient) -> None:
    """Four in pages of two need no third, empty page."""
    wanted = fill(tenant_on, 4)

    assert walk(tenant_on, limit=2) == [wanted[:2], wanted[2:]]


def test_what_comes_or_goes_during_a_walk_moves_nothing(tenant_on: TestClient) -> None:
    """A new asset is not in the later pages, a deleted one hides none of the others."""
    wanted = fill(tenant_on, 4)
    first = tenant_on.get("/v1/assets", params={"limit": 2}).json()
    fill(tenant_on, 1)
    tenant_on.delete(f"/v1/assets/{wanted[1]}")

    second = tenant_on.get("/v1/assets", params={"limit": 2, "cursor": first["next_cursor"]})

    assert ids(second) == wanted[2:]


def test_the_link_header_leads_to_the_next_page(tenant: TestClient) -> None:
    """RFC 8288, below our own address, with the filters and the limit of this page."""
    wanted = fill(tenant, 3, kind="photo")
    chosen = {"limit": "2", "kind": "photo", "filename": "a.png"}

    first = tenant.get("/v1/assets", params=chosen)
    link = first.headers["link"]
    address = urlsplit(link.partition(">")[0].removeprefix("<"))

    assert link.endswith('>; rel="next"')
    assert (address.scheme, address.netloc, address.path) == ("http", "stowage.test", "/v1/assets")
    assert parse_qs(address.query) == {**{k: [v] for k, v in chosen.items()}, "cursor": [first.json()["next_cursor"]]}
    assert ids(tenant.get(f"{address.path}?{address.query}")) == wanted[2:]


def test_a_link_header_is_ascii_whatever_the_filter_is(tenant: TestClient) -> None:
    """A name with quotes, brackets and emoji leads on too."""
    name = 'a>b";é😀&x=1#.png'
    for n in range(2):
        tenant.post("/v1/assets", files={"file": (f"{n}", make_png(noise=bytes([n])))})
        found = tenant.get("/v1/assets").json()["items"][0]["id"]
        tenant.patch(f"/v1/assets/{found}", json={"filename": name})

    link = tenant.get("/v1/assets", params={"filename": name, "limit": 1}).headers["link"]

    address = urlsplit(link.partition(">")[0].removeprefix("<"))
    assert link.isascii()
    assert len(ids(tenant.get(f"{address.path}?{address.query}"))) == 1


def test_twenty_is_the_limit_if_nobody_says(tenant: TestClient) -> None:
    """Twenty-one assets: twenty, and one more."""
    for start in (0, 20):
        files = [("file", ("a.png", make_png(noise=bytes([start, n])))) for n in range(20 if start == 0 else 1)]
        tenant.post("/v1/assets", files=files)

    assert [len(page) for page in walk(tenant)] == [20, 1]
    assert [len(page) for page in walk(tenant, limit=100)] == [21]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "ten", "1.5", "", "9" * 40, "NaN"])
def test_another_limit_is_refused(tenant: TestClient, limit: str) -> None:
    """1 to 100; the sentence names the parameter."""
    body = refused(tenant.get("/v1/assets", params={"limit": limit}), 400, "invalid_parameter")

    assert "limit" in body["detail"]


@pytest.mark.parametrize(
    "cursor", ["x", "é", "AAAA", "_" * 32, "A" * 31, "A" * 33, "%00", "A" * 5000, "AAAA=" * 6, "../" * 8]
)
def test_a_cursor_that_is_not_ours_is_refused(tenant_on: TestClient, cursor: str) -> None:
    """`invalid_cursor`, never an error of the database."""
    refused(tenant_on.get("/v1/assets", params={"cursor": cursor}), 400, "invalid_cursor")


@pytest.mark.parametrize("moment", [0, 1, 253_402_300_799_999_999])
def test_a_made_up_cursor_is_just_a_place(tenant_on: TestClient, moment: int) -> None:
    """The first and the last moment that can be written are no crash."""
    import base64

    cursor = base64.urlsafe_b64encode(moment.to_bytes(8, "big") + bytes(16)).decode()

    answer = tenant_on.get("/v1/assets", params={"cursor": cursor})

    assert (answer.status_code, ids(answer)) == (200, [])


def test_filters_choose(tenant_on: TestClient) -> None:
    """By kind, by hash, by name; together they choose what fits all."""
    photo = tenant_on.post("/v1/assets?kind=photo", files={"file": ("a.png", make_png())}).json()
    paper = tenant_on.post("/v1/assets", files={"file": ("b.jpg", make_jpg())}).json()

    def found(**params: str) -> list[str]:
        return ids(tenant_on.get("/v1/assets", params=params))

    assert found(kind="photo") == [photo["id"]]
    assert found(sha256=paper["sha256"]) == [paper["id"]]
    assert found(filename="a.png") == [photo["id"]]
    assert found(kind="photo", filename="b.jpg") == []
    assert found(filename="A.PNG") == found(filename="%") == found(sha256="0") == []


def test_a_slot_filters(tenant_on: TestClient) -> None:
    """scope/owner/name gives the one asset that the slot holds now."""
    tenant_on.post("/v1/companies/7/logo", files={"logo": ("a.png", make_png())})
    held = tenant_on.post("/v1/companies/7/logo", files={"logo": ("b.png", make_png(9, 9))}).json()
    tenant_on.post("/v1/companies/8/logo", files={"logo": ("c.png", make_png())})

    assert ids(tenant_on.get("/v1/assets", params={"slot": "company/7/logo"})) == [held["id"]]
    assert ids(tenant_on.get("/v1/assets", params={"slot": "company/9/logo"})) == []


@pytest.mark.parametrize("slot", ["", "company", "company/7", "company//logo", "a/b/c/d", "/", "a/b/\x00", "a/\n/c"])
def test_a_slot_that_is_none_is_refused(tenant_on: TestClient, slot: str) -> None:
    """Three names, each with a character at least, none of them unprintable."""
    refused(tenant_on.get("/v1/assets", params={"slot": slot}), 400, "invalid_parameter")


def test_a_token_does_not_list_another_companys_assets(tenant_on: TestClient) -> None:
    """No filter is a way around the 403 of the slot's own address; its own company's and nobody's are listed."""
    other = tenant_on.put("/v1/companies/44/logo", files={"logo": ("a.png", make_png())}).json()
    own = tenant_on.put("/v1/companies/42/logo", files={"logo": ("a.png", make_png())}).json()["id"]
    (free,) = fill(tenant_on, 1)
    caller = of_company(42, tenant=other["public_id"].partition("/")[0])
    asked = [{"slot": "company/44/logo"}, {}, {"sha256": other["sha256"]}, {"kind": "logo"}, {"filename": "a.png"}]

    found = [tenant_on.get("/v1/assets", params=params, headers=caller) for params in asked]

    assert found[0].status_code == 403 or ids(found[0]) == []
    assert [ids(answer) for answer in found[1:]] == [[free, own], [own], [own], [free, own]]


@pytest.mark.parametrize("name", ["kind", "sha256", "filename", "cursor", "slot", "limit"])
@pytest.mark.parametrize("value", ["\x00", "\udcff", "'; DROP TABLE assets; --", "x" * 10_000, "%s", "😀"])
def test_hostile_filters_find_nothing_or_are_refused(tenant_on: TestClient, name: str, value: str) -> None:
    """Never a crash, on either database."""
    raw = "".join(f"%{byte:02x}" for byte in value.encode(errors="surrogateescape"))

    answer = tenant_on.get(f"/v1/assets?{name}={raw}")

    assert answer.status_code in {200, 400}
    assert answer.json().get("items", []) == []


def test_a_page_holds_the_callers_own_assets(tenant_on: TestClient) -> None:
    """Another tenant sees none of them, the administrator sees them all."""
    (stored,) = fill(tenant_on, 1)

    assert stored not in ids(tenant_on.get("/v1/assets?limit=100", headers=OTHER))
    assert ids(tenant_on.get("/v1/assets?limit=1", headers=ROOT)) == [stored]

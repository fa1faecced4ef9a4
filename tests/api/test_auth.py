"""Who may call what: every route against every kind of caller, and the many ways of not being one."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import form, part, typed
from tests.api.refusals import keeps_nothing, refused
from tests.api.tokens import ACME, OTHER, READER, bearer, of_company, signed
from tests.conftest import SECRET, make_png

OPEN = {"/healthz", "/readyz", "/health", "/api/health"}
PNG = make_png()
# (method, path) -> what another tenant is told; a route that isn't here fails a test below.
SLOTS = ("/v1/slots/{scope}/{owner}/{name}", "/v1/companies/{company}/logo", "/api/companies/{company}/logo")
ROUTES: dict[tuple[str, str], int] = {
    ("POST", "/v1/assets"): 201,
    ("GET", "/v1/assets"): 200,
    ("GET", "/v1/assets/{asset_id}"): 404,
    ("PATCH", "/v1/assets/{asset_id}"): 404,
    ("DELETE", "/v1/assets/{asset_id}"): 404,
    **{("POST", path): 201 for path in SLOTS},
    **{("PUT", path): 201 for path in SLOTS},
    **{("GET", path): 404 for path in SLOTS},
    **{("DELETE", path): 404 for path in SLOTS},
    ("GET", "/f/{asset_id}/{filename}"): 404,
    ("GET", "/f/s/{slot_id}/{name}"): 404,
}
WRITES = [route for route in ROUTES if route[0] != "GET"]
FILES = [route for route in ROUTES if route[1].startswith("/f/")]
NEEDS_KEY = [route for route in ROUTES if route not in FILES]


def forged(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, secret: str | None = None) -> str:
    """A token of any header and claims, signed with HMAC-SHA-256 or not at all."""
    raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, claims)]
    head = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in raw)
    signature = hmac.new(secret.encode(), head, hashlib.sha256).digest() if secret else b""
    return f"{head.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


CLAIMS = {"tenant": "acme", "exp": 99_999_999_999}
BAD = {
    "nothing": {},
    "an empty header": {"Authorization": ""},
    "no value": {"Authorization": "Bearer"},
    "an empty value": {"Authorization": "Bearer "},
    "an empty key": {"X-API-Key": ""},
    "garbage": bearer("garbage"),
    "a part of a key": bearer("acme-ke"),
    "a key and more": bearer("acme-key1"),
    "a tenant": bearer("acme"),
    "a whole entry": bearer("acme:acme-key"),
    "another scheme": {"Authorization": "Basic acme-key"},
    "no scheme": {"Authorization": "acme-key"},
    "bytes": {"Authorization": b"Bearer \xff\xfe"},
    "dots": bearer(".."),
    "bytes with dots": {"Authorization": b"Bearer \xff.\xfe.\xfd"},
    "expired": bearer(signed(tenant="acme", lasts=-120)),
    "without an end": bearer(forged({"alg": "HS256"}, {"tenant": "acme"}, SECRET)),
    "not yet": bearer(signed(tenant="acme", nbf=99_999_999_998)),
    "another secret": bearer(signed("another secret of thirty-two characters", tenant="acme")),
    "an empty secret": bearer(forged({"alg": "HS256"}, CLAIMS, " ")),
    "alg none": bearer(forged({"alg": "none"}, CLAIMS)),
    "alg None": bearer(forged({"alg": "None"}, CLAIMS)),
    "alg none, signed": bearer(forged({"alg": "none"}, CLAIMS, SECRET)),
    "alg HS512": bearer(forged({"alg": "HS512"}, CLAIMS, SECRET)),
    "alg RS256 without keys": bearer(forged({"alg": "RS256", "kid": "../../etc"}, CLAIMS, SECRET)),
    "no alg": bearer(forged({"typ": "JWT"}, CLAIMS, SECRET)),
    "a list for alg": bearer(forged({"alg": ["HS256"]}, CLAIMS, SECRET)),
    "a nested header": bearer(forged(b'{"alg":' + b"[" * 9000 + b"]" * 9000 + b"}", CLAIMS, SECRET)),
    "a header that is a list": bearer(forged(b"[]", CLAIMS, SECRET)),
    "nested claims": bearer(forged({"alg": "HS256"}, b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}", SECRET)),
    "claims that are a list": bearer(forged({"alg": "HS256"}, b"[]", SECRET)),
    "an end that is a word": bearer(forged({"alg": "HS256"}, {**CLAIMS, "exp": "never"}, SECRET)),
    "an endless end": bearer(forged({"alg": "HS256"}, b'{"tenant":"acme","exp":1e999}', SECRET)),
    "no tenant": bearer(signed()),
    "an empty tenant": bearer(signed(tenant="")),
    "the administrator": bearer(signed(tenant="*")),
    "true for a tenant": bearer(signed(tenant=True)),
    "a list for a tenant": bearer(signed(tenant=["acme"])),
    "a surrogate for a tenant": bearer(signed(tenant="\ud800")),
    "a zero byte for a tenant": bearer(signed(tenant="a\0b")),
}


@pytest.fixture(scope="module")
def places(on_sqlite: TestClient) -> dict[str, str]:
    """What stands for the names in the paths: a private asset, alone and in a slot, and a company with a logo."""
    asset = on_sqlite.post("/v1/assets", files={"file": ("a.png", PNG)}).json()
    slot = on_sqlite.put("/v1/slots/users/auth/paper", files={"file": ("a.png", PNG)}).json()["slot"]
    for prefix in ("v1", "api"):
        on_sqlite.put(f"/{prefix}/companies/auth/logo", files={"logo": ("a.png", PNG)})
    ids = {"asset_id": asset["id"], "slot_id": slot["permalink"].split("/")[5], "filename": "a.png"}
    return {**ids, "company": "auth", "scope": "users", "owner": "auth", "name": "paper"}


@pytest.fixture
def ask(stranger: TestClient, places: dict[str, str]) -> Any:
    """Call a route as somebody."""

    def asked(route: tuple[str, str], headers: dict[str, Any], **others: str):
        method, path = route
        content: dict[str, Any] = {"content": form(part("file", PNG, "a.png")), "headers": {**typed(), **headers}}
        if method == "PATCH":
            content = {"json": {"filename": "b.png"}, "headers": headers}
        elif method in {"GET", "DELETE"}:
            content = {"headers": headers}
        return stranger.request(method, path.format(**{**places, **others}), **content)

    return asked


def documented(client: TestClient) -> Iterator[tuple[str, str]]:
    """Every route of the OpenAPI document."""
    for path, calls in client.get("/openapi.json").json()["paths"].items():
        yield from ((method.upper(), path) for method in calls)


def test_every_route_is_in_the_table(stranger: TestClient) -> None:
    """A new route says here who may call it."""
    assert {route for route in documented(stranger) if route[1] not in OPEN} == set(ROUTES)


@pytest.mark.parametrize("route", NEEDS_KEY, ids=" ".join)
def test_nobody_gets_in_by_bad_credentials(ask: Any, shared: Services, route: tuple[str, str]) -> None:
    """401 with WWW-Authenticate at every door, and nothing kept."""
    with keeps_nothing(shared):
        for name in ("nothing", "garbage", "expired", "another secret", "alg none"):
            answer = ask(route, BAD[name])

            refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("headers", BAD.values(), ids=BAD)
def test_no_bad_credential_is_a_good_one(ask: Any, headers: dict[str, str | bytes]) -> None:
    """401 for all of them, whatever is wrong."""
    refused(ask(("GET", "/v1/assets"), headers), 401, "unauthorized")


@pytest.mark.parametrize("route", FILES, ids=" ".join)
def test_a_private_file_does_not_exist_for_bad_credentials(ask: Any, route: tuple[str, str]) -> None:
    """404 for each of them."""
    for name in ("nothing", "garbage", "expired", "another secret", "alg none", "bytes", "a surrogate for a tenant"):
        refused(ask(route, BAD[name]), 404, "not_found")


@pytest.mark.parametrize("route", WRITES, ids=" ".join)
@pytest.mark.parametrize(
    "headers", [READER, of_company("auth", scope="read"), of_company("auth", scope=["read"])], ids=range(3)
)
def test_who_may_read_may_not_write(
    ask: Any, shared: Services, route: tuple[str, str], headers: dict[str, str]
) -> None:
    """403, and nothing kept."""
    with keeps_nothing(shared):
        refused(ask(route, headers), 403, "forbidden")


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in WRITES], ids=" ".join)
@pytest.mark.parametrize("headers", [READER, of_company("auth", scope="read")], ids=["key", "JWT"])
def test_who_may_read_reads(ask: Any, route: tuple[str, str], headers: dict[str, str]) -> None:
    """200."""
    assert ask(route, headers).status_code == 200


@pytest.mark.parametrize("route", NEEDS_KEY, ids=" ".join)
def test_a_token_with_other_scopes_may_nothing(ask: Any, route: tuple[str, str]) -> None:
    """A scope that we don't know gives no right at any door."""
    refused(ask(route, of_company("auth", scope="openid profile")), 403, "forbidden")


@pytest.mark.parametrize("scope", ["", "Read", "read,write", [], ["x", 1, None], {}, 7, [{}], [["read"]]], ids=repr)
def test_a_strange_scope_is_no_right_and_no_crash(ask: Any, scope: object) -> None:
    """403."""
    refused(ask(("GET", "/v1/assets"), of_company("auth", scope=scope)), 403, "forbidden")


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_another_tenant_finds_nothing_of_ours(ask: Any, route: tuple[str, str]) -> None:
    """404 for what is ours; what they store is theirs."""
    before = ask(("GET", "/v1/assets/{asset_id}"), ACME).json()
    others = {"company": uuid4().hex, "owner": uuid4().hex}

    answer = ask(route, OTHER, **({} if route[0] in {"GET", "DELETE"} else others))

    assert answer.status_code == ROUTES[route]
    assert before["id"] not in answer.text
    assert ask(("GET", "/v1/assets/{asset_id}"), ACME).json() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "bearer acme-key"},
        {"Authorization": "BEARER acme-key"},
        {"Authorization": "Bearer   acme-key  "},
        {"X-API-Key": "acme-key"},
        {"x-api-key": signed(tenant="acme")},
        bearer(signed(org_id="acme")),
        bearer(signed(company_id="acme")),
        bearer(signed(sub="acme")),
        bearer(signed(tenant="acme", org_id="o", company_id="c", sub="s", aud="anybody", iss="anybody")),
        bearer(signed(org_id="acme", company_id="c", sub="s")),
    ],
    ids=range(10),
)
def test_these_are_acme(ask: Any, headers: dict[str, str]) -> None:
    """Keys and tokens in every header and spelling; tenant before org_id before company_id."""
    assert ask(("GET", "/v1/assets/{asset_id}"), headers).status_code == 200


def test_a_token_that_ended_a_moment_ago_is_taken(ask: Any) -> None:
    """A minute of leeway."""
    assert ask(("GET", "/v1/assets/{asset_id}"), bearer(signed(tenant="acme", lasts=-10))).status_code == 200


def test_a_number_is_a_company_like_its_digits(ask: Any) -> None:
    """Tokens carry ids as numbers as often as not."""
    for claims in ({"company_id": 42}, {"company_id": "42"}):
        answer = ask(("PUT", "/v1/companies/{company}/logo"), bearer(signed(**claims)), company="42")

        assert answer.json()["public_id"].startswith("42/company_logos/company_42/")


def test_both_headers_at_once_are_read_as_authorization(ask: Any) -> None:
    """Authorization counts; X-API-Key is looked at where there is none."""
    route = ("GET", "/v1/assets/{asset_id}")

    assert ask(route, {**ACME, "X-API-Key": "garbage"}).status_code == 200
    assert ask(route, {**bearer("garbage"), "X-API-Key": "acme-key"}).status_code == 401


def test_an_administrators_token_is_its_tenants_only(ask: Any) -> None:
    """The scope `admin` opens all companies of the tenant, and no other tenant."""
    route = ("GET", "/v1/companies/{company}/logo")

    assert ask(route, of_company(1, scope="admin")).status_code == 200
    assert ask(route, of_company(1)).status_code == 403
    assert ask(route, bearer(signed(tenant="other", scope="admin"))).status_code == 404

"""Idempotency-Key: a retry stores nothing twice and is answered as the first request was."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import form, part, typed
from tests.api.refusals import keeps_nothing, nothing_held, nothing_kept, refused, rows
from tests.api.tokens import ACME, OTHER, READER
from tests.api.wire import send
from tests.conftest import files_below, make_png

ONE, TWO = make_png(noise=b"one"), make_png(noise=b"two")
LOGO = "/v1/companies/7/logo"


def post(client: TestClient, *files: bytes, key: str = "k1", path: str = "/v1/assets", **more: Any) -> Response:
    """Send a form under a key; `boundary` and headers may differ."""
    boundary, parts = more.pop("boundary", "first"), more.pop("parts", files)
    headers = {**typed(boundary), "idempotency-key": key, **more}
    return client.post(path, content=form(*parts, boundary=boundary), headers=headers)


def file(content: bytes = ONE, name: str = "a.png", field: str = "file") -> bytes:
    """A part with a file."""
    return part(field, content, name)


def test_a_retry_gives_the_first_answer(tenant_on: TestClient) -> None:
    """Status, body and Location again, and a header that says so; one asset."""
    first, second = post(tenant_on, file()), post(tenant_on, file())

    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.status_code == 201
    assert first.headers["location"] == second.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert len(tenant_on.get("/v1/assets").json()["items"]) == 1


@pytest.mark.parametrize(
    "again",
    [
        {"boundary": "another-one"},
        {"parts": [part("kind", "document"), file()]},
        {"parts": [file(), part("metadata", "{}")]},
        {"parts": [part("csrf", "fresh"), file()]},
        {"path": "/v1/assets?kind=document"},
        {"x-request-id": "another"},
    ],
    ids=["boundary", "order and default", "empty metadata", "an unknown field", "kind in the address", "request id"],
)
def test_the_same_request_said_otherwise_is_the_same(tenant_on: TestClient, again: dict[str, Any]) -> None:
    """What counts is what it means, not the bytes of its body."""
    first = post(tenant_on, file())

    second = post(tenant_on, **{"parts": [file()], **again})

    assert (second.status_code, second.json().get("id")) == (201, first.json()["id"])
    assert second.headers["idempotency-replayed"] == "true"


def test_metadata_in_another_order_is_the_same(tenant_on: TestClient) -> None:
    """JSON objects have no order."""
    first = post(tenant_on, file(), part("metadata", '{"a": 1, "b": {"c": 2, "d": 3}}'))
    second = post(tenant_on, file(), part("metadata", '{"b":{"d":3,"c":2},"a":1}'))

    assert second.json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    "other",
    [
        {"parts": [file(TWO)]},
        {"parts": [file(name="b.png")]},
        {"parts": [file(), file()]},
        {"parts": [file(), part("kind", "photo")]},
        {"parts": [file(), part("visibility", "public")]},
        {"parts": [file(), part("metadata", '{"a": 1}')]},
        {"path": LOGO},
        {"path": "/v1/slots/users/7/paper"},
    ],
    ids=["file", "name", "two files", "kind", "visibility", "metadata", "logo", "slot"],
)
def test_another_request_with_the_same_key_is_refused(tenant_on: TestClient, other: dict[str, Any]) -> None:
    """422, and nothing of it is kept; the first answer still stands."""
    first = post(tenant_on, file())
    with keeps_nothing(tenant_on.app.state.services):
        refused(post(tenant_on, **{"parts": [file()], **other}), 422, "idempotency_key_reused")

    assert post(tenant_on, file()).json() == first.json()


@pytest.mark.parametrize("path", ["/v1/companies/8/logo", "/v1/slots/company/7/banner", "/v1/assets?kind=logo"])
def test_another_slot_with_the_same_key_is_refused(tenant_on: TestClient, path: str) -> None:
    """A logo of another company is another request."""
    post(tenant_on, file(), path=LOGO)

    refused(post(tenant_on, file(), path=path), 422, "idempotency_key_reused")


def test_keys_of_tenants_are_their_own(acme_on: TestClient) -> None:
    """The same key and file, two tenants, two assets."""
    key = uuid4().hex

    first = post(acme_on, file(), key=key, **ACME)
    second = post(acme_on, file(), key=key, **OTHER)

    assert first.json()["id"] != second.json()["id"]
    assert "idempotency-replayed" not in second.headers


def test_another_key_stores_again(tenant_on: TestClient) -> None:
    """So does none."""
    answers = [post(tenant_on, file(), key="a"), post(tenant_on, file(), key="b"), post(tenant_on, file(), key="A")]
    answers += [tenant_on.post("/v1/assets", files={"file": ("a.png", ONE)}) for _ in range(2)]

    assert len({answer.json()["id"] for answer in answers}) == 5


def test_several_files_are_replayed_together(tenant_on: TestClient) -> None:
    """The same items in the same order; in another order it is another request."""
    first, second = post(tenant_on, file(ONE), file(TWO)), post(tenant_on, file(ONE), file(TWO))

    assert first.json() == second.json()
    refused(post(tenant_on, file(TWO), file(ONE)), 422, "idempotency_key_reused")


def test_a_replacement_is_replayed_as_one(tenant_on: TestClient) -> None:
    """200 again, the same slot; a later logo is not put back by it."""
    post(tenant_on, file(ONE, field="logo"), key="first", path=LOGO)
    second = post(tenant_on, file(TWO, field="logo"), key="second", path=LOGO)
    third = tenant_on.put(LOGO, files={"logo": ("c.png", ONE)})

    again = post(tenant_on, file(TWO, field="logo"), key="second", path=LOGO)

    assert (second.status_code, again.status_code) == (200, 200)
    assert again.json() == second.json()
    assert tenant_on.get(LOGO).json()["id"] == third.json()["id"]


def test_an_answer_outlives_its_asset(tenant_on: TestClient) -> None:
    """A retry after the deletion is answered as before, and stores nothing."""
    first = post(tenant_on, file())
    tenant_on.delete(f"/v1/assets/{first.json()['id']}")

    again = post(tenant_on, file())

    assert (again.status_code, again.json()) == (201, first.json())
    refused(tenant_on.get(f"/v1/assets/{first.json()['id']}"), 404, "not_found")


def test_an_answer_outlives_the_sweep(client: TestClient, services: Services) -> None:
    """Also when bytes and row are gone; the spool is empty after every replay."""
    first = post(client, file())
    client.delete(f"/v1/assets/{first.json()['id']}")
    client.portal.call(services.sweeper.sweep)

    assert post(client, file()).json() == first.json()
    nothing_kept(services)


def test_a_refused_request_leaves_its_key_free(tenant_on: TestClient) -> None:
    """A bad file under a key, then a good one: the good one is stored."""
    refused(post(tenant_on, file(b"\0\1\2")), 415, "unsupported_media_type")
    refused(post(tenant_on, file(), part("metadata", "{")), 400, "invalid_json")

    assert post(tenant_on, file()).status_code == 201


def test_a_failed_precondition_leaves_its_key_free(tenant_on: TestClient) -> None:
    """412, then the same request when the condition holds: it is stored."""
    tag = tenant_on.put(LOGO, files={"logo": ("a.png", TWO)}).headers["etag"]

    refused(post(tenant_on, file(), path=LOGO, **{"if-match": '"other"'}), 412, "precondition_failed")
    again = post(tenant_on, file(), path=LOGO, **{"if-match": tag})

    assert (again.status_code, again.headers.get("idempotency-replayed")) == (200, None)


def test_who_may_not_write_gets_no_replay(acme: TestClient) -> None:
    """A key for reading is refused before any claim is looked at."""
    key = uuid4().hex
    post(acme, file(), key=key)

    refused(post(acme, file(), key=key, **READER), 403, "forbidden")


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"a\tb", b"a\x01b", b"\x7f", b"\x85", b"\xa0"])
def test_a_key_that_is_none_is_refused(acme: TestClient, shared: Services, key: bytes) -> None:
    """1 to 255 printable characters."""
    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files={"file": ("a.png", ONE)}, headers={"Idempotency-Key": key})

        refused(answer, 400, "invalid_parameter")


@pytest.mark.parametrize("key", ["k" * 255, "a b", '"quoted"', "'; --", "%00", "é".encode().decode("latin-1")])
def test_any_other_key_is_a_key(tenant_on: TestClient, key: str) -> None:
    """Stored once under each."""
    headers = {"Idempotency-Key": key.encode("latin-1")}
    answers = [tenant_on.post("/v1/assets", files={"file": ("a.png", ONE)}, headers=headers) for _ in range(2)]

    assert answers[0].json()["id"] == answers[1].json()["id"]


@pytest.mark.anyio
@pytest.mark.parametrize(("path", "more"), [("/v1/assets", 0), (LOGO, 300_000)], ids=["asset", "large logo"])
async def test_twenty_at_once_store_one(app_on: FastAPI, services_on: Services, path: str, more: int) -> None:
    """One id for all, one row, one file, whoever was first."""
    headers = {"idempotency-key": "at-once", **typed("x")}
    body = form(file(ONE + bytes(more)), boundary="x")

    answers = await asyncio.gather(*[send(app_on, [body], path=path, headers=headers) for _ in range(20)])

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert (rows(services_on), len(files_below(services_on)), rows(services_on, "claims")) == (1, 1, 1)
    nothing_held(services_on)


@pytest.mark.anyio
async def test_two_requests_with_one_key_at_once(app_on: FastAPI, services_on: Services) -> None:
    """Ten of each: one file is stored and its ten agree, the others are refused."""
    headers = {"idempotency-key": "at-once", **typed("x")}
    bodies = [form(file(content), boundary="x") for content in (ONE, TWO)]

    answers = await asyncio.gather(*[send(app_on, [bodies[n % 2]], headers=headers) for n in range(20)])

    stored = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
    assert (len(stored), rows(services_on), len(files_below(services_on))) == (1, 1, 1)

"""ETag and If-Match of a logo: nobody overwrites what they haven't seen."""

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.refusals import nothing_kept, refused
from tests.conftest import make_png

LOGO = "/v1/companies/7/logo"
ONE, TWO, THREE = (make_png(noise=noise) for noise in (b"one", b"two", b"three"))


def put(client: TestClient, content: bytes, if_match: str | None = None):
    """Set the logo, if it is what we think."""
    headers = {} if if_match is None else {"If-Match": if_match}
    return client.post(LOGO, files={"logo": ("a.png", content)}, headers=headers)


def test_the_etag_changes_with_the_asset(tenant_on: TestClient) -> None:
    """GET and POST give the same strong tag; another asset, even of the same bytes, another tag."""
    first = put(tenant_on, ONE)
    shown = tenant_on.get(LOGO)
    second = put(tenant_on, ONE)

    assert shown.headers["etag"] == first.headers["etag"] != second.headers["etag"]
    assert shown.headers["etag"].startswith('"')
    assert "no-cache" in shown.headers["cache-control"]


def test_the_right_tag_replaces(tenant_on: TestClient) -> None:
    """Alone, in a list, or `*`."""
    tag = put(tenant_on, ONE).headers["etag"]

    second = put(tenant_on, TWO, tag)
    third = put(tenant_on, THREE, f'"other", {second.headers["etag"]} , "another"')
    fourth = put(tenant_on, ONE, "*")

    assert [second.status_code, third.status_code, fourth.status_code] == [200, 200, 200]


@pytest.mark.parametrize("tag", ['"other"', "other", "", '""', ",", '"*"'])
def test_a_wrong_tag_changes_nothing(tenant_on: TestClient, tag: str) -> None:
    """412 for replacing and for deleting; the logo stays, and no other asset is seen."""
    old = put(tenant_on, ONE).json()

    refused(put(tenant_on, TWO, tag), 412, "precondition_failed")
    refused(tenant_on.delete(LOGO, headers={"If-Match": tag}), 412, "precondition_failed")

    assert tenant_on.get(LOGO).json() == old
    assert [item["id"] for item in tenant_on.get("/v1/assets").json()["items"]] == [old["id"]]


def test_an_old_tag_is_a_wrong_one(tenant_on: TestClient) -> None:
    """The second of two who have seen the same logo gets 412."""
    tag = put(tenant_on, ONE).headers["etag"]
    winner = put(tenant_on, TWO, tag).json()

    refused(put(tenant_on, THREE, tag), 412, "precondition_failed")

    assert tenant_on.get(LOGO).json()["id"] == winner["id"]


@pytest.mark.parametrize("tag", ["*", '"01a1fe56-6c38-7226-99df-e72aefb3b6b7"'])
def test_an_empty_slot_matches_nothing(tenant_on: TestClient, tag: str) -> None:
    """Neither a slot that never was nor one that was emptied matches, not even `*`."""
    refused(put(tenant_on, ONE, tag), 412, "precondition_failed")
    put(tenant_on, ONE)
    tenant_on.delete(LOGO)
    refused(put(tenant_on, ONE, tag), 412, "precondition_failed")

    refused(tenant_on.get(LOGO), 404, "not_found")


def test_the_right_tag_deletes(tenant_on: TestClient) -> None:
    """204."""
    tag = put(tenant_on, ONE).headers["etag"]

    assert tenant_on.delete(LOGO, headers={"If-Match": tag}).status_code == 204


def test_what_a_precondition_refused_is_gone_after_the_sweep(client: TestClient, services: Services) -> None:
    """Neither row nor bytes stay."""
    refused(put(client, ONE, '"other"'), 412, "precondition_failed")

    client.portal.call(services.sweeper.sweep)

    nothing_kept(services)

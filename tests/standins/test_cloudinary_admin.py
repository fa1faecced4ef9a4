"""The Cloudinary stand-in's Admin API: who may, what it lists, and five hundred calls an hour."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import cloudinary.api
import cloudinary.exceptions
import cloudinary.uploader
import pytest

from tests.conftest import make_png
from tests.standins.cloudinary.callers import client, get, message, opened, send
from tests.standins.cloudinary.cloud import Account, Cloud

LISTED = {
    *("asset_id", "public_id", "version", "resource_type", "type", "created_at", "bytes", "url", "secure_url"),
    *("asset_folder", "display_name"),
}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    """A Cloudinary of our own."""
    with opened() as cloud:
        yield cloud


def pages(cloud: Cloud, size: int, **options: object) -> list[list[str]]:
    """The names on every page of a list."""
    found, cursor = [], {}
    while True:
        page = cloudinary.api.resources(max_results=size, **cloud.options, **options, **cursor)
        found.append([asset["public_id"] for asset in page["resources"]])
        if "next_cursor" not in page:
            return found
        cursor = {"next_cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"api_secret": "another"}, "api_secret mismatch"),
        ({"api_key": "999"}, "unknown api_key"),
        ({"cloud_name": "elsewhere"}, "cloud_name mismatch"),
    ],
)
def test_strangers_are_refused(cloud, changed, why):
    """401 for a wrong secret, key or cloud; such calls don't count."""
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired, match=why):
        cloudinary.api.ping(**cloud.options | changed)
    assert cloud.admin_calls == 0


@pytest.mark.parametrize("authorization", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}])
def test_no_credentials_are_refused(cloud, authorization):
    """401, and it is said what is wanted."""
    answer = get(f"{cloud.url}/v1_1/{cloud.cloud_name}/ping", **authorization)

    assert answer.status_code == 401
    assert message(answer) in {"Missing authorization", "Invalid credentials"}


def test_ping_answers_ok(cloud):
    """And says what is left of the hour."""
    before = time.time()
    answer = cloudinary.api.ping(**cloud.options)

    reset = datetime(*answer.rate_limit_reset_at[:6], tzinfo=UTC).timestamp()
    assert (answer["status"], answer.rate_limit_allowed, answer.rate_limit_remaining) == ("ok", 500, 499)
    assert before < reset <= before + 3610
    assert answer.request_id


def test_usage_names_the_limits(cloud):
    """Those of the account, the plan, and what is stored."""
    cloud.account.raw_limit = 123
    cloud.fill(["a", "b"], b"12345")

    usage = cloudinary.api.usage(**cloud.options)

    assert usage["media_limits"] == {
        "image_max_size_bytes": 10_485_760,
        "video_max_size_bytes": 104_857_600,
        "raw_max_size_bytes": 123,
        "image_max_px": 25_000_000,
        "asset_max_total_px": 50_000_000,
    }
    assert (usage["plan"], usage["credits"]["limit"], usage["resources"]) == ("Free", 25.0, 2)
    assert usage["storage"]["usage"] == 10


def test_config_tells_the_folder_mode(cloud):
    """If it is asked for."""
    assert cloudinary.api.config(settings=True, **cloud.options)["settings"] == {"folder_mode": "dynamic"}
    assert "settings" not in cloudinary.api.config(**cloud.options)


def test_one_asset_is_shown(cloud):
    """With its etag; what isn't there is a 404 with the vendor's words."""
    stored = send(cloud, make_png(), "image/upload", public_id="a/é 1", tags="t").json()

    shown = cloudinary.api.resource("a/é 1", **cloud.options)

    assert set(shown) >= LISTED
    assert {name: shown[name] for name in LISTED} == {name: stored[name] for name in LISTED}
    assert (shown["etag"], shown["tags"], shown["width"]) == (stored["etag"], ["t"], 8)
    for wrong in ({"resource_type": "raw"}, {"type": "private"}):
        with pytest.raises(cloudinary.exceptions.NotFound, match="Error 404 - Resource not found - a/é 1"):
            cloudinary.api.resource("a/é 1", **cloud.options, **wrong)


def test_a_list_has_no_etags(cloud):
    """Nor signatures: whoever needs them asks for one asset."""
    send(cloud, b"bytes", public_id="x").raise_for_status()

    (asset,) = cloudinary.api.resources(resource_type="raw", **cloud.options)["resources"]

    assert set(asset) == LISTED


def test_pages_are_complete_and_in_order(cloud):
    """1,234 assets, newest first, on pages of 500; ten if nothing is said."""
    names = [f"n/{number:04}" for number in range(1234)]
    cloud.fill(names)

    found = pages(cloud, 500, resource_type="raw", type="upload")

    assert [len(page) for page in found] == [500, 500, 234]
    assert [name for page in found for name in page] == names[::-1]
    oldest_first = pages(cloud, 500, resource_type="raw", direction="asc")
    assert [name for page in oldest_first for name in page] == names
    assert len(cloudinary.api.resources(resource_type="raw", **cloud.options)["resources"]) == 10


def test_a_last_page_that_is_full_is_the_last(cloud):
    """No cursor leads to an empty page."""
    cloud.fill(f"{number}" for number in range(20))

    assert [len(page) for page in pages(cloud, 10, resource_type="raw")] == [10, 10]


def test_pages_survive_changes(cloud):
    """What is destroyed or added meanwhile moves nothing: the rest is listed once."""
    cloud.fill(f"{number:02}" for number in range(20))
    options = {**cloud.options, "resource_type": "raw"}
    first = cloudinary.api.resources(max_results=10, **options)

    for asset in first["resources"]:
        cloudinary.uploader.destroy(asset["public_id"], **options)
    cloud.fill(["99"])
    second = cloudinary.api.resources(max_results=10, next_cursor=first["next_cursor"], **options)

    assert [asset["public_id"] for asset in second["resources"]] == [f"{number:02}" for number in range(9, -1, -1)]


def test_a_cursor_that_is_forgotten_is_refused(cloud):
    """As one of nobody's; later ones are good."""
    cloud.fill(f"{number:02}" for number in range(20))
    options = cloud.options | {"resource_type": "raw"}
    old = cloudinary.api.resources(**options)["next_cursor"]
    cloud.forget_cursors()
    with pytest.raises(cloudinary.exceptions.BadRequest, match="next_cursor"):
        cloudinary.api.resources(next_cursor=old, **options)
    assert [len(page) for page in pages(cloud, 10, resource_type="raw")] == [10, 10]


def test_lists_are_by_type_and_prefix(cloud):
    """Resource type, type, the beginning of the name, names, the folder."""
    cloud.fill(["acme/1", "acme/2", "other/1"])
    cloud.fill(["acme/1"], kind="private")
    send(cloud, make_png(), "image/upload", public_id="acme/1", asset_folder="logos").raise_for_status()

    assert pages(cloud, 500) == [["acme/1"]]
    assert pages(cloud, 500, resource_type="raw") == [["acme/1", "other/1", "acme/2", "acme/1"]]
    assert pages(cloud, 500, resource_type="raw", type="upload", prefix="acme/") == [["acme/2", "acme/1"]]
    assert pages(cloud, 500, resource_type="video") == [[]]
    names = cloudinary.api.resources_by_ids(["other/1", "gone"], resource_type="raw", **cloud.options)
    folder = cloudinary.api.resources_by_asset_folder("logos", **cloud.options)
    assert [asset["public_id"] for asset in names["resources"]] == ["other/1"]
    assert [asset["resource_type"] for asset in folder["resources"]] == ["image"]


@pytest.mark.parametrize("wrong", [{"max_results": 501}, {"max_results": "x"}, {"next_cursor": "x"}, {"prefix": "a"}])
def test_a_list_that_makes_no_sense_is_refused(cloud, wrong):
    """400: too large a page, a cursor of nobody, a prefix without a type."""
    with pytest.raises(cloudinary.exceptions.BadRequest):
        cloudinary.api.resources(**cloud.options, **wrong)


def test_several_are_deleted(cloud):
    """By name, with a JSON body, and the connection goes on; what isn't there is `not_found`."""
    cloud.fill(["a", "b", "c"])
    options = {**cloud.options, "resource_type": "raw"}

    answer = cloudinary.api.delete_resources(["a", "b", "x"], **options)

    assert answer["deleted"] == {"a": "deleted", "b": "deleted", "x": "not_found"}
    assert answer["deleted_counts"]["a"] == {"original": 1, "derived": 0}
    assert [key[2] for key in cloud.assets] == ["c"]
    assert cloudinary.api.ping(**options)["status"] == "ok"
    assert len({call.connection for call in cloud.calls}) == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", json.dumps({"public_ids": ["x"] * 101}).encode()])
def test_a_deletion_that_makes_no_sense_is_refused(cloud, body):
    """400: no names, or more than a hundred."""
    key = base64.b64encode(f"{cloud.api_key}:{cloud.api_secret}".encode()).decode()
    url = f"{cloud.url}/v1_1/{cloud.cloud_name}/resources/raw/upload"

    with client() as caller:
        answer = caller.request("DELETE", url, content=body, headers={"Authorization": f"Basic {key}"})

    assert answer.status_code == 400


def test_there_are_500_calls_an_hour():
    """Each one counts, answered or refused; then 420 until the next hour. Uploads don't count."""
    with opened(Account(admin_limit=5)) as cloud:
        cloud.advance(3601 - time.time() % 3600)  # the next hour has just begun
        for _ in range(4):
            cloudinary.api.ping(**cloud.options)
        with pytest.raises(cloudinary.exceptions.NotFound):
            cloudinary.api.resource("x", **cloud.options)

        with pytest.raises(
            cloudinary.exceptions.RateLimited, match=r"Limit of 5 api operations reached\. Try again on"
        ):
            cloudinary.api.usage(**cloud.options)

        assert (cloud.calls[-1].status, cloud.admin_calls) == (420, 6)
        cloud.advance(3600)
        assert cloudinary.api.ping(**cloud.options).rate_limit_remaining == 4


def test_uploads_do_not_count(cloud):
    """Nor destroys, downloads and delivery."""
    send(cloud, b"bytes", public_id="x").raise_for_status()
    cloudinary.uploader.destroy("x", **cloud.options)

    assert cloud.admin_calls == 0


@pytest.mark.parametrize("path", ["nowhere", "resources/sound", "resources/search", "tags/image"])
def test_what_it_does_not_do_it_says(cloud, path):
    """404."""
    with pytest.raises(cloudinary.exceptions.NotFound, match="The stand-in does not do: GET"):
        cloudinary.api.call_json_api("get", path.split("/"), {}, **cloud.options)

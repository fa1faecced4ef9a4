"""Changing an asset: its name, who may see it, its metadata; never its bytes."""

import json

import pytest
from starlette.testclient import TestClient

from tests.api.refusals import refused

JSON = {"Content-Type": "application/json"}
BAD_BODIES = {
    "empty": (b"", "invalid_json"),
    "no JSON": (b"filename=x", "invalid_json"),
    "not UTF-8": (b'{"filename": "\xff"}', "invalid_json"),
    "a list": (b"[]", "invalid_json"),
    "null": (b"null", "invalid_json"),
    "NaN": (b'{"metadata": {"a": NaN}}', "invalid_json"),
    "1e999": (b'{"metadata": {"a": 1e999}}', "invalid_json"),
    "a zero byte": (rb'{"filename": "a\u0000b"}', "invalid_json"),
    "a lone surrogate": (rb'{"filename": "\ud800"}', "invalid_json"),
    "deeply nested": (b'{"metadata": {"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}}", "invalid_json"),
    "nothing to change": (b"{}", "invalid_field"),
    "an unknown member": (b'{"filename": "a", "size": 1}', "invalid_field"),
    "the id": (b'{"id": "01a1fe56-6c38-7226-99df-e72aefb3b6b7"}', "invalid_field"),
    "the kind": (b'{"kind": "photo"}', "invalid_field"),
    "a null name": (b'{"filename": null}', "invalid_field"),
    "null metadata": (b'{"filename": "a", "metadata": null}', "invalid_field"),
    "a null visibility": (b'{"visibility": null}', "invalid_field"),
    "a number for a name": (b'{"filename": 7}', "invalid_field"),
    "a list for metadata": (b'{"metadata": []}', "invalid_field"),
    "a text for metadata": (b'{"metadata": "{}"}', "invalid_field"),
    "another visibility": (b'{"visibility": "secret"}', "invalid_field"),
    "true for a visibility": (b'{"visibility": true}', "invalid_field"),
}


@pytest.fixture
def stored(acme_on: TestClient, png: bytes) -> dict[str, object]:
    """A document, private and without metadata."""
    shown: dict[str, object] = acme_on.post("/v1/assets", files={"file": ("a.png", png)}).json()
    return shown


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "другое имя 😀.png"},
        {"visibility": "public"},
        {"metadata": {"alt": "A blue square", "tags": ["a", None]}},
        {"metadata": {}},
        {"filename": "b.png", "visibility": "public", "metadata": {"a": 1}},
    ],
)
def test_what_is_sent_changes_and_the_rest_stays(
    acme_on: TestClient, stored: dict[str, object], change: dict[str, object]
) -> None:
    """200 and the asset as it is now; a later read says the same."""
    answer = acme_on.patch(f"/v1/assets/{stored['id']}", json=change)
    unchanged = {name: value for name, value in stored.items() if name not in {*change, "url", "permalink"}}

    assert answer.status_code == 200
    assert answer.json().items() >= change.items()
    assert {name: answer.json()[name] for name in unchanged} == unchanged
    assert acme_on.get(f"/v1/assets/{stored['id']}").json() == answer.json()


def test_metadata_is_replaced_as_a_whole(acme_on: TestClient, stored: dict[str, object]) -> None:
    """It is not merged."""
    for metadata in ({"a": 1, "b": 2}, {"c": 3}):
        shown = acme_on.patch(f"/v1/assets/{stored['id']}", json={"metadata": metadata}).json()

    assert shown["metadata"] == {"c": 3}


def test_the_visibility_counts_at_once(acme_on: TestClient, stored: dict[str, object], png: bytes) -> None:
    """Strangers see a file from when it is public until it is private again."""
    address, nobody = f"/f/{stored['id']}/a.png", {"Authorization": ""}

    seen = [acme_on.get(address, headers=nobody).status_code]
    for visibility in ("public", "private"):
        acme_on.patch(f"/v1/assets/{stored['id']}", json={"visibility": visibility})
        seen.append(acme_on.get(address, headers=nobody).status_code)

    assert seen == [404, 200, 404]


def test_a_new_name_is_the_downloads_name(acme_on: TestClient, stored: dict[str, object]) -> None:
    """In the permalink and in Content-Disposition; the old permalink still leads to the bytes."""
    shown = acme_on.patch(f"/v1/assets/{stored['id']}", json={"filename": "new.png"}).json()

    answer = acme_on.get(shown["permalink"].removeprefix("http://stowage.test"))
    assert shown["permalink"].endswith("/new.png")
    assert 'filename="new.png"' in answer.headers["content-disposition"]
    assert acme_on.get(str(stored["permalink"]).removeprefix("http://stowage.test")).content == answer.content


def test_a_new_name_is_cleaned_like_any_other(acme_on: TestClient, stored: dict[str, object]) -> None:
    """No path, no control characters, no direction overrides, 255 bytes at most."""
    names = {"../../etc/passwd": "passwd", "a\r\nb\u202e.png": "ab.png", "": "file", "x" * 999: "x" * 255}

    kept = {
        name: acme_on.patch(f"/v1/assets/{stored['id']}", json={"filename": name}).json()["filename"] for name in names
    }

    assert kept == names


@pytest.mark.parametrize(("body", "code"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_what_makes_no_sense_is_refused(acme: TestClient, png: bytes, body: bytes, code: str) -> None:
    """400 with the code that fits; the asset stays as it was."""
    stored = acme.post("/v1/assets", files={"file": ("a.png", png)}).json()

    refused(acme.patch(f"/v1/assets/{stored['id']}", content=body, headers=JSON), 400, code)

    assert acme.get(f"/v1/assets/{stored['id']}").json() == stored


@pytest.mark.parametrize("depth", [100, 240, 260, 500, 900, 940, 1000])
def test_nested_metadata_is_changed_or_refused(acme_on: TestClient, stored: dict[str, object], depth: int) -> None:
    """At no depth is it a crash."""
    body = f'{{"metadata": {{"a": {"[" * depth}{"]" * depth}}}}}'

    answer = acme_on.patch(f"/v1/assets/{stored['id']}", content=body)

    assert (answer.status_code, answer.json().get("code")) in {(200, None), (400, "invalid_json")}


def test_a_change_has_a_limit(acme_on: TestClient, stored: dict[str, object]) -> None:
    """413 beyond 128 KiB, without reading on."""
    body = json.dumps({"metadata": {"a": "x" * 128 * 1024}})

    refused(acme_on.patch(f"/v1/assets/{stored['id']}", content=body), 413, "form_too_large")


def test_metadata_has_the_same_limit_as_when_it_is_stored(acme_on: TestClient, stored: dict[str, object]) -> None:
    """What an upload may not say, a change may not either."""
    metadata = {"a": "x" * 70_000}

    answer = acme_on.patch(f"/v1/assets/{stored['id']}", json={"metadata": metadata})

    assert refused(answer, 400, "invalid_field")["limit"] == 64 * 1024


def test_bytes_cannot_be_put(acme_on: TestClient, stored: dict[str, object], png: bytes) -> None:
    """An asset is immutable: PUT on it is a 405."""
    refused(acme_on.put(f"/v1/assets/{stored['id']}", content=png), 405, "method_not_allowed")

"""The fields around a file: kind, visibility, metadata."""

import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import part, post
from tests.api.refusals import keeps_nothing, refused

KINDS = [("logo", "public"), ("photo", "public"), ("document", "private"), ("file", "private")]
WAYS: dict[str, Callable[[str, bytes], tuple[str, list[bytes]]]] = {
    "address": lambda kind, png: (f"/v1/assets?kind={kind}", [part("file", png, "a.png")]),
    "before": lambda kind, png: ("/v1/assets", [part("kind", kind), part("file", png, "a.png")]),
    "after": lambda kind, png: ("/v1/assets", [part("file", png, "a.png"), part("kind", kind)]),
}
NOT_JSON = {
    "empty object cut": "{",
    "two values": "{} {}",
    "single quotes": "{'a': 1}",
    "a word": "nonsense",
    "a byte order mark": "\ufeff{}",
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": Infinity}',
    "-Infinity": '{"a": [-Infinity]}',
    "1e999": '{"a": 1e999}',
    "-1e999": '{"a": {"b": -1e999}}',
    "a number of 5,000 digits": f'{{"a": {"9" * 5000}}}',
    "a zero byte": r'{"a": "x\u0000y"}',
    "a zero byte in a name": r'{"\u0000": 1}',
    "a zero byte after a backslash": r'{"a": "\\\u0000"}',
    "a raw zero byte": '{"a": "\0"}',
    "a lone high surrogate": r'{"a": "\ud800"}',
    "a lone low surrogate": r'{"a": ["\udfff"]}',
    "a lone surrogate in a name": r'{"\ud800": 1}',
    "a list": "[1, 2]",
    "a text": '"text"',
    "a number": "7",
    "null": "null",
    "true": "true",
    "nested too deeply": f'{{"a": {"[" * 20_000}{"]" * 20_000}}}',
}
GOOD = {
    "nothing": {},
    "unicode": {"ключ": "é 😀 \u202e \x7f"},
    "numbers": {"int": 2**70, "float": 0.1, "small": -1.5e-300, "zero": 0},
    "nested": {"a": {"b": [1, [2, {"c": None}], True, ""]}},
    "an escaped escape": {"a": "\\u0000", "b": "\\\\u0000"},
    "SQL": {"'; DROP TABLE assets; --": "%s %(x)s :y $1"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "visibility"), KINDS)
def test_the_kind_may_come_from_anywhere(acme: TestClient, png: bytes, way: str, kind: str, visibility: str) -> None:
    """In the address, in a field before the file or after it; each kind has its own visibility."""
    path, parts = WAYS[way](kind, png)

    shown = post(acme, *parts, path=path).json()

    assert (shown["kind"], shown["visibility"]) == (kind, visibility)
    assert shown["public_id"].startswith(f"acme/{kind}/")


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_kind_is_refused(acme: TestClient, shared: Services, png: bytes, way: str) -> None:
    """The answer names the kinds there are."""
    path, parts = WAYS[way]("video", png)

    with keeps_nothing(shared):
        body = refused(post(acme, *parts, path=path), 400, "unknown_kind")

        assert body["allowed"] == ["logo", "photo", "document", "file"]


@pytest.mark.parametrize("kind", ["", "LOGO", " logo", "lo\tgo", "*"])
def test_a_kind_is_taken_word_for_word(acme: TestClient, shared: Services, png: bytes, kind: str) -> None:
    """No trimming, no other case, and an empty one in the address is none."""
    with keeps_nothing(shared):
        refused(acme.post("/v1/assets", params={"kind": kind}, files={"file": ("a.png", png)}), 400, "unknown_kind")


@pytest.mark.parametrize("way", WAYS)
def test_the_policy_of_the_kind_decides(acme: TestClient, shared: Services, pdf: bytes, way: str) -> None:
    """A PDF is no photo, however late the kind is told."""
    path, parts = WAYS[way]("photo", pdf)

    with keeps_nothing(shared):
        body = refused(post(acme, *parts, path=path), 415, "unsupported_media_type")

        assert body["found"] == "application/pdf"
        assert "application/pdf" not in body["allowed"]


@pytest.mark.parametrize("content", [b"\0\1\2", b"<html>", b"<svg/>", b"MZ\x90\0", b"%!PS"])
def test_the_kind_file_takes_anything(acme: TestClient, content: bytes) -> None:
    """Anything at all, private, byte for byte."""
    shown = acme.post("/v1/assets?kind=file", files={"file": ("a.bin", content)}).json()

    assert (shown["kind"], shown["visibility"], shown["size"]) == ("file", "private", len(content))
    assert acme.get(f"/f/{shown['id']}/a.bin").content == content


@pytest.mark.parametrize("visibility", ["public", "private"])
@pytest.mark.parametrize("kind", ["photo", "document"])
def test_the_visibility_can_be_chosen(acme: TestClient, png: bytes, kind: str, visibility: str) -> None:
    """Against the kind's own, both ways."""
    fields = {"kind": kind, "visibility": visibility}

    shown = acme.post("/v1/assets", files={"file": ("a.png", png)}, data=fields).json()

    assert shown["visibility"] == visibility


@pytest.mark.parametrize("visibility", ["secret", "Public", "public ", "true", "null"])
def test_another_visibility_is_refused(acme: TestClient, shared: Services, png: bytes, visibility: str) -> None:
    """Nothing is guessed about who may see a file."""
    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files={"file": ("a.png", png)}, data={"visibility": visibility})

        assert refused(answer, 400, "invalid_field")["allowed"] == ["public", "private"]


@pytest.mark.parametrize("metadata", GOOD.values(), ids=GOOD)
def test_metadata_comes_back_as_it_was(acme_on: TestClient, png: bytes, metadata: dict[str, object]) -> None:
    """In the answer, and from the database."""
    fields = {"metadata": json.dumps(metadata)}

    shown = acme_on.post("/v1/assets", files={"file": ("a.png", png)}, data=fields).json()

    assert shown["metadata"] == metadata
    assert acme_on.get(f"/v1/assets/{shown['id']}").json()["metadata"] == metadata


@pytest.mark.parametrize("metadata", NOT_JSON.values(), ids=NOT_JSON)
def test_metadata_that_is_no_plain_object_is_refused(
    acme: TestClient, shared: Services, png: bytes, metadata: str
) -> None:
    """Strict JSON, an object, and nothing that a database could not keep."""
    with keeps_nothing(shared):
        answer = post(acme, part("metadata", metadata), part("file", png, "a.png"))

        refused(answer, 400, "invalid_json")


@pytest.mark.parametrize("depth", [50, 200, 320, 400, 600, 800, 900, 940, 1000, 3000, 30_000])
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "deep"}], ids=["", "with a key"])
def test_nested_metadata_is_kept_or_refused(
    tenant_on: TestClient, png: bytes, depth: int, headers: dict[str, str]
) -> None:
    """At no depth is it a crash."""
    fields = {"metadata": f'{{"a": {"[" * depth}{"]" * depth}}}'}

    answer = tenant_on.post("/v1/assets", files={"file": ("a.png", png)}, data=fields, headers=headers)

    assert (answer.status_code, answer.json().get("code")) in {(201, None), (400, "invalid_json")}


def test_metadata_has_a_limit(acme: TestClient, shared: Services, png: bytes) -> None:
    """At 64 Ki characters it is taken, one more is too many."""
    longest = '{"a": "' + "é" * (64 * 1024 - 9) + '"}'

    answer = acme.post("/v1/assets", files={"file": ("a.png", png)}, data={"metadata": longest})

    assert answer.status_code == 201
    with keeps_nothing(shared):
        answer = acme.post("/v1/assets", files={"file": ("a.png", png)}, data={"metadata": f"{longest} "})
        assert refused(answer, 400, "invalid_field")["limit"] == 64 * 1024


def test_a_field_that_is_not_utf_8_is_refused(acme: TestClient, shared: Services, png: bytes) -> None:
    """The sentence names the field."""
    with keeps_nothing(shared):
        body = refused(post(acme, part("file", png, "a.png"), part("metadata", b'{"a": "\xff"}')), 400, "invalid_field")

        assert "`metadata`" in body["detail"]


def test_fields_that_nobody_knows_are_ignored(acme: TestClient, png: bytes) -> None:
    """Forms of frontends carry more than we ask for."""
    answer = post(acme, part("csrf", "x"), part("file", png, "a.png"), part("submit", "Send"), part("", "unnamed"))

    assert answer.status_code == 201

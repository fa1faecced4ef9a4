"""The OpenAPI document: valid, complete, and not shown to strangers in production."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.errors import every_error
from tests.api.refusals import refused
from tests.api.running import running

UPLOADS = {
    ("post", "/v1/assets"): "file",
    **{(method, "/v1/slots/{scope}/{owner}/{name}"): "file" for method in ("post", "put")},
    **{(method, "/v1/companies/{company}/logo"): "logo" for method in ("post", "put")},
    **{(method, "/api/companies/{company}/logo"): "logo" for method in ("post", "put")},
}


@pytest.fixture(scope="module")
def document(on_sqlite: TestClient) -> dict[str, Any]:
    """The document as clients get it."""
    shown: dict[str, Any] = on_sqlite.get("/openapi.json", headers={"Authorization": ""}).json()
    return shown


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every call: method, path, and what is said of it."""
    for path, calls in document["paths"].items():
        for method, operation in calls.items():
            yield method, path, operation


def references(value: Any) -> Iterator[str]:
    """Every `$ref` below a value."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """Within the document, to a schema."""
    for reference in references(document):
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]

        assert reference.startswith("#/components/schemas/")
        assert isinstance(target, dict)


def test_every_call_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Generated clients make methods of them."""
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_every_call_is_described(document: dict[str, Any]) -> None:
    """A summary, a description, a tag, an answer of success."""
    for method, path, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)
        assert any(status.startswith("2") for status in operation["responses"]), (method, path)


def test_every_name_in_a_path_is_a_parameter(document: dict[str, Any]) -> None:
    """Otherwise the document is not valid."""
    import re

    for method, path, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}

        assert declared == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_every_door_for_uploads_takes_a_form(document: dict[str, Any]) -> None:
    """With a required file in its field."""
    for (method, path), field in UPLOADS.items():
        body = document["paths"][path][method]["requestBody"]
        schema = body["content"]["multipart/form-data"]["schema"]

        assert body["required"] is True
        assert schema["properties"][field] == {"type": "string", "format": "binary"}
        assert field in schema["required"]


def test_no_other_call_takes_a_form(document: dict[str, Any]) -> None:
    """What isn't in the table above has no multipart body."""
    with_body = {
        (method, path)
        for method, path, operation in operations(document)
        if "multipart/form-data" in operation.get("requestBody", {}).get("content", {})
    }

    assert with_body == set(UPLOADS)


def test_every_refusal_is_a_problem(document: dict[str, Any]) -> None:
    """Their codes are those of `errors.py`; nothing is documented that we never answer."""
    import re

    codes = {error.code for error in every_error()}
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status[0] in "45" and path != "/readyz":
                assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
                assert set(re.findall(r"`([a-z_]+)`: ", answer["description"])) <= codes


def test_the_schema_of_a_problem_is_what_is_sent(document: dict[str, Any], acme: TestClient) -> None:
    """Every member that is required is there."""
    schema = document["components"]["schemas"]["Problem"]

    assert set(schema["required"]) <= set(acme.get("/v1/assets/x").json())


@pytest.mark.parametrize("path", ["/f/{asset_id}/{filename}", "/f/s/{slot_id}/{name}"])
def test_the_document_tells_how_bytes_come(document: dict[str, Any], path: str) -> None:
    """As a whole, as a range, or not at all, of any type."""
    answers = document["paths"][path]["get"]["responses"]

    assert {"200", "206", "304", "404", "416"} <= set(answers)
    assert [list(answers[status].get("content", {})) for status in ("200", "206", "304")] == [["*/*"], ["*/*"], []]


def test_the_document_says_how_to_authorize(document: dict[str, Any]) -> None:
    """So that /docs has a button to enter a key, and generated clients send it."""
    assert document["components"]["securitySchemes"]


def test_the_document_tells_nothing_of_the_machine(document: dict[str, Any], on_sqlite: TestClient) -> None:
    """No path, no key."""
    text = json.dumps(document)

    assert str(on_sqlite.app.state.services.settings.storage.data_dir) not in text
    assert "acme" not in text


def test_docs_are_shown_in_development(stranger: TestClient) -> None:
    """A page at /docs."""
    answer = stranger.get("/docs")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(("shown", "status"), [(False, 404), (True, 200)])
def test_in_production_they_are_hidden(tmp_path_factory: pytest.TempPathFactory, *, shown: bool, status: int) -> None:
    """404 as for any unknown address, unless ENABLE_SWAGGER_PROD says otherwise."""
    folder = tmp_path_factory.mktemp("production")
    with running(folder, environment="production", swagger_in_production=shown) as client:
        answers = [client.get(path) for path in ("/docs", "/openapi.json", "/redoc")]

    assert [answer.status_code for answer in answers] == [status] * 3
    if not shown:
        for answer in answers:
            refused(answer, 404, "not_found")

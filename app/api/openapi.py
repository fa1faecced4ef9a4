"""What the OpenAPI document can't know from the routes: the shape of refusals, and how callers are told."""

from collections.abc import Callable
from typing import Any

from app.api.schemas import Problem

KEY_OR_TOKEN: list[dict[str, list[str]]] = [{"token": []}, {"key": []}]
SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API key or a JSON Web Token."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def completed(describe: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """The framework's `openapi` -> one whose document is whole."""

    def openapi() -> dict[str, Any]:
        document = describe()
        components = document.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = Problem.model_json_schema()
        components["securitySchemes"] = SCHEMES
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = _security(path, operation["tags"])
        return document

    return openapi


def _security(path: str, tags: list[str]) -> list[dict[str, list[str]]]:
    """Health is for everybody; public files too, private ones are not."""
    if "health" in tags:
        return []
    return [{}, *KEY_OR_TOKEN] if path.startswith("/f/") else KEY_OR_TOKEN

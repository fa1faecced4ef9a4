"""The layout rules of docs/design.md, as tests."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.api import problems
from app.main import create_app
from app.services import Services

ROOT = Path(__file__).parents[1]
LONGEST_FILE, LONGEST_FUNCTION = 250, 25  # lines
SOURCES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("alembic/**/*.py")])
WITHOUT_REFUSALS = {"/healthz", "/health", "/api/health", "/readyz"}
SDKS = {
    "boto3": "tests alone",
    "botocore": "app/storage/s3_client.py",
    "cloudinary": "app/storage/cloudinary_client.py",
}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_imports_point_one_way() -> None:
    """import-linter's contracts in pyproject.toml hold."""
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    """No file over 250 lines, no function over 25."""
    migration = "versions" in path.parts  # a table's columns are one statement, however many they are
    long = [
        f"{f.name}: {body_length(f)}" for f in functions(path) if body_length(f) > LONGEST_FUNCTION and not migration
    ]

    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    assert migration or long == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_with_what_lives_there(path: Path) -> None:
    """The first line is a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text()))


def test_each_sdk_is_imported_in_one_file() -> None:
    """A store's SDK is known to its backend alone."""
    for path in ROOT.glob("app/**/*.py"):
        for sdk, home in SDKS.items():
            text = path.read_text()
            at_home = str(path.relative_to(ROOT)) == home

            assert at_home or f"import {sdk}" not in text
            assert at_home or f"from {sdk}" not in text


def test_every_route_declares_its_refusals(services: Services) -> None:
    """What a route may answer besides its success stands in the OpenAPI document, as problem+json."""
    app = create_app(services)
    document = app.openapi()
    silent = [
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path not in WITHOUT_REFUSALS and not any(_is_problem(r) for r in operation["responses"].values())
    ]

    assert silent == []
    assert len(document["paths"]) > 10
    services.database.close()


def test_nothing_happens_at_import() -> None:
    """Importing the application reads no environment, opens nothing, imports no SDK of a store."""
    code = "import app.main, sys; print([m for m in ('botocore', 'cloudinary', 'pyvips') if m in sys.modules])"
    environment = {"PORT": "not a port", "DATABASE_URL": "nonsense"}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_no_middleware_buffers() -> None:
    """BaseHTTPMiddleware is banned: it costs, and swallows answers at shutdown."""
    assert [p for p in ROOT.glob("app/**/*.py") if "BaseHTTPMiddleware" in p.read_text()] == []


def _is_problem(response: dict[str, dict[str, object]]) -> bool:
    return problems.MEDIA_TYPE in response.get("content", {})

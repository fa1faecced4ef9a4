"""The list of guards is whole and fits the code; `make guards` switches them off."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guards.guard import Guard
from tests.guards.table import CONTROLS, GUARDS, WITHOUT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
ROWS = {f"S{number}" for number in range(1, 41)}
EVERY = [*GUARDS, *CONTROLS]


def functions_in(path: Path) -> set[str]:
    """The names of the tests in a file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def named_tests() -> Iterator[tuple[str, str]]:
    """Every test that the page names: a file, and a function in it or nothing.

    A file without a folder lies in the folder before it, `::test` is in the file before it.
    """
    folder, file = "", ""
    for path, test in re.findall(r"`((?:[\w/]+/|test_\w+\.py)?[\w.]*)(?:::(test_\w+))?`", PAGE):
        if path.endswith(".py"):
            folder, _, name = path.rpartition("/") if "/" in path else (folder, "", path)
            file = f"{folder}/{name}"
        if test or path.endswith(".py"):
            yield file, test


@pytest.mark.parametrize("guard", EVERY, ids=lambda guard: guard.name)
def test_a_guard_can_be_switched_off(guard: Guard) -> None:
    """What an edit replaces stands in the source exactly once: a row that no longer fits the code fails."""
    for edit in guard.edits:
        edit.check()


@pytest.mark.parametrize("guard", EVERY, ids=lambda guard: guard.name)
def test_the_tests_of_a_guard_exist(guard: Guard) -> None:
    """Each of them is a file, or a test in it."""
    for node in guard.tests:
        path, _, name = node.partition("::")

        assert not name or name.partition("[")[0] in functions_in(ROOT / path), node
    assert guard.tests


def test_guards_have_names_of_their_own() -> None:
    """So that a line of the report is about one of them."""
    assert len({guard.name for guard in EVERY}) == len(EVERY)


def test_every_row_has_a_guard_or_a_reason() -> None:
    """A new row of docs/security.md says here what is switched off, or why nothing can be."""
    guarded = {guard.row for guard in GUARDS} - {"other"}

    assert guarded | WITHOUT.keys() == ROWS
    assert guarded & WITHOUT.keys() == set()


def test_the_page_has_every_row() -> None:
    """S1 to S40: what is done stands in a table, what isn't in the list at the end."""
    tables, _, end = PAGE.partition("\n## Not done")
    done = set(re.findall(r"^\| (S\d+) \|", tables, re.MULTILINE))
    left = set(re.findall(r"\bS\d+\b", end))

    assert done | left == ROWS


def test_every_test_that_the_page_names_exists() -> None:
    """Files, folders and functions."""
    named = list(named_tests())
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (ROOT / file).is_file() or (test and test not in functions_in(ROOT / file))
    ]

    assert missing == []
    assert len(named) > 100

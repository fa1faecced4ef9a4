"""What is documented is what is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import StowageError, every_error
from app.settings import Settings
from tests import generate

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def test_the_generated_parts_are_up_to_date() -> None:
    """`make fix` writes them: every setting, command and error code."""
    readme = (ROOT / "README.md").read_text()

    assert generate.readme(readme) == readme
    assert generate.errors_page() == (ROOT / "docs/errors.md").read_text()


def test_every_setting_has_a_meaning() -> None:
    """No row of the table is without its sentence."""
    fields = [field for group in Settings.groups() for field in group.model_fields.values()]

    assert all(field.description and field.description.endswith((".", ")")) for field in fields)


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: error.code)
def test_every_error_is_raised_somewhere(error: type[StowageError]) -> None:
    """A code that nobody raises is a promise that nobody keeps."""
    sources = [p.read_text() for p in ROOT.glob("app/**/*.py") if "errors" not in p.parts]

    assert any(re.search(rf"\b{error.__name__}\b", text) for text in sources)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert broken == []


def test_the_make_targets_are_listed() -> None:
    """`make help` names what the README and CONTRIBUTING tell people to run."""
    told = set()
    for page in PAGES:
        told |= set(re.findall(r"\bmake ([a-z][a-z-]*)", page.read_text()))

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert {target for target in told if not re.search(rf"^{target}\b", listed, re.MULTILINE)} == set()


def test_the_version_stands_in_the_changelog() -> None:
    """The newest entry is this version."""
    from app import __version__

    newest = re.search(r"^## \[?(\d+\.\d+\.\d+|Unreleased)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert newest
    assert newest[1] in {__version__, "Unreleased"}


def test_the_module_answers_to_both_names() -> None:
    """`python -m app` and `stowage` are the same."""
    helps = [
        subprocess.run([*start, "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for start in ([sys.executable, "-m", "app"], [str(Path(sys.executable).with_name("stowage"))])
    ]

    assert helps[0] == helps[1]

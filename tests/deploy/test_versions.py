"""Versions with known weaknesses are not installed: not by the locks, and not by anybody who installs without them.

Where a fix came in several releases the last one stands here. `make audit` asks for what became known since.
"""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.serving import ROOT

# package, the first version without it, the weakness
FIXED = [
    ("multipart", "1.3.1", "CVE-2026-28356", "a header that takes exponential time"),
    ("starlette", "0.25.0", "CVE-2023-30798", "any number of parts in a form"),
    ("starlette", "0.40.0", "GHSA-f96h-pmfr-66vw", "text fields of any size"),
    ("starlette", "0.47.2", "CVE-2025-54121", "a large part that stops the loop"),
    ("starlette", "0.49.1", "CVE-2025-62727", "a Range that takes the square of its length"),
    ("starlette", "1.0.1", "CVE-2026-48710", "a Host header that changes the path"),
    ("fastapi", "0.109.1", "CVE-2024-24762", "a Content-Type that takes exponential time"),
    ("uvicorn", "0.11.7", "CVE-2020-7694", "lines in the log that a client wrote"),
    ("uvicorn", "0.11.7", "CVE-2020-7695", "headers that a client wrote"),
    ("h11", "0.16.0", "CVE-2025-43859", "chunks that can be read in two ways"),
    ("pyjwt", "2.4.0", "CVE-2022-29217", "a public key that is taken for a secret"),
    ("pyjwt", "2.12.0", "CVE-2026-32597", "critical headers that are not understood"),
    ("pyjwt", "2.13.0", "CVE-2026-48526", "and four more of the same release"),
    ("cryptography", "46.0.5", "CVE-2026-26007", "points of a small subgroup"),
    ("cryptography", "46.0.7", "CVE-2026-39892", "a buffer that is overrun"),
    ("cryptography", "50.0.0", "CVE-2026-69247", "an oracle about paddings"),
    ("urllib3", "2.6.0", "CVE-2025-66471", "answers that unpack to any size"),
    ("urllib3", "2.6.3", "CVE-2026-21441", "redirects that do"),
    ("urllib3", "2.7.0", "CVE-2026-44432", "rests of answers that do"),
    ("idna", "3.7", "CVE-2024-3651", "names that take the square of their length"),
    ("certifi", "2024.7.4", "CVE-2024-39689", "a root that is no longer trusted"),
    ("mako", "1.2.2", "CVE-2022-40023", "a template that takes exponential time"),
    ("pydantic", "2.4.0", "CVE-2024-3772", "an address that takes exponential time"),
    ("setuptools", "78.1.1", "CVE-2025-47273", "a path that leads out of its folder"),
]
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def pinned(lock: str) -> list[tuple[str, Version]]:
    """Every package of a lock; one can stand there twice, for different Pythons."""
    return [(name.lower(), Version(version)) for name, version in PINNED.findall((ROOT / lock).read_text())]


def required() -> dict[str, Requirement]:
    """What pyproject.toml asks for by name, to run the service and to build it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = [Requirement(text) for text in project["project"]["dependencies"]]
    return {requirement.name.lower(): requirement for requirement in found}


def test_every_lock_is_looked_at() -> None:
    """Each pins something."""
    assert {"requirements.txt", "requirements-build.txt", "requirements-dev.txt"} <= set(LOCKS)
    assert all(pinned(lock) for lock in LOCKS)


@pytest.mark.parametrize(("package", "fixed", "weakness", "_what"), FIXED, ids=[row[2] for row in FIXED])
def test_what_is_pinned_is_not_known_to_be_weak(package: str, fixed: str, weakness: str, _what: str) -> None:
    """In any lock that has the package; a package that none of ours has is no row."""
    installed = [(lock, version) for lock in LOCKS for name, version in pinned(lock) if name == package]

    assert {"requirements.txt", "requirements-build.txt"} & {lock for lock, _ in installed}
    assert [(lock, str(version)) for lock, version in installed if version < Version(fixed)] == [], weakness


@pytest.mark.parametrize(("package", "fixed", "weakness", "_what"), FIXED, ids=[row[2] for row in FIXED])
def test_what_we_ask_for_excludes_it_too(package: str, fixed: str, weakness: str, _what: str) -> None:
    """For what pyproject.toml names: whoever installs without the locks gets no version before the fix."""
    asked = required().get(package)
    floors = [Version(part.version) for part in asked.specifier if part.operator == ">="] if asked else []

    assert asked is None or max(floors, default=Version("0")) >= Version(fixed), weakness


def test_what_we_import_is_asked_for() -> None:
    """So that there is a floor to check: not by the way, because something else needs it."""
    imported = {package for package in {row[0] for row in FIXED} if _is_imported(package)}

    assert imported <= required().keys()
    assert {"starlette", "multipart", "urllib3"} <= imported


def _is_imported(package: str) -> bool:
    module = {"pyjwt": "jwt"}.get(package, package)
    line = re.compile(rf"^\s*(?:import|from) {module}\b", re.MULTILINE)
    return any(line.search(path.read_text()) for path in ROOT.glob("app/**/*.py"))

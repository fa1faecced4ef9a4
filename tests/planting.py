"""Defects that are put into our code for tests to find: a module is imported with other lines than it has.

`python -m tests.planting EDITS python -m app serve` runs a command line of the service with them. No file is changed.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

VARIABLE = "PLANTED"  # what the tests of this process plant into the services that they start


@dataclass(frozen=True, slots=True)
class Edit:
    """In the source of `module`, `new` instead of `old`, which must stand there exactly once."""

    module: str
    old: str
    new: str

    def made(self, source: str) -> str:
        """The source with the defect. ValueError when it isn't what it was when the edit was written."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.module} has {source.count(self.old)} times: {self.old}")
        return source.replace(self.old, self.new)

    def check(self) -> None:
        """ValueError or SyntaxError when it can't be planted; the module is not imported."""
        spec = find_spec(self.module)
        if spec is None or spec.origin is None:
            raise ValueError(f"there is no {self.module}")
        compile(self.made(Path(spec.origin).read_text()), self.module, "exec")


def plant(edits: Sequence[Edit]) -> None:
    """Whoever imports these modules from now on gets the defects; RuntimeError when it was done already."""
    if known := [edit.module for edit in edits if edit.module in sys.modules]:
        raise RuntimeError(f"imported already: {known}")
    sys.meta_path.insert(0, _Finder(edits))


def written(edits: Sequence[Edit]) -> str:
    """As one word of a command line."""
    return json.dumps([astuple(edit) for edit in edits])


def prefix(edits: str | None = None) -> list[str]:
    """What comes before a service's own command line; without `edits`, those of `VARIABLE`, or nothing."""
    found = edits or os.environ.get(VARIABLE)
    return [sys.executable, "-m", "tests.planting", found] if found else []


class _Finder(MetaPathFinder):
    """Finds the edited modules where they are."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    def find_spec(self, fullname: str, path: Sequence[str] | None, _target: Any = None) -> ModuleSpec | None:
        """None for all others."""
        edits = [edit for edit in self._edits if edit.module == fullname]
        spec = PathFinder.find_spec(fullname, path) if edits else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, edits)
        return spec


class _Loader(SourceFileLoader):
    """Compiles the edited source; what is cached is passed over."""

    def __init__(self, fullname: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(fullname, path)
        self._edits = edits

    def get_code(self, _fullname: str) -> CodeType:
        """Of the source with all defects."""
        source = self.get_data(self.path).decode()
        for edit in self._edits:
            source = edit.made(source)
        return self.source_to_code(source.encode(), self.path)


def main() -> int:
    """The exit code of the command."""
    plant([Edit(*each) for each in json.loads(sys.argv[1])])
    from app.cli import main as stowage

    code: int = stowage(sys.argv[sys.argv.index("app") + 1 :])
    return code


if __name__ == "__main__":
    sys.exit(main())

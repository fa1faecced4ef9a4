"""One guard: what it keeps out, how it is switched off, and which tests must fail then."""

from dataclasses import dataclass

from tests.planting import Edit


@dataclass(frozen=True, slots=True)
class Guard:
    """`row` is that of docs/security.md. `tests` are node ids: at least one of them fails without the guard."""

    row: str
    what: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """Row and purpose."""
        return f"{self.row} {self.what}"


def guard(row: str, what: str, off: tuple[str, str, str], *tests: str) -> Guard:
    """A guard that one edit switches off: module, the source that is there, what stands there instead."""
    return Guard(row, what, (Edit(*off),), tests)

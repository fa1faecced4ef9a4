"""What a run has counted, and the table that it prints."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.steps import STEPS

# What must be 0.
DEFECTS = {
    "lost": "acknowledged, and not found",
    "corrupt": "other bytes than those that were sent",
    "undead": "deleted or replaced, and readable",
    "dangling": "a ready row without its bytes",
    "orphans": "bytes without a row, or a spool file, after the sweep",
    "dropped": "what SIGTERM should not have done",
    "refused": "no or a bad answer although the service was to go on",
    "twice": "one Idempotency-Key, two assets",
    "ghosts": "refused or never sent, and ready",
    "left": "a pending or doomed row after the sweep",
}


@dataclass(slots=True)
class Tally:
    """One pair's."""

    pair: str
    rounds: int = 0
    uploads: int = 0
    answers: int = 0  # read again after a restart
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)  # by step
    terms: int = 0
    defects: list[tuple[str, str]] = field(default_factory=list)  # (one of DEFECTS, a sentence)

    def add(self, defect: str, sentence: str) -> None:
        """A defect, told at once."""
        self.defects.append((defect, sentence))
        say(f"{self.pair}, round {self.rounds}: {defect}: {sentence}")

    def count(self, defect: str) -> int:
        """How many of a sort."""
        return sum(kind == defect for kind, _ in self.defects)

    @property
    def never(self) -> list[str]:
        """Steps that no kill fell into."""
        return [step for step in STEPS if not self.kills[step]]

    @property
    def values(self) -> list[str]:
        """In the order of HEADS."""
        pace = 60 * self.rounds / self.seconds if self.seconds else 0.0
        counts = (self.rounds, self.terms, self.uploads, *map(self.count, DEFECTS))
        return [self.pair, *map(str, counts), *(str(self.kills[step]) for step in STEPS), f"{pace:.1f}"]


HEADS = ("pair", "rounds", "SIGTERM", "uploads", *DEFECTS, *STEPS, "a minute")


def table(tallies: Sequence[Tally]) -> str:
    """Defects, then uploads that a kill has caught, by step."""
    lines = [list(HEADS), *(tally.values for tally in tallies)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def say(sentence: str) -> None:
    """On stderr, at once: long runs are watched."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()

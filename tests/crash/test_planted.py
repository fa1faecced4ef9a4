"""Faults that were put into the service are found: the harness can fail."""

from pathlib import Path

import pytest

from tests.crash.pairs import opened
from tests.crash.planted import FAULTS, prefix
from tests.crash.run import Run
from tests.crash.tally import Tally, table
from tests.crash.test_crash import durable_postgres

__all__ = ["durable_postgres"]  # a fixture

ROUNDS = 15  # at most: it ends with the first defect
SLOWLY = pytest.param("local+postgres", marks=pytest.mark.slow)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_can_be_planted(fault: str) -> None:
    """The source is still that for which it was written."""
    FAULTS[fault].check()


@pytest.mark.parametrize("pair", ["local+sqlite", SLOWLY])
def test_an_answer_before_the_commit_is_found(pair: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What was acknowledged is lost."""
    tally = crash(pair, tmp_path, request, prefix=prefix("answer-before-commit"))

    assert tally.count("lost") > 0, table([tally])


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["local+sqlite", "local+postgres"])
def test_an_old_logo_deleted_too_early_is_found(pair: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A slot holds a logo without bytes, for a moment or for ever."""
    tally = crash(pair, tmp_path, request, prefix=prefix("delete-before-flip"))

    assert tally.count("lost") + tally.count("dangling") + tally.count("refused") > 0, table([tally])


def test_a_grace_of_nothing_is_found(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The sweeper takes away what is under way."""
    tally = crash("local+sqlite", tmp_path, request, SWEEP_GRACE="0", SWEEP_INTERVAL="0.01")

    assert tally.count("refused") > 0, table([tally])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "column"),
    [
        ("delete-nothing", "undead"),
        ("forget-keys", "twice"),
        ("refuse-what-is-kept", "ghosts"),
        ("stop-at-once", "dropped"),
        ("store-other-bytes", "corrupt"),
        ("sweep-nothing", "left"),
        ("sweep-rows-alone", "orphans"),
    ],
)
def test_each_column_can_be_more_than_0(
    fault: str, column: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Every sort of defect has a fault that shows as it."""
    tally = crash("local+sqlite", tmp_path, request, prefix=prefix(fault))

    assert tally.count(column) > 0, table([tally])


def crash(pair: str, folder: Path, request: pytest.FixtureRequest, **how: object) -> Tally:
    """Run until the first defect."""
    tally = Tally(pair)
    with opened(pair, folder, request) as place:
        Run(place, tally, 1, **how).rounds(ROUNDS, most=1)
    return tally

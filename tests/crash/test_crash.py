"""The service is killed, again and again, and keeps what it has promised; the harness finds what it has to find."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.crash.pairs import PAIRS, opened
from tests.crash.run import Run
from tests.crash.tally import Tally, table


@pytest.fixture(scope="module")
def durable_postgres() -> Iterator[str]:
    """A Postgres with its own durable defaults."""
    with postgres.running(durable=True) as url:
        yield url


@pytest.mark.parametrize("pair", PAIRS)
def test_nothing_is_lost(pair: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Three rounds: a kill at random, a kill between steps 10 and 11, a SIGTERM."""
    crash(pair, tmp_path, request, rounds=3, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS)
def test_nothing_is_lost_in_twenty_rounds(pair: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Eight kills at random, eight aimed ones, four SIGTERMs, two of them with a stalled client."""
    crash(pair, tmp_path, request, rounds=20, seed=2)


def crash(pair: str, folder: Path, request: pytest.FixtureRequest, *, rounds: int, seed: int) -> None:
    """Run, and fail with the table and the sentences; the log is in the test's folder."""
    tally = Tally(pair)
    with opened(pair, folder, request) as place:
        Run(place, tally, seed).rounds(rounds)

    assert tally.defects == [], f"\n{table([tally])}\nlog: {place.log}"
    assert tally.rounds == rounds
    assert tally.uploads > 5 * rounds

"""What scans for viruses in the tests: a stand-in at the wire, and Debian's clamd, which root installs."""

from collections.abc import Iterator

import pytest

from tests.standins import clamd as debian
from tests.standins import clamd_wire
from tests.standins.clamd_wire import StandIn


@pytest.fixture(scope="session")
def debians_clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[debian.Clamd]:
    """A real one for the whole run."""
    with debian.running(tmp_path_factory.mktemp("clamd")) as clamd:
        yield clamd


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """One that does what a test tells it."""
    with clamd_wire.running() as stand_in:
        yield stand_in


@pytest.fixture(params=["stand-in", pytest.param("debian", marks=pytest.mark.slow)])
def clamd_url(request: pytest.FixtureRequest) -> str:
    """Either; what is true of the one is true of the other."""
    fixture = "stand_in" if request.param == "stand-in" else "debians_clamd"
    return str(request.getfixturevalue(fixture).url)

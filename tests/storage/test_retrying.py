"""Patience with a store that is away: how often, how long, and when it ends."""

import random
import time
from collections.abc import Callable

import pytest

from app.errors import NoRoom, ObjectMissing, StorageError, StorageRefused, StorageTimeout, StorageUnavailable
from app.storage import retrying
from app.storage.retrying import Patience

QUICK = Patience(seconds=20, tries=4, pause=0.001)


class Away:
    """A call that fails so often before it succeeds; it counts."""

    def __init__(self, *failures: StorageError) -> None:
        self.failures, self.calls = list(failures), 0

    def __call__(self) -> str:
        """The next failure, or the answer."""
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited, in seconds; nobody waits."""
    waited: list[float] = []
    monkeypatch.setattr(retrying.time, "sleep", waited.append)
    return waited


def test_what_works_is_done_once(pauses: list[float]) -> None:
    """Without a pause."""
    call = Away()

    assert QUICK.start().run(call) == "answer"
    assert (call.calls, pauses) == (1, [])


@pytest.mark.parametrize("failure", [StorageUnavailable, StorageTimeout])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_store_that_is_away_is_asked_again(failure: type[StorageError], times: int, pauses: list[float]) -> None:
    """As often as patience allows."""
    call = Away(*(failure() for _ in range(times)))

    assert QUICK.start().run(call) == "answer"
    assert (call.calls, len(pauses)) == (times + 1, times)


@pytest.mark.parametrize("tries", [1, 2, 4])
def test_trap_retries_without_end(tries: int, pauses: list[float]) -> None:
    """After so many tries the last failure leaves as it is; no pause follows it."""
    failures = [StorageUnavailable(f"number {n}") for n in range(10)]
    call = Away(*failures)
    with pytest.raises(StorageUnavailable) as caught:
        Patience(seconds=20, tries=tries, pause=0.001).start().run(call)

    assert caught.value is failures[tries - 1]
    assert (call.calls, len(pauses)) == (tries, tries - 1)


@pytest.mark.parametrize("failure", [StorageRefused, ObjectMissing, NoRoom])
def test_a_refusal_is_not_asked_again(failure: type[StorageError], pauses: list[float]) -> None:
    """It would be the same."""
    call = Away(failure())
    with pytest.raises(failure):
        QUICK.start().run(call)

    assert (call.calls, pauses) == (1, [])


def test_a_defect_is_not_hidden(pauses: list[float]) -> None:
    """What isn't a failure of the store leaves at once."""

    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        QUICK.start().run(broken)

    assert pauses == []


def test_trap_clients_that_failed_together_come_back_together(pauses: list[float]) -> None:
    """Each pause lies anywhere below its bound, which doubles; two clients hardly ever wait alike."""
    for _ in range(200):
        Patience(seconds=1000, tries=4, pause=0.2).start().run(Away(*(StorageUnavailable() for _ in range(3))))
    by_attempt = [pauses[0::3], pauses[1::3], pauses[2::3]]

    for bound, waited in zip((0.2, 0.4, 0.8), by_attempt, strict=True):
        assert 0 <= min(waited) < bound * 0.2
        assert bound * 0.8 < max(waited) <= bound
        assert len(set(waited)) > 190


def test_the_deadline_is_one_for_all_tries() -> None:
    """Calls and pauses share it; a pause that would end after it isn't begun."""

    def slow() -> None:
        time.sleep(0.1)
        raise StorageUnavailable

    began = time.monotonic()
    with pytest.raises(StorageError):
        Patience(seconds=0.25, tries=100, pause=0.001).start().run(slow)

    assert 0.1 < time.monotonic() - began < 2


def test_trap_a_pause_that_outlasts_the_deadline(pauses: list[float]) -> None:
    """It isn't begun: the failure leaves instead."""
    for _ in range(20):
        pauses.clear()
        with pytest.raises(StorageUnavailable):
            Patience(seconds=5, tries=50, pause=1000).start().run(Away(*(StorageUnavailable() for _ in range(50))))
        assert all(pause <= 5 for pause in pauses)


@pytest.mark.parametrize("tries", [1, 4])
def test_time_that_is_over_ends_before_the_call(tries: int) -> None:
    """Nothing is begun after the deadline."""
    call, deadline = Away(), Patience(seconds=0, tries=tries).start()
    time.sleep(0.001)
    with pytest.raises(StorageTimeout):
        deadline.run(call)

    assert call.calls == 0


def test_a_second_operation_of_one_deadline_has_what_is_left() -> None:
    """A put makes many calls; each new one begins with a shorter rest."""
    deadline = Patience(seconds=60, tries=2, pause=0.001).start()
    first = deadline.left()
    deadline.run(lambda: time.sleep(0.05))

    assert first - 0.05 >= deadline.left() > 0
    deadline.at = time.monotonic() - 1
    assert deadline.left() == 0
    with pytest.raises(StorageTimeout):
        deadline.run(lambda: "too late")


def test_each_start_has_its_own_time() -> None:
    """Patience is a value; the clock runs in what it starts."""
    patience = Patience(seconds=60)
    first = patience.start()
    first.at = 0
    second = patience.start()

    assert first.left() == 0
    assert 50 < second.left() <= 60


def test_any_mixture_of_failures_is_bounded(pauses: list[float]) -> None:
    """Whatever comes: at most so many calls, the sum of pauses below the sum of their bounds, one outcome."""
    dice = random.Random(7)
    kinds: list[Callable[[], StorageError]] = [StorageUnavailable, StorageTimeout, StorageRefused]
    for _ in range(300):
        pauses.clear()
        failures = [dice.choice(kinds)() for _ in range(dice.randrange(6))]
        expected = next((f for n, f in enumerate(failures) if isinstance(f, StorageRefused) or n == 3), None)
        call = Away(*failures)
        try:
            outcome: object = QUICK.start().run(call)
        except StorageError as failure:
            outcome = failure

        assert outcome is expected if expected else outcome == "answer"
        assert call.calls <= QUICK.tries
        assert sum(pauses) <= QUICK.pause * (1 + 2 + 4)

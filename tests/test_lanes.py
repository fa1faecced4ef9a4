"""Lanes: the way from the event loop to a thread."""

import asyncio
import contextvars
import threading
import time
from collections.abc import Iterator

import pytest

from app.errors import Busy
from app.lanes import Lane

pytestmark = pytest.mark.anyio


@pytest.fixture
def lane() -> Iterator[Lane]:
    """Two threads, one place to wait."""
    lane = Lane("narrow", threads=2, waiting=1)
    yield lane
    lane.close()


async def test_it_runs_elsewhere(lane: Lane) -> None:
    """In a thread that bears the lane's name, with the arguments; what is returned comes back."""
    name = await lane.run(lambda a, *, b: (a, b, threading.current_thread().name), 1, b=2)

    assert name[:2] == (1, 2)
    assert name[2].startswith("narrow")


async def test_a_failure_comes_back(lane: Lane) -> None:
    """As it was raised."""
    with pytest.raises(ZeroDivisionError):
        await lane.run(lambda: 1 / 0)


async def test_two_run_at_once(lane: Lane) -> None:
    """Each waits for the other, and the loop for neither."""
    meeting = threading.Barrier(2, timeout=5)
    places = await asyncio.gather(lane.run(meeting.wait), lane.run(meeting.wait))

    assert sorted(places) == [0, 1]


async def test_a_full_lane_refuses_at_once(lane: Lane) -> None:
    """Two run, one waits, the fourth is Busy; when one is done there is room again."""
    gate = threading.Event()
    under_way = [lane.submit(gate.wait, 5) for _ in range(3)]
    with pytest.raises(Busy, match="narrow"):
        lane.submit(gate.wait, 5)
    gate.set()
    await asyncio.gather(*under_way)
    await asyncio.sleep(0)

    assert await lane.run(lambda: "room") == "room"


async def test_failures_free_their_places(lane: Lane) -> None:
    """A lane doesn't fill up with what went wrong."""
    for _ in range(20):
        with pytest.raises(ValueError, match="no"):
            await lane.run(_fail)

    assert await lane.run(lambda: "room") == "room"


async def test_what_was_handed_over_is_done_though_the_caller_is_gone(lane: Lane) -> None:
    """Cancelled while it runs, and while it still waits for a thread."""
    gate, done = threading.Event(), []
    callers = [asyncio.create_task(lane.run(lambda n=n: (gate.wait(5), done.append(n)))) for n in range(3)]
    await asyncio.sleep(0.02)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    gate.set()
    await asyncio.to_thread(lane.close)

    assert all(caller.cancelled() for caller in callers)
    assert sorted(done) == [0, 1, 2]


async def test_cancelled_callers_free_their_places(lane: Lane) -> None:
    """When the work is done, not before."""
    gate = threading.Event()
    callers = [asyncio.create_task(lane.run(gate.wait, 5)) for _ in range(3)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    with pytest.raises(Busy):
        lane.submit(gate.wait, 5)
    gate.set()
    await asyncio.to_thread(lane._pool.submit(int).result)
    await asyncio.sleep(0.01)

    assert await lane.run(lambda: "room") == "room"


async def test_a_failure_whose_caller_has_gone_is_not_reported_twice(lane: Lane) -> None:
    """No "exception was never retrieved" in the log."""
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    caller = asyncio.create_task(lane.run(lambda: (time.sleep(0.02), _fail())))
    await asyncio.sleep(0.01)
    caller.cancel()
    await asyncio.wait([caller])
    await asyncio.sleep(0.05)
    asyncio.get_running_loop().set_exception_handler(None)

    assert reported == []


async def test_the_context_goes_along(lane: Lane) -> None:
    """So that a log line from a thread bears the id of its request."""
    variable = contextvars.ContextVar("variable", default="")
    variable.set("ours")

    assert await lane.run(variable.get) == "ours"


async def test_closing_waits_for_what_runs(lane: Lane) -> None:
    """Nothing is cut off in the middle of a write."""
    done: list[int] = []
    lane.submit(lambda: (time.sleep(0.05), done.append(1)))
    await asyncio.to_thread(lane.close)

    assert done == [1]


def _fail() -> None:
    raise ValueError("no")

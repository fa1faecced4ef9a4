"""A backend around another one that fails on demand, or ends or stops the process: before, during or after each call.

Idle it is the backend inside: it keeps the contract. What that can do besides (`Adopts`, `Limits` …) it can too.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Literal, Self

from app.errors import StorageError
from app.storage.backend import NOTHING, Adopts, Backend, Batches, Identified, Limits, ObjectInfo, Put, Stored, Tidies
from app.storage.paged import Paged
from tests.faults.body import Act, Watched

Moment = Literal["before", "during", "after"]
READ_TWICE = ("S3Backend", "CloudinaryBackend")  # they compare a body with its hash before they send it


def faulty(inner: Backend) -> "Faulty":
    """The wrapper with the abilities that the backend inside has."""
    abilities = (
        (Adopts, _Adopting),
        (Batches, _Batching),
        (Identified, _Identified),
        (Limits, _Limited),
        (Tidies, _Tidying),
        (Paged, _Paging),
    )
    bases = [mixin for ability, mixin in abilities if isinstance(inner, ability)]
    made: Faulty = type("Faulty", (*bases, Faulty), {})(inner)
    return made


def kill() -> None:
    """End this process as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Stop this process until somebody lets it go on."""
    os.kill(os.getpid(), signal.SIGSTOP)


def failing(error: type[StorageError]) -> Act:
    """Raise this error."""

    def act() -> None:
        raise error

    return act


@dataclass(slots=True)
class _Plan:
    call: str
    moment: Moment
    act: Act
    after: int  # calls that go well first
    times: int  # how often it happens


class Faulty:
    """Does what the backend inside does; `plan` says what happens besides."""

    def __init__(self, inner: Backend) -> None:
        self.inner: Any = inner
        self.calls: list[str] = []
        self._plans: list[_Plan] = []
        self._lock = threading.Lock()

    @classmethod
    def from_settings(cls, settings: object) -> Self:
        """As `Backend.from_settings`; but settings make the backend inside."""
        raise TypeError(f"faulty() wraps a backend, which is made of {settings}")

    def plan(self, call: str, moment: Moment, act: Act, *, after: int = 0, times: int = 1) -> Self:
        """Let something happen at a moment of the next call of this name, or of a later one, or of several.

        `during` is in the middle of a body that is put, and after each object of a listing; elsewhere it is `after`:
        the call has taken effect, and its answer is lost.
        """
        self._plans.append(_Plan(call, moment, act, after, times))
        return self

    def heal(self) -> None:
        """Forget every plan."""
        self._plans.clear()

    def put(self, key: str, body: BinaryIO, *, size: int, **given: Any) -> Stored:
        """As `Backend.put`."""
        hook = self._begin("put")
        act, passes = hook("during"), 2 if type(self.inner).__name__ in READ_TWICE else 1
        watched: Any = body if act is None else Watched(body, size // 2, act, passes)
        stored: Stored = self.inner.put(key, watched, size=size, **given)
        return self._end(hook, stored)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """As `Backend.open`."""
        hook = self._begin("open")
        stream: BinaryIO = self.inner.open(key, start=start, end=end, details=details)
        return self._end(hook, stream)

    def stat(self, key: str) -> ObjectInfo:
        """As `Backend.stat`."""
        return self._passed("stat", key)

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """As `Backend.delete`."""
        self._passed("delete", key, details=details)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """As `Backend.list`."""
        hook = self._begin("list")
        for info in self.inner.list(prefix):
            yield info
            self._happen(hook("during"))
        self._happen(hook("after"))

    def url(self, key: str, **given: Any) -> str | None:
        """As `Backend.url`."""
        url: str | None = self.inner.url(key, **given)
        return url

    def ping(self) -> None:
        """As `Backend.ping`."""
        self._passed("ping")

    def _passed(self, name: str, *args: Any, **given: Any) -> Any:
        hook = self._begin(name)
        done = getattr(self.inner, name)(*args, **given)
        return self._end(hook, done)

    def _begin(self, name: str) -> Callable[[Moment], Act | None]:
        """What is planned for this call, by moment."""
        self.calls.append(name)
        with self._lock:
            due = {plan.moment: plan.act for plan in self._plans if plan.call == name and _is_due(plan)}
        self._happen(due.pop("before", None))
        return due.get

    def _end(self, hook: Callable[[Moment], Act | None], answer: Any) -> Any:
        """What happens when the backend inside is done; a body's `during` has happened already."""
        self._happen(hook("after") or (None if isinstance(answer, Stored) else hook("during")))
        return answer

    def _happen(self, act: Act | None) -> None:
        if act is not None:
            act()


class _Adopting(Faulty):
    @property
    def spool(self) -> Path:
        """As `Adopts.spool`."""
        spool: Path = self.inner.spool
        return spool

    def adopt(self, key: str, path: Path) -> Stored:
        """As `Adopts.adopt`; it counts as a put."""
        hook = self._begin("put")
        self._happen(hook("during"))
        stored: Stored = self.inner.adopt(key, path)
        return self._end(hook, stored)


class _Batching(Faulty):
    def put_all(self, puts: Sequence[Put]) -> Sequence[Stored | Exception]:
        """As `Batches.put_all`; each counts as a put."""
        return [self._one(**{field.name: getattr(one, field.name) for field in fields(one)}) for one in puts]

    def _one(self, **put: Any) -> Stored | Exception:
        try:
            return self.put(**put)
        except Exception as failure:  # noqa: BLE001 - it is the outcome
            return failure


class _Identified(Faulty):
    @property
    def identity(self) -> str:
        """As `Identified.identity`."""
        identity: str = self.inner.identity
        return identity


class _Limited(Faulty):
    def max_size(self, *given: Any) -> int | None:
        """As `Limits.max_size`."""
        largest: int | None = self.inner.max_size(*given)
        return largest


class _Tidying(Faulty):
    def tidy(self, **given: Any) -> int:
        """As `Tidies.tidy`."""
        tidied: int = self._passed("tidy", **given)
        return tidied


class _Paging(Faulty):
    @property
    def parts(self) -> Sequence[str]:
        """As `Paged.parts`."""
        parts: Sequence[str] = self.inner.parts
        return parts

    def page(self, *given: Any) -> tuple[Sequence[ObjectInfo], str]:
        """As `Paged.page`: a part of a listing."""
        hook = self._begin("list")
        page: tuple[Sequence[ObjectInfo], str] = self.inner.page(*given)
        self._happen(hook("during"))
        if not page[1]:
            self._happen(hook("after"))
        return page


def _is_due(plan: _Plan) -> bool:
    plan.after -= 1
    if plan.after >= 0 or plan.times <= 0:
        return False
    plan.times -= 1
    return True


ACTS: Mapping[str, Act] = {"kill": kill, "stop": stop}

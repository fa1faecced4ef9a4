"""What every refusal has: a status, a stable code, a title, a sentence."""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar


class StowageError(Exception):
    """Something went wrong on our side.

    One refusal: an HTTP status, a stable code, a title for people, and a sentence about this case. `detail` is shown
    to clients: it never holds a path, a DSN, a secret or another tenant's data. `extra` adds members to the answer,
    such as the limit that was passed. `retry_after` is in seconds. `abstract` classes only group others.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str]
    title: ClassVar[str]
    retry_after: ClassVar[int | None] = None
    abstract: ClassVar[bool] = True

    def __init_subclass__(cls, *, abstract: bool = False) -> None:
        """Make code and title of name and docstring."""
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.title = (cls.__doc__ or "").splitlines()[0]
        cls.abstract = abstract

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra: Mapping[str, object] = extra


def every_error() -> Iterator[type[StowageError]]:
    """The concrete classes, in the order of the tree above."""
    waiting: list[type[StowageError]] = [StowageError]
    while waiting:
        cls = waiting.pop(0)
        waiting = [*cls.__subclasses__(), *waiting]
        if not cls.abstract:
            yield cls

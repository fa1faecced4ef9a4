"""What a test may make go wrong: per action, for the next call or for all, and where in the call's life."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.standins.cloudinary.wire import Answer, Call

PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"


@dataclass(frozen=True)
class Fault:
    """One way to fail. Made by the functions below."""

    kind: str  # answer, hang, reset, late, alter, lose, cut
    done: bool = False  # the call takes effect all the same: stored, or destroyed, and then it fails
    early: bool = False  # before the body is read
    answer: Answer | None = None
    seconds: float = 0.0
    change: Callable[[bytes], bytes] | None = None
    size: int = 0

    @property
    def acts(self) -> bool:
        """Whether the call is carried out."""
        return self.done or self.kind in {"late", "alter", "lose", "cut"}


def refuse(status: int, message: str = "General Error", *, done: bool = False) -> Fault:
    """Answer an error in the vendor's form: 420, 423 `Processing`, 429, 500, 503 …"""
    return Fault("answer", done=done, answer=Answer.error(status, message))


def page(status: int = 502, body: bytes = PROXY_PAGE, *, done: bool = False) -> Fault:
    """Answer a proxy's HTML."""
    return Fault("answer", done=done, answer=Answer(status, body, content_type="text/html"))


def hang(seconds: float, *, done: bool = False) -> Fault:
    """Say nothing for so long, then close the connection."""
    return Fault("hang", done=done, seconds=seconds)


def late(seconds: float) -> Fault:
    """Wait, then do what was asked and answer: the caller may have given up long ago."""
    return Fault("late", seconds=seconds)


def reset(*, done: bool = False, early: bool = False) -> Fault:
    """Reset the connection (TCP RST): after the body was read, or `early`, before it is."""
    return Fault("reset", done=done, early=early)


def alter(change: Callable[[bytes], bytes]) -> Fault:
    """Store something else than what was sent, as a re-encoding account does; the answer says its size and etag."""
    return Fault("alter", change=change)


def lose_chunk() -> Fault:
    """Accept a chunk and forget its bytes."""
    return Fault("lose")


def cut(size: int) -> Fault:
    """Promise a whole file (download, delivery) and close after so many bytes of it."""
    return Fault("cut", size=size)


class Faults:
    """The script. The first entry that fits a call is used; a `next` entry is then gone."""

    def __init__(self) -> None:
        self._entries: list[tuple[str, Fault, Callable[[Call], bool], bool]] = []
        self._lock = threading.Lock()

    def next(self, action: str, *faults: Fault) -> None:
        """The next call of this action fails so, the one after that with the second fault, and so on."""
        with self._lock:
            self._entries += [(action, fault, _any, True) for fault in faults]

    def always(self, action: str, fault: Fault) -> None:
        """Every call of this action fails so, until `clear`."""
        self.when(action, _any, fault, once=False)

    def when(self, action: str, fits: Callable[[Call], bool], fault: Fault, *, once: bool = True) -> None:
        """The next call (or every call) that fits fails so; an early fault sees no fields yet."""
        with self._lock:
            self._entries.append((action, fault, fits, once))

    def clear(self) -> None:
        """Everything works again."""
        with self._lock:
            self._entries.clear()

    @property
    def left(self) -> int:
        """How many entries have not been used, or stay."""
        return len(self._entries)

    def take(self, call: Call, *, early: bool) -> Fault | None:
        """What this call has to suffer, if anything."""
        with self._lock:
            for place, (action, fault, fits, once) in enumerate(self._entries):
                if action == call.action and fault.early == early and fits(call):
                    if once:
                        del self._entries[place]
                    return fault
        return None


def _any(_call: Call) -> bool:
    return True

"""The book of promises: every upload, replacement and deletion that was asked for, and what was answered."""

import hashlib
import itertools
import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.crash.contents import Recipe

FOREVER = math.inf


@dataclass(slots=True, eq=False)
class Upload:
    """One request that stores files, with all its tries."""

    recipes: tuple[Recipe, ...]
    shas: tuple[str, ...]
    key: str | None  # Idempotency-Key
    company: str | None  # whose logo it is, if it is one
    first_sent: float = FOREVER  # time.monotonic() of the first try that may have succeeded
    # sent: a try is on its way. kept: 2xx. lost: no answer. refused: it left nothing, and nothing may come of it.
    state: str = "sent"
    doubtful: bool = False  # an earlier try had no answer, and may yet succeed
    ids: tuple[str, ...] = ()
    gone: set[str] = field(default_factory=set)  # those of the ids whose deletion was seen, when others are alive
    fate: str = ""  # deleting: asked for. deleted: acknowledged, or found out; it must never be readable again.
    lost_at: float | None = None  # when the last try lost its answer, unless the client hung up by itself

    @property
    def kind(self) -> str:
        """All files of a request have one."""
        return self.recipes[0].kind

    @property
    def alive(self) -> list[tuple[str, str]]:
        """Id and SHA-256 of each file that was not seen to be gone."""
        pairs = zip(self.ids, self.shas, strict=True)
        return [(asset_id, sha) for asset_id, sha in pairs if asset_id not in self.gone]


@dataclass(slots=True, eq=False)
class Event:
    """One change of a slot: at some moment between `began` and `ended` it came to hold `upload`, or nothing."""

    upload: Upload | None
    began: float
    ended: float = FOREVER
    acknowledged: bool = False


@dataclass(slots=True)
class Slot:
    """A company's logo."""

    company: str
    events: list[Event] = field(default_factory=lambda: [Event(None, 0.0, 0.0, acknowledged=True)])
    permalink: str | None = None  # its path

    def allowed(self) -> list[Upload | None]:
        """What it may hold: nothing that an acknowledged change has replaced, and everything else."""
        acknowledged = [event for event in self.events if event.acknowledged]
        return [e.upload for e in self.events if not any(later.began > e.ended for later in acknowledged)]

    def empty_since(self, moment: float) -> bool:
        """Whether a reader who began at `moment` may have found nothing."""
        filled = [e for e in self.events if e.upload and e.acknowledged and e.ended < moment]
        return any(not e.upload and not any(f.began > e.ended for f in filled) for e in self.events)

    def observe(self, upload: Upload | None) -> None:
        """The service stands still and shows this: whatever came before is decided."""
        now = time.monotonic()
        self.events = [Event(upload, now, now, acknowledged=True)]


class Book:
    """Everything that was asked for in a run, safe for threads: an upload is in the hands of one of them at a time."""

    def __init__(self, companies: int = 4) -> None:
        self.uploads: list[Upload] = []  # but not those that are closed
        self.by_sha: dict[str, Upload] = {}
        self.slots = {str(number): Slot(str(number)) for number in range(1, companies + 1)}
        self.complaints: list[tuple[str, str]] = []  # answers that should not have been given: (column, sentence)
        self.opened = 0
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self._taken: set[int] = set()

    def number(self) -> int:
        """The next."""
        return next(self._numbers)

    def open(self, recipes: tuple[Recipe, ...], contents: list[bytes], key: str | None, company: str | None) -> Upload:
        """A new upload, before its first byte is sent; in the caller's hands."""
        shas = tuple(hashlib.sha256(content).hexdigest() for content in contents)
        upload = Upload(recipes, shas, key, company)
        with self._lock:
            self.opened += 1
            self.uploads.append(upload)
            self.by_sha.update(dict.fromkeys(shas, upload))
            self._taken.add(id(upload))
        return upload

    def take(self, rng: random.Random, wanted: Callable[[Upload], bool]) -> Upload | None:
        """Any upload of that sort that is in nobody's hands."""
        with self._lock:
            free = [upload for upload in self.uploads if id(upload) not in self._taken and wanted(upload)]
            if not free:
                return None
            upload = rng.choice(free)
            self._taken.add(id(upload))
            return upload

    def give_back(self, upload: Upload) -> None:
        """Out of hands."""
        with self._lock:
            self._taken.discard(id(upload))

    def count(self, wanted: Callable[[Upload], bool]) -> int:
        """How many are like that."""
        with self._lock:
            return sum(map(wanted, self.uploads))

    def complain(self, column: str, sentence: str) -> None:
        """Something that is wrong whatever happens later."""
        with self._lock:
            self.complaints.append((column, sentence))

    def sent(self, upload: Upload) -> Event | None:
        """A try begins; the change of a slot that it may make."""
        if upload.state == "kept":
            return None
        upload.state, upload.first_sent = "sent", min(upload.first_sent, time.monotonic())
        return self.begin(upload.company, upload) if upload.company else None

    def kept(self, upload: Upload, ids: tuple[str, ...]) -> None:
        """A 2xx."""
        if upload.ids and upload.ids != ids:
            self.complain("twice", f"Idempotency-Key {upload.key}: first {upload.ids}, then {ids}")
        upload.state, upload.ids, upload.doubtful, upload.lost_at = "kept", ids, False, None

    def lost(self, upload: Upload, at: float | None) -> None:
        """No answer."""
        upload.lost_at = at
        if upload.state != "kept":
            upload.state, upload.doubtful = "lost", True

    def refused(self, upload: Upload) -> None:
        """A clear no; an earlier try may have succeeded all the same."""
        if upload.state != "kept":
            upload.state = "lost" if upload.doubtful else "refused"

    def begin(self, company: str, upload: Upload | None) -> Event:
        """A change of a slot is sent."""
        event = Event(upload, time.monotonic())
        with self._lock:
            self.slots[company].events.append(event)
        return event

    def end(self, company: str, event: Event, *, replayed: bool = False) -> None:
        """The change is acknowledged. `replayed`: an earlier try had made it."""
        slot, upload = self.slots[company], event.upload
        with self._lock:
            event.ended, event.acknowledged = time.monotonic(), True
            if upload is None:
                return
            # All tries together change the slot once.
            slot.events = [e for e in slot.events if e is event or e.upload is not upload]
            if replayed:
                event.began = upload.first_sent

    def withdraw(self, company: str, event: Event) -> None:
        """The change was refused."""
        with self._lock:
            self.slots[company].events.remove(event)

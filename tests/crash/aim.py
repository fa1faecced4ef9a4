"""The gun: a SIGKILL at a chosen step of one upload. Something outside the service sees how far the upload is."""

import random
import threading
import time
from collections.abc import Mapping, Sequence

from tests.crash.service import Service

AIMS = ("10-11", "11", "9", "10", "after")

# How far an upload was seen to be; each pair sees some of these.
INSERT = "insert"  # step 9: the statement is on its way (Postgres), the log is being written (SQLite)
INSERTED = "inserted"  # step 9 is over (Postgres)
PUT = "put"  # step 10: its file is made, for one that was held in memory (a disk)
STORED = (
    "stored"  # the file goes to its place (a disk), the first statement of step 11 comes and is held back (Postgres)
)
SETTLE = "settle"  # step 11: statements are on their way (Postgres), the log is being written (SQLite)
COMMITTED = "committed"  # step 11: Postgres has answered, and the answer is held back
SETTLED = "settled"  # the service may know that step 11 is over

Triggers = Mapping[str, Sequence[tuple[str, float]]]  # aim -> (what must be seen, at most so many seconds after it)


class Gun:
    """Armed for one step of the next upload. Whoever sees that upload tells it, and holds back what comes next."""

    def __init__(self, service: Service, aim: str, triggers: Triggers, rng: random.Random) -> None:
        self.stage = ""  # the last thing that was seen before the shot
        self.shot = threading.Event()
        self._service, self._rng = service, rng
        self._trigger, self._delay = rng.choice(triggers[aim])

    def sees(self, stage: str) -> bool:
        """Something was seen; whether the service is dead now."""
        if self.shot.is_set():
            return True
        self.stage = stage
        if stage != self._trigger:
            return False
        if self._delay:
            time.sleep(self._rng.uniform(self._delay / 4, self._delay))
        self._service.kill()
        self.shot.set()
        return True

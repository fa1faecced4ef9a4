"""The story of a run: load, death, a new start, every answer checked, a sweep, rows and objects compared."""

import random
import time
from collections.abc import Sequence

from tests.crash import compare
from tests.crash.aim import Gun
from tests.crash.book import Book, Upload
from tests.crash.clients import Client
from tests.crash.load import Dawdler, Load
from tests.crash.pairs import Place
from tests.crash.plan import Plan, plan
from tests.crash.remains import STRAY_SECONDS
from tests.crash.service import SHUTDOWN_SECONDS, NotReady, Service
from tests.crash.steps import step_of
from tests.crash.talk import Lost, Refused, Talk
from tests.crash.tally import Tally, say
from tests.crash.verify import Verification, by_sha

MOST_DEFECTS = 20  # then the run ends
OWN_CHECK = 20  # rounds between two runs of `stowage check`
SWEEP_INTERVAL = "0.1"  # seconds: so that a kill often falls into a sweep
TOLD = 25  # rounds between two lines about how it goes
HUNG_UP_SECONDS = 0.2  # in which the service ends the uploads of clients that hung up
SHOT_SECONDS = 5  # that the gun gets after an answer
MARGIN = 5  # seconds, on a busy machine


class Run:
    """One pair, round after round."""

    def __init__(
        self, place: Place, tally: Tally, seed: int, *, prefix: Sequence[str] = (), **environment: str
    ) -> None:
        self._place, self._tally, self._seed = place, tally, seed
        self._prefix, self._more = prefix, environment
        self._book = Book()
        self._service: Service | None = None
        self._left: set[str] = set()  # pending since the deaths before this round

    def rounds(self, count: int, *, until: float = float("inf"), most: int = MOST_DEFECTS) -> None:
        """So many, unless `until` (time.monotonic()) or too many defects come first."""
        began = time.monotonic()
        try:
            self._start(0)
            for number in range(count):
                self._round(plan(self._seed, number))
                self._tally.seconds = time.monotonic() - began
                if self._tally.rounds % TOLD == 0:
                    say(f"{self._tally.pair}: {self._tally.rounds} rounds, {self._tally.uploads} uploads")
                if time.monotonic() > until or len(self._tally.defects) >= most:
                    break
            if not plan(self._seed, self._tally.rounds - 1).swept:
                compare.compare(self._place, self._tally, sweeping=True)
            compare.check(self._place, self._tally)
        except (NotReady, Lost, Refused) as failure:
            self._place.eyes.check()
            self._place.remains.check_servers()
            self._tally.add("refused", f"the service does not start, or ended by itself: {failure!r}")
        finally:
            if self._service is not None:
                self._service.kill()
            if self._tally.defects:
                self._place.remains.write_down(self._place.folder / "remains.json")

    def _start(self, number: int) -> Service:
        """The service as the round of that number wants it."""
        interval = SWEEP_INTERVAL if plan(self._seed, number).sweeping else "0"
        environment = self._place.environment | {"SWEEP_INTERVAL": interval} | self._more
        self._service = Service(environment, self._place.log, self._prefix)
        self._service.wait_until_ready()
        return self._service

    def _round(self, this: Plan) -> None:
        service, place = self._service, self._place
        assert service is not None
        with place.log.open("a") as log:
            log.write(f"--- round {this.number}: {this}\n")
        self._count_caught(this, *self._end(this, service))
        self._tally.uploads = self._book.opened
        service = self._start(this.number + 1)
        with Talk(service.port) as talk:
            Verification(self._book, self._tally, talk, place.remains).check()
        compare.compare(place, self._tally, sweeping=this.swept)
        if this.swept and this.number % OWN_CHECK == OWN_CHECK - 1:
            compare.check(place, self._tally)
        self._left = {row.id for row in place.remains.rows() if row.state == "pending"}
        self._tell_complaints()
        self._tally.rounds += 1

    def _tell_complaints(self) -> None:
        """What clients were told and should not have been, if the service is to blame for it."""
        self._place.eyes.check()
        if self._book.complaints:
            self._place.remains.check_servers()
        for complaint in self._book.complaints:
            self._tally.add(*complaint)
        self._book.complaints.clear()

    def _end(self, this: Plan, service: Service) -> tuple[Upload | None, str]:
        """Load, and the death of the service in the middle of it; the gun's target, and how far it was seen to be."""
        load = Load(self._book, service, this.seed)
        load.begin()
        try:
            time.sleep(this.seconds)
            if this.end == "term":
                self._terminate(this, service)
            elif this.end == "aimed":
                load.pause()
                time.sleep(HUNG_UP_SECONDS)
                return self._shoot(this, service)
            return None, ""
        finally:
            service.kill()
            self._place.eyes.watch(None)
            load.end()

    def _shoot(self, this: Plan, service: Service) -> tuple[Upload, str]:
        """One upload, alone, and a kill at a chosen step of it."""
        rng = random.Random(f"{this.seed}/target")
        gun = Gun(service, this.aim, self._place.eyes.triggers, rng)
        self._place.eyes.watch(gun)
        client = Client(self._book, service, rng)
        target = client.prepare(in_memory=this.aim == "10")
        try:
            client.send(target)
            gun.shot.wait(SHOT_SECONDS if this.aim == "after" else 0)
        except (Lost, Refused):
            gun.shot.wait(SHOT_SECONDS)
        finally:
            client.close()
        return target, gun.stage

    def _terminate(self, this: Plan, service: Service) -> None:
        """SIGTERM: exit code 0 in time, and nothing is left half done."""
        dawdler = Dawdler(self._book, service) if this.dawdling else None
        began = time.monotonic()
        service.terminate()
        code = service.ended()
        seconds = time.monotonic() - began
        self._tally.terms += 1
        if dawdler:
            dawdler.end()
        if code != 0 or seconds > SHUTDOWN_SECONDS + MARGIN:
            self._tally.add("dropped", f"SIGTERM: exit code {code} after {seconds:.1f} s")
        for row in self._place.remains.rows_of_the_dead():
            if row.state == "pending" and row.id not in self._left:
                self._tally.add("dropped", f"SIGTERM: {row.id} is pending after {seconds:.1f} s, exit code {code}")

    def _count_caught(self, this: Plan, target: Upload | None, stage: str) -> None:
        """In which step a kill has caught what has no answer."""
        if self._place.strays:
            time.sleep(STRAY_SECONDS)
        rows, objects = by_sha(self._place.remains.rows_of_the_dead()), self._place.remains.objects()
        for upload in self._book.uploads:
            if upload.lost_at and upload.state == "lost" and this.end != "term":
                step = step_of(upload, rows, objects, stage=stage if upload is target else "")
                self._tally.kills[step] += 1
            upload.lost_at = None

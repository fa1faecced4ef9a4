"""One client: what it does, and how it writes what it was told into the book."""

import hashlib
import random
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from tests.crash.book import Book, Event, Upload
from tests.crash.contents import Recipe, any_size
from tests.crash.service import SHUTDOWN_SECONDS, Service
from tests.crash.talk import FORM, Answer, Lost, Refused, Talk, form

CROWDED = 60  # files kept at once, about: all of them are read after each round
LOGO = (200, 400_000)  # bytes
KINDS = ("photo", "document", "file")
UNDER_WAY = 0.2  # seconds: then a request has reached the service
HUNG_UP, SLOW, LARGE, KEYED = 0.04, 0.08, 0.25, 0.5  # shares of the uploads


class Client:
    """Acts at random, one request at a time."""

    def __init__(self, book: Book, service: Service, rng: random.Random) -> None:
        self.busy = False
        self._book, self._service, self._rng = book, service, rng
        self._talk = Talk(service.port)

    def close(self) -> None:
        """Hang up."""
        self._talk.close()

    def act(self) -> None:
        """Anything. `Refused`: nobody listens; `Lost`: there was no answer."""
        crowded = self._book.count(_is_kept) > CROWDED
        actions: dict[Callable[[], object], float] = {
            self._upload: 40,
            self._replace: 20,
            self._retry: 12,
            self._delete: 60 if crowded else 8,
            self._empty: 4,
            self._read: 6,
            self._look: 6,
        }
        self._rng.choices(list(actions), list(actions.values()))[0]()

    def prepare(self, *, in_memory: bool) -> Upload:
        """One file or logo, of any size unless it has to stay in memory, for `send`."""
        if self._rng.random() < 0.4:
            size = any_size(self._rng, large=False) if in_memory else self._rng.randint(*LOGO)
            return self._open([self._recipe("logo", size)], self._any_company())
        large = not in_memory and self._rng.random() < 0.5
        return self._open([self._recipe(self._rng.choice(KINDS), any_size(self._rng, large=large))])

    def _upload(self) -> None:
        """One file, or several at once."""
        count = self._rng.choice((1, 1, 1, 1, 1, 1, 3))
        kind, large = self._rng.choice(KINDS), count == 1 and self._rng.random() < LARGE
        self._try(self._open([self._recipe(kind, any_size(self._rng, large=large)) for _ in range(count)]))

    def _replace(self) -> None:
        """A new logo for one of the companies."""
        self._try(self._open([self._recipe("logo", self._rng.randint(*LOGO))], self._any_company()))

    def _retry(self) -> None:
        """The same again, with the same Idempotency-Key: mostly what had no answer, also what had one."""
        answered = self._rng.random() < 0.2
        upload = self._book.take(self._rng, lambda u: bool(u.key) and (u.state == "kept") == answered)
        if upload is not None:
            self._try(upload)

    def _delete(self) -> None:
        """All files of an upload, one by one."""
        if (upload := self._book.take(self._rng, _is_kept)) is None:
            return
        upload.fate = "deleting"
        try:
            answers = [self._ask("DELETE", f"/v1/assets/{asset_id}") for asset_id, _ in upload.alive]
        finally:
            self._book.give_back(upload)
        for answer in answers:
            if answer.status == HTTPStatus.NOT_FOUND:
                self._book.complain("lost", f"{upload.ids} was acknowledged, and to delete it is a 404")
        if all(answer.status == HTTPStatus.NO_CONTENT for answer in answers):
            upload.fate = "deleted"

    def _empty(self) -> None:
        """Delete a logo."""
        company = self._any_company()
        event = self._book.begin(company, None)
        try:
            answer = self._ask("DELETE", f"/v1/companies/{company}/logo")
        except Refused:
            self._book.withdraw(company, event)
            raise
        if answer.status == HTTPStatus.NO_CONTENT:
            self._book.end(company, event)
        else:
            self._book.withdraw(company, event)

    def _read(self) -> None:
        """A file that nobody deletes is there, whole, at every moment."""
        if (upload := self._book.take(self._rng, _is_kept)) is None:
            return
        try:
            answers = [self._ask("GET", f"/f/{asset_id}/x") for asset_id, _ in upload.alive]
        finally:
            self._book.give_back(upload)
        found = [hashlib.sha256(answer.body).hexdigest() for answer in answers]
        if all(answer.good for answer in answers) and found != [sha for _, sha in upload.alive]:
            self._book.complain("corrupt", f"{upload.ids} was read and is not what was sent")
        for answer in answers:
            if answer.status == HTTPStatus.NOT_FOUND:
                self._book.complain("lost", f"{upload.ids} is not found")

    def _look(self) -> None:
        """A slot shows one whole logo at every moment."""
        slot = self._book.slots[self._any_company()]
        if slot.permalink is None:
            return
        began = time.monotonic()
        answer = self._ask("GET", slot.permalink)
        if answer.status == HTTPStatus.NOT_FOUND and not slot.empty_since(began):
            self._book.complain("lost", f"the slot of company {slot.company} was empty for a moment")
        upload = self._book.by_sha.get(hashlib.sha256(answer.body).hexdigest())
        if answer.good and (upload is None or upload.company != slot.company):
            self._book.complain("corrupt", f"the slot of company {slot.company} showed what nobody put there")

    def _open(self, recipes: list[Recipe], company: str | None = None) -> Upload:
        key = f"key-{recipes[0].name}" if self._rng.random() < KEYED else None
        return self._book.open(tuple(recipes), [recipe.bake() for recipe in recipes], key, company)

    def _try(self, upload: Upload) -> None:
        """One try. Some clients are slow, some hang up after the last byte."""
        hang_up, slow = self._rng.random() < HUNG_UP, self._rng.random() < SLOW
        try:
            self.send(upload, pieces=6 if slow else 1, hang_up=hang_up)
        except Lost:
            if not hang_up:
                raise

    def send(self, upload: Upload, *, pieces: int = 1, hang_up: bool = False) -> None:
        """One try of an upload that is in our hands."""
        headers = FORM | ({"Idempotency-Key": upload.key} if upload.key else {})
        event = self._book.sent(upload)
        try:
            body = form("file", [recipe.bake() for recipe in upload.recipes])
            answer = self._ask("POST", _path(upload), body, headers, pieces=pieces, hang_up=hang_up)
        except Refused:
            self._refused(upload, event)
            raise
        except Lost as lost:
            self._book.lost(upload, None if hang_up else lost.at)
            raise
        else:
            self._answered(upload, event, answer)
        finally:
            self._book.give_back(upload)

    def _answered(self, upload: Upload, event: Event | None, answer: Answer) -> None:
        if not answer.good:
            self._refused(upload, event)
            return
        items = answer.json["items"] if len(upload.recipes) > 1 else [answer.json]
        self._book.kept(upload, tuple(item["id"] for item in items))
        if upload.company:
            self._book.slots[upload.company].permalink = "/" + answer.json["slot"]["permalink"].split("/", 3)[3]
        if event and upload.company:
            self._book.end(upload.company, event, replayed="idempotency-replayed" in answer.headers)

    def _refused(self, upload: Upload, event: Event | None) -> None:
        self._book.refused(upload)
        if event and upload.company:
            self._book.withdraw(upload.company, event)

    def _ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, **how: Any
    ) -> Answer:
        """One request. As long as nobody has told the service to end, it answers, and never with a 5xx."""
        began = time.monotonic()
        try:
            answer = self._talk.call(method, path, body, headers, **how)
        except Refused:
            if self._service.killed_at is None:
                self._book.complain("refused", f"{method} {path}: nobody listens, and the service was running")
            raise
        except Lost as lost:
            if not how.get("hang_up"):
                self._judge_loss(f"{method} {path}: {lost}", began, lost.at)
            raise
        if not (answer.good or (answer.status == HTTPStatus.NOT_FOUND and method != "POST")):
            self._judge_answer(f"{method} {path}: {answer.status} {answer.body[:200]!r}", answer)
        return answer

    def _judge_answer(self, what: str, answer: Answer) -> None:
        if self._service.killed_at is None:
            self._book.complain("refused", what)
        elif answer.status != HTTPStatus.SERVICE_UNAVAILABLE or "retry-after" not in answer.headers:
            self._book.complain("dropped", f"while it ended, {what}")

    def _judge_loss(self, what: str, began: float, lost: float) -> None:
        """At SIGTERM, what was under way is answered, if it doesn't take longer than the time that there is."""
        told = self._service.killed_at
        if told is None:
            self._book.complain("refused", f"{what}, and the service was running")
        elif self._service.gently and began < told - UNDER_WAY and lost < told + SHUTDOWN_SECONDS:
            self._book.complain("dropped", f"{what}, {told - began:.2f} s after it had begun, and SIGTERM came")

    def _recipe(self, kind: str, size: int) -> Recipe:
        return Recipe(f"{self._book.number()}", kind, size)

    def _any_company(self) -> str:
        return self._rng.choice(list(self._book.slots))


def _is_kept(upload: Upload) -> bool:
    """Promised, no logo, and nobody has asked to delete it."""
    return upload.state == "kept" and not upload.fate and upload.company is None


def _path(upload: Upload) -> str:
    return f"/v1/companies/{upload.company}/logo" if upload.company else f"/v1/assets?kind={upload.kind}"

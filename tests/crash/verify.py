"""After a restart, while nothing is under way: every answer that was ever given is held against what is there now."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from tests.crash.book import FOREVER, Book, Slot, Upload
from tests.crash.remains import Remains, Row
from tests.crash.talk import Answer, Talk
from tests.crash.tally import Tally

TRIES, PAUSE = 4, 0.5  # at an answer that is no answer
UNTRIED = 20  # uploads without an answer that wait for a retry


class Verification:
    """One look at everything."""

    def __init__(self, book: Book, tally: Tally, talk: Talk, remains: Remains) -> None:
        self._book, self._tally, self._talk, self._remains = book, tally, talk, remains
        self._ready: dict[str, list[Row]] = {}
        for row in remains.rows():
            if row.state == "ready":
                self._ready.setdefault(row.sha256, []).append(row)

    def check(self) -> None:
        """Decide what was in doubt, then read everything that was promised."""
        self._forget_the_past()
        for upload in self._book.uploads:
            self._decide(upload)
        for slot in self._book.slots.values():
            self._check_slot(slot)
        for upload in self._book.uploads:
            if upload.company is None and upload.state == "kept":
                self._check_upload(upload)
        self._check_strangers()
        self._close()

    def _forget_the_past(self) -> None:
        """Logos that were set by a lost try, and replaced: a retry is told the old answer, and changes nothing."""
        doubtful = {u.key: u for u in self._book.uploads if u.company and u.doubtful and u.key}
        for key in self._remains.answered(list(doubtful)):
            doubtful[key].key = None

    def _decide(self, upload: Upload) -> None:
        """A try without an answer has left all of its files, or none; the service that might go on with it is dead."""
        found = [self._ready.get(sha, []) for sha in upload.shas]
        if any(len(rows) > 1 for rows in found):
            self._tally.add("twice", f"{_name(upload)} is there twice: {[row.id for rows in found for row in rows]}")
        if upload.state == "kept":
            return
        if any(found) and not all(found):
            self._tally.add("corrupt", f"{_name(upload)}: some of its files are there, some are not")
        elif any(found) and upload.state == "refused":
            self._tally.add("ghosts", f"{_name(upload)} was refused, and is ready: {found[0][0].id}")
        if all(found):
            upload.state, upload.ids = "kept", tuple(rows[0].id for rows in found)
        else:
            upload.state, upload.first_sent = "refused", FOREVER  # nothing may come of it, unless it is tried again
        upload.doubtful = False

    def _check_upload(self, upload: Upload) -> None:
        """Each file is there, whole, or gone for good."""
        for asset_id, sha in upload.alive:
            answer = self._read(f"/f/{asset_id}/x")
            if answer.status == HTTPStatus.NOT_FOUND and upload.fate:
                upload.gone.add(asset_id)
            elif upload.fate == "deleted":
                self._tally.add("undead", f"{_name(upload)} {asset_id} was deleted: {answer.status}")
            elif answer.status != HTTPStatus.OK:
                self._tally.add("lost", f"{_name(upload)} {asset_id}: {answer.status} {answer.body[:300]!r}")
            elif hashlib.sha256(answer.body).hexdigest() != sha:
                self._tally.add("corrupt", f"{_name(upload)} {asset_id}: {len(answer.body)} other bytes than {sha}")
        if upload.fate:
            upload.fate = "" if upload.alive and upload.fate == "deleting" else "deleted"

    def _check_slot(self, slot: Slot) -> None:
        """It holds what it may hold, the same at both addresses; what it held before is gone."""
        shown = self._read(f"/v1/companies/{slot.company}/logo")
        sha = shown.json["sha256"] if shown.good else None
        upload = self._book.by_sha.get(sha or "")
        allowed = slot.allowed()
        names = ", ".join("nothing" if each is None else _name(each) for each in allowed)
        if sha is not None and upload is None:
            self._tally.add("corrupt", f"company {slot.company}: a logo that nobody sent, {sha}")
        elif upload not in allowed:
            holds = "nothing" if upload is None else _name(upload)
            self._tally.add("lost", f"company {slot.company} holds {holds}; it may hold {names}: {shown.status}")
        if slot.permalink is not None:
            self._check_permalink(slot, sha)
        slot.observe(upload)
        self._check_former(slot, upload)

    def _check_permalink(self, slot: Slot, sha: str | None) -> None:
        answer = self._read(slot.permalink or "")
        if sha is None:
            if answer.status != HTTPStatus.NOT_FOUND:
                self._tally.add("undead", f"company {slot.company} has no logo, and its permalink {answer.status}")
        elif not answer.good:
            self._tally.add("lost", f"company {slot.company}: {sha} is not at its permalink: {answer.status}")
        elif hashlib.sha256(answer.body).hexdigest() != sha:
            self._tally.add("corrupt", f"company {slot.company}: {len(answer.body)} other bytes than {sha}")

    def _check_former(self, slot: Slot, upload: Upload | None) -> None:
        """Logos that were replaced, or deleted with their slot, are not readable by their own address either."""
        for former in self._book.uploads:
            if former.company != slot.company or former is upload or former.state != "kept":
                continue
            if self._read(f"/f/{former.ids[0]}/x").status != HTTPStatus.NOT_FOUND:
                self._tally.add("undead", f"{_name(former)} {former.ids[0]} was replaced, and is readable")
            former.fate = "deleted"

    def _check_strangers(self) -> None:
        """Nothing is ready that was deleted, refused, or never sent: also what was closed long ago."""
        for sha, rows in self._ready.items():
            upload = self._book.by_sha.get(sha)
            if upload is None:
                self._tally.add("ghosts", f"nobody has sent what {rows[0].id} holds")
            elif upload not in self._book.uploads:
                what = "undead" if upload.fate else "ghosts"
                self._tally.add(what, f"{_name(upload)} {rows[0].id} is ready")

    def _close(self) -> None:
        """Forget what is over; from now on it is a stranger."""
        untried = [u for u in self._book.uploads if u.state == "refused" and u.key][-UNTRIED:]
        self._book.uploads = [
            u for u in self._book.uploads if (u.state == "kept" and u.fate != "deleted") or u in untried
        ]

    def _read(self, path: str) -> Answer:
        """An answer that says something: a service that has just started may be busy for a moment."""
        self._tally.answers += 1
        for _ in range(TRIES):
            answer = self._talk.call("GET", path)
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            time.sleep(PAUSE)
        return answer


def _name(upload: Upload) -> str:
    """For a sentence."""
    what = f"logo of company {upload.company}" if upload.company else upload.kind
    return f"upload {upload.recipes[0].name} ({what}, {upload.key or 'no key'})"


def by_sha(rows: Sequence[Row]) -> Mapping[str, Row]:
    """A row for each content."""
    return {row.sha256: row for row in rows}

"""In which step a kill has caught an upload, by what it left and by what was seen from outside.

After a death each upload without an answer is one of four: no row; a pending row without its object; a pending row with
it; a ready row. That tells `receiving`, `10`, `10-11` and `after`. What cannot be told by what is left:

- Step 9 leaves no row, like receiving, or a pending row, like the beginning of step 10.
- Step 11 leaves a pending row with its object, like the moment before it, or a ready row, like the moment after it.

So 9 and 11 are counted only for uploads at which the gun (aim.py) was aimed. On Postgres they are exact: the wire holds
back the statement or its answer while it shoots. On SQLite the shot follows the first write to the log within about a
millisecond, while that is being flushed or shortly after; `after` is then 2 to 8 ms later: there the line between the
two is a guess. The small moment between the end of step 9 and the first byte of step 10 counts as 10 everywhere.

An upload is counted, not a kill: one kill catches as many as are under way.
"""

from collections.abc import Collection, Mapping

from tests.crash.aim import COMMITTED, INSERT, SETTLE
from tests.crash.book import Upload
from tests.crash.remains import Row

STEPS = ("receiving", "9", "10", "10-11", "11", "after")


def step_of(upload: Upload, rows: Mapping[str, Row], objects: Collection[str], *, stage: str = "") -> str:
    """One of STEPS. `rows` by SHA-256; `stage` is the gun's, if the upload was its target."""
    found = [rows[sha] for sha in upload.shas if sha in rows]
    if not found:
        return "9" if stage == INSERT else "receiving"
    if all(row.state == "pending" for row in found):
        if not all(row.key in objects for row in found):
            return "9" if stage == INSERT else "10"
        return "11" if stage in {SETTLE, COMMITTED} else "10-11"
    return "11" if stage in {SETTLE, COMMITTED} else "after"

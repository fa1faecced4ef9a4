"""All guards, in the order of docs/security.md; and the rows that have none, with the reason."""

from tests.guards.answers import ANSWERING
from tests.guards.callers import CALLING
from tests.guards.contents import CONTENTS
from tests.guards.guard import Guard, guard
from tests.guards.pictures import PICTURES
from tests.guards.serving import SERVING
from tests.guards.uploading import UPLOADING

GUARDS: tuple[Guard, ...] = (*UPLOADING, *CONTENTS, *PICTURES, *SERVING, *CALLING, *ANSWERING)

WITHOUT = {
    "S1": "The lock decides what is installed: tests/deploy/test_versions.py reads it.",
    "S11": "Nothing is unpacked.",
    "S29": "No upload goes past the service.",
    "S37": "The image is the guard: tests/deploy/test_image.py builds it and tries it.",
    "S38": "The lock and the Dockerfile are the guard.",
}

# A defect that nobody can notice, and one that doesn't even run: a trial that they fail would prove nothing.
CONTROLS = (
    guard(
        *("control", "what changes nothing"),
        ("app.assets.names", "# normalising takes the square of a run of accents", "# a comment"),
        "tests/assets/test_names.py",
    ),
    guard(
        *("control", "what does not run"),
        ("app.assets.names", "if len(name) > MOST:", "if nobody_has_defined_this:"),
        "tests/assets/test_names.py",
    ),
)

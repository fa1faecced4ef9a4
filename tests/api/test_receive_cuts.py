"""What breaks the rules breaks them wherever the network cuts: each of these was once taken in some cut."""

import pytest
from starlette.testclient import TestClient

from app.api.preamble import Preamble
from app.errors import MalformedMultipart
from app.services import Services
from tests.api.forms import BOUNDARY, form, part
from tests.api.refusals import keeps_nothing, refused
from tests.api.wire import split, through

FILE = part("file", b"some text", "a.txt")
MARK = f"--{BOUNDARY}".encode()
BODIES = {
    "text before the first boundary": b"garbage" + form(FILE),
    "a preamble that doesn't end its line": b"Ignore me.\r\nand me" + form(FILE),
    "LF before a header": form(b"\n" + FILE),
    "LF in a header": form(FILE.replace(b"; filename", b";\n filename")),
    "LF after a header": form(FILE.replace(b"Content-Disposition", b"X-Other: 1\nContent-Disposition")),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_broken_form_is_refused_in_every_cut(acme: TestClient, shared: Services, body: bytes) -> None:
    """In one piece, byte by byte, and in two pieces of any lengths."""
    cuts = [[body], split(body, 1), *([body[:at], body[at:]] for at in range(1, len(body)))]
    with keeps_nothing(shared):
        for cut in cuts:
            refused(through(acme, cut), 400, "malformed_multipart")


@pytest.mark.parametrize(
    "before", [b"", b"\r\n", b"Ignore me.\r\n", b"-" * 50 + b"\r\n", MARK[:-1] + b"\r\n", b"\r" * 9 + b"\r\n"]
)
def test_a_preamble_is_dropped_in_every_cut(before: bytes) -> None:
    """And all from the first boundary on is passed."""
    body = before + form(FILE)
    for cut in [[body], split(body, 1), *([body[:at], body[at:]] for at in range(1, len(body)))]:
        preamble = Preamble(BOUNDARY)
        assert b"".join(map(preamble.removed, cut)) == form(FILE)


def test_a_body_without_one_is_not_copied() -> None:
    """Most bodies begin with their boundary."""
    body = form(FILE)

    assert Preamble(BOUNDARY).removed(body) is body


def test_little_of_a_preamble_is_kept() -> None:
    """Only what could be the beginning of the boundary: a megabyte of dashes takes no more."""
    preamble = Preamble(BOUNDARY)
    for _ in range(1000):
        assert preamble.removed(b"-" * 1000) == b""

    assert len(preamble._held) < 2 * len(MARK)
    with pytest.raises(MalformedMultipart):
        preamble.removed(form(FILE))

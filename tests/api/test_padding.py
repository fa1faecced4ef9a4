"""Padding is taken out of boundary lines and of nothing else, however the body is cut."""

import itertools
import random

import pytest

from app.api.padding import LONGEST, Padding

LINE = b"--b-b"
BODIES = {
    "nothing": (b"", b""),
    "no padding": (LINE + b"\r\nx\r\n" + LINE + b"--\r\n", None),
    "padded first": (LINE + b"  \r\nx", LINE + b"\r\nx"),
    "padded twice": (LINE + b" \r\nx\r\n" + LINE + b"\t \r\ny", LINE + b"\r\nx\r\n" + LINE + b"\r\ny"),
    "not at the beginning of a line": (b"x" + LINE + b"  \r\n\n" + LINE + b" \r\n-" + LINE + b" \r\nx", None),
    "another word": (b"\r\n" + LINE + b" x\r\n", None),
    "longer": (b"\r\n" + LINE + b"b \r\n", None),
    "the last one": (b"\r\n" + LINE + b"--  \r\n", None),
    "dashes": (b"-" * 30 + b"\r\n", None),
    "too many": (b"\r\n" + LINE + b" " * (LONGEST + 1) + b"\r\n", None),
    "as many as may be": (b"\r\n" + LINE + b" " * LONGEST + b"\r\nx", b"\r\n" + LINE + b"\r\nx"),
    "CR only": (b"\r\n" + LINE + b"  \rx", None),
}


def passed(pieces: list[bytes]) -> bytes:
    """What comes out of all of them."""
    padding = Padding("b-b")
    return b"".join(padding.removed(piece) for piece in pieces)


@pytest.mark.parametrize("name", BODIES)
def test_padding_goes_and_all_else_stays(name: str) -> None:
    """In one piece, byte by byte, and cut at each place."""
    body, wanted = BODIES[name]
    cuts = [[body], [body[n : n + 1] for n in range(len(body))], *([body[:n], body[n:]] for n in range(len(body)))]

    assert {passed(cut) for cut in cuts} == {body if wanted is None else wanted}


def test_any_body_in_any_cut_is_the_same() -> None:
    """Ten thousand made of the parts that matter."""
    chance = random.Random(1)
    words = [b"\r", b"\n", b"\r\n", b"-", b"--", LINE, LINE[:-1], b" ", b"\t", b"x", LINE + b" \r\n"]
    for _ in range(10_000):
        body = b"".join(chance.choices(words, k=chance.randint(1, 12))) + b"end"
        places = sorted({0, len(body), *(chance.randrange(len(body)) for _ in range(3))})
        cut = [body[a:b] for a, b in itertools.pairwise(places)]
        assert passed(cut) == passed([body]), cut


def test_what_needs_no_change_is_not_copied() -> None:
    """A piece of a large file is passed on as it is."""
    piece = random.Random(2).randbytes(100_000)

    assert Padding("b-b").removed(piece) is piece

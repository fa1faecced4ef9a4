"""File names, cleaned for people, headers and logs."""

import random
import time
import unicodedata

import pytest

from app.assets.names import clean_name

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ODD = "\0\n\r\t\x1b\x7f\x85\ud800\udfff\u2028\u2029\u0301\u200e./\\ \u3000abcé漢😀\u202e"


@pytest.mark.parametrize(
    "name",
    [
        "logo.png",
        "Übersicht 2026.pdf",
        "漢字.txt",
        "a.tar.gz",
        ".gitignore",
        "no extension",
        "a'b\"c;d%00.png",
        "😀.png",
    ],
)
def test_an_ordinary_name_stays(name: str) -> None:
    """Whatever its alphabet: it is kept for people."""
    assert clean_name(name) == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/etc/passwd", "passwd"),
        ("../../x.png", "x.png"),
        ("a/b/c.png", "c.png"),
        ("C:\\Users\\me\\Logo.png", "Logo.png"),
        ("\\\\server\\share\\x.pdf", "x.pdf"),
        ("..\\..\\x.png", "x.png"),
        ("a/b\\c.png", "c.png"),
        ("a\\b/c.png", "c.png"),
    ],
)
def test_only_the_last_part_of_a_path_is_kept(name: str, expected: str) -> None:
    """Of Unix and of Windows: old browsers send all of it."""
    assert clean_name(name) == expected


@pytest.mark.parametrize("name", ["", " ", "\t\n", ".", "..", "a/", "a/..", "\\", "\0", "..\u202e", "\u200e", "/./"])
def test_a_name_that_says_nothing_is_replaced(name: str) -> None:
    """By one that a person can read."""
    assert clean_name(name) == "file"


CONTROLS = "\0\x01\x08\t\n\r\x1b\x1f\x7f\x80\x85\x9f\u2028\u2029\ud800\udfff"


@pytest.mark.parametrize("character", list(CONTROLS), ids=ascii)
def test_controls_are_removed(character: str) -> None:
    """They could end a header, a log line, or an encoder."""
    assert clean_name(f"a{character}b.png") == "ab.png"


@pytest.mark.parametrize("character", BIDI, ids=ascii)
def test_what_turns_text_around_is_removed(character: str) -> None:
    """`exe` must not look like `png`."""
    assert clean_name(f"gpj.{character}exe") == "gpj.exe"


def test_a_name_is_composed() -> None:
    """NFC: what macOS sends in two characters is one."""
    assert clean_name("e\u0301.png") == "é.png"


def test_a_name_is_composed_after_it_was_cleaned() -> None:
    """What stood between a letter and its accent is gone, and the two are one."""
    assert clean_name("e\u200e\u0301.png") == "é.png"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a" * 255, "a" * 255),
        ("a" * 256, "a" * 255),
        ("a" * 300 + ".png", "a" * 251 + ".png"),
        ("é" * 200 + ".jpeg", "é" * 125 + ".jpeg"),
        ("😀" * 100 + ".pdf", "😀" * 62 + ".pdf"),
        ("." + "a" * 300, "." + "a" * 254),
        ("a." + "b" * 300, "a." + "b" * 253),
        ("a" * 300 + ".tar.gz", "a" * 252 + ".gz"),
        ("a" * 254 + " " + "b" * 50, "a" * 254),
    ],
    ids=range(9),
)
def test_a_long_name_is_cut_before_its_extension(name: str, expected: str) -> None:
    """At most 255 bytes of UTF-8, in whole characters; what is longer than 16 bytes is no extension."""
    assert clean_name(name) == expected == clean_name(expected)


def test_any_name_becomes_a_clean_one() -> None:
    """2,000 odd ones: composed, without controls or separators, short, not empty; and clean names stay as they are."""
    chance = random.Random(7)
    for _ in range(2_000):
        name = "".join(chance.choices(ODD, k=chance.choice([1, 5, 20, 400])))
        clean = clean_name(name)

        assert 1 <= len(clean.encode()) <= 255
        assert clean == unicodedata.normalize("NFC", clean)
        assert not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in BIDI + "/\\" for c in clean)
        assert clean not in {".", ".."}
        assert clean == clean.strip()
        assert clean_name(clean) == clean


def test_a_run_of_accents_takes_no_time() -> None:
    """Composing takes the square of it, on the event loop: what is too long anyway is cut before."""
    began = time.perf_counter()
    name = clean_name("a" + "\u0301" * 60_000 + "\u0316" * 60_000 + ".png")

    assert time.perf_counter() - began < 3
    assert name.endswith(".png")

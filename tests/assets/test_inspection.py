"""What a file is, by its contents."""

import time

import pytest

from app.assets.inspection import UNKNOWN, Inspection, inspect
from tests.conftest import PDF, make_jpg, make_png
from tests.images.samples import avif, ispe

GIF = b"GIF89a\x05\x00\x07\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff;"
WEBP = b"RIFF\x24\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x09\0\0\x13\0\0VP8 "
AVIF = avif(ispe(8, 6))


def kind_of(data: bytes) -> str:
    """The type of a whole file."""
    return inspect(data, whole=True).content_type


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (make_png(3, 4), Inspection("image/png", 3, 4)),
        (make_jpg(16, 12), Inspection("image/jpeg", 16, 12)),
        (GIF, Inspection("image/gif", 5, 7)),
        (WEBP, Inspection("image/webp", 10, 20)),
        (AVIF, Inspection("image/avif", 8, 6)),
        (PDF, Inspection("application/pdf")),
        (b"\xef\xbb\xbf \r\n" + PDF, Inspection("application/pdf")),
        (b"plain text", Inspection("text/plain")),
        (b"", Inspection("text/plain")),
    ],
    ids=["png", "jpeg", "gif", "webp", "avif", "pdf", "pdf after junk", "text", "empty"],
)
def test_a_file_is_what_its_bytes_say(data: bytes, expected: Inspection) -> None:
    """With the size of an image; a file's name is not even asked for."""
    assert inspect(data, whole=True) == expected


@pytest.mark.parametrize(
    "data",
    [
        "Grüße, 漢字, 😀\n".encode(),
        b"\xef\xbb\xbfwith a mark",
        b"tabs\tand\r\nlines\x0cand pages",
        b"a < b and c > d",
        b"1 <2",
        b"  < not a tag",
        b'{"json": "<b>"}',
        b"name;value\n1;2\n",
        b"# heading\n\n<b>later</b>",
        b"<3",
    ],
)
def test_text_is_text(data: bytes) -> None:
    """UTF-8 without control characters, in which no markup begins."""
    assert kind_of(data) == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>",
        b"<!DOCTYPE html><html>",
        b"<!doctype HTML>",
        b" \r\n\t<HTML>",
        b"\xef\xbb\xbf<html>",
        b"<script>alert(1)</script>",
        b"<!-- a comment --><script>",
        b"<!-- <svg> --><html>",
        b"<!-- never closed",
        b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>",
        b"<?php echo 1; ?>",
        b"<a href=x>",
        b"<x-element>",
        b"<body onload=alert(1)>",
        b"<math><mi>",
        b"<?xml version='1.0'?><!DOCTYPE html><p>",
        b"<?xml version='1.0'?><!-- never closed",
    ],
)
def test_what_a_browser_could_run_is_html(data: bytes) -> None:
    """Any markup at the beginning, whatever stands before it."""
    assert kind_of(data) == "text/html"


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"<?xml version='1.0' encoding='utf-8'?>\n<svg>",
        b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<svg width='1'>",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd"><svg>',
        b"<svg:svg xmlns:svg='http://www.w3.org/2000/svg'>",
        b"  <SVG>",
        b"<!-- one --><!-- two --><svg>",
    ],
)
def test_an_svg_is_an_svg(data: bytes) -> None:
    """Behind an XML prologue, comments and a doctype."""
    assert kind_of(data) == "image/svg+xml"


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"text with a \0 in it",
        b"\x01\x02\x03",
        b"\x7f",
        b"\xff\xfeh\0t\0\0\0m\0l\0",
        b"\xfe\xff\0h\xd8\0\0x",
        b"\xff\xfeh",
        b"\xc3\x28 bad utf-8",
        b"\xed\xa0\x80 surrogate",
        b"\xc0\xaf overlong",
        b"PK\x03 no zip",
        b"\x7fELF",
        b"ends in the middle of a character \xe6\xbc",
        b"BM\x46\0\0\0",
        b"\x1f\x8b\x09 no gzip",
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_anything_else_is_unknown(data: bytes) -> None:
    """Binary, other encodings, broken ones, and images that are cut before their size."""
    assert kind_of(data) == UNKNOWN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße, 漢字, 😀\r\n", "text/plain; charset=utf-16"),
        ("name;value\n1;2\n", "text/plain; charset=utf-16"),
        ("", "text/plain; charset=utf-16"),
        (" \n<html><script>", "text/html"),
        ("<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'>", "text/html"),
        ("<svg onload='alert(1)'>", "image/svg+xml"),
    ],
)
def test_text_in_utf_16_is_told_by_its_mark(text: str, encoding: str, expected: str) -> None:
    """Named, so that a refusal can say what it is; markup is markup in any encoding."""
    assert kind_of(f"\ufeff{text}".encode(encoding)) == expected


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_character_at_the_end_of_the_head_may_be_cut(cut: int) -> None:
    """The head of a longer text ends anywhere; the end of a whole file doesn't."""
    head = b"text " + "😀".encode()[:cut]

    assert inspect(head, whole=False) == Inspection("text/plain")
    assert inspect(head, whole=True) == Inspection(UNKNOWN)


def test_bad_bytes_before_the_end_of_the_head_are_bad() -> None:
    """Only the last character is forgiven."""
    assert inspect(b"\xf0\x9f text", whole=False).content_type == UNKNOWN


@pytest.mark.parametrize(
    "data",
    [
        b" " * 4095 + b"x",
        b" " * 256_000,
        b"\n" * 4000 + b"<3",
        b"<!---->" * 600 + b"x",
        b"<!-- " * 800,
        b"<?xml " * 700,
        b"<!doctype " * 400,
        b"<?xml?> " * 500 + b"<3",
        (b" " * 50 + b"<!-- -->") * 70 + b"x",
    ],
    ids=range(9),
)
def test_no_text_takes_long(data: bytes) -> None:
    """It is looked at on the event loop: whatever was made to be slow takes a few milliseconds all the same."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        inspect(data, whole=True)
        took.append(time.perf_counter() - began)

    assert min(took) < 0.5

"""What a client calls a file: it is compared with the contents, and hardly ever believed."""

import pytest

from app.assets.inspection import UNKNOWN, inspect
from tests.conftest import PDF, make_jpg, make_png
from tests.images.samples import avif, ispe

PNG, JPG, HTML = make_png(), make_jpg(), b"<html><script>"
TABLE = b"name;price\r\na;1,50\r\nb;2,50\r\n"


def said(data: bytes, filename: str, declared: str = "") -> str | None:
    """What the inspection tells of it."""
    return inspect(data, whole=True, filename=filename, declared=declared).said


@pytest.mark.parametrize(
    ("data", "filename", "declared", "expected"),
    [
        (HTML, "a.png", "image/png", "image/png"),
        (HTML, "a.png", "", "image/png"),
        (HTML, "a", "image/png", "image/png"),
        (PNG, "a.png", "text/html", "text/html"),
        (PNG, "a.png", "text/html;charset=utf-8", "text/html"),
        (PNG, "a.html", "image/png", "text/html"),
        (PNG, "a.jpg", "image/jpeg", "image/jpeg"),
        (PDF, "a.docx.svg", "", "image/svg+xml"),
        (b"text", "a.html", "", "text/html"),
        (b"text", "a.pdf", "", "application/pdf"),
        (b"\0\1", "a.pdf", "application/pdf", "application/pdf"),
    ],
)
def test_a_contradiction_is_told(data: bytes, filename: str, declared: str, expected: str) -> None:
    """What the client said, where the contents are something else; the type is that of the contents."""
    assert said(data, filename, declared) == expected
    assert (
        inspect(data, whole=True, filename=filename, declared=declared).content_type
        == inspect(data, whole=True).content_type
    )


@pytest.mark.parametrize(
    ("data", "filename", "declared"),
    [
        (PNG, "a.png", "image/png"),
        (PNG, "A.PNG", "IMAGE/PNG; x=y"),
        (PNG, "a", ""),
        (PNG, "a.unheard-of", "application/octet-stream"),
        (PNG, "", "image/x-png"),
        (JPG, "a.jpeg", "image/jpg"),
        (JPG, "a.jpg", "image/pjpeg"),
        (avif(ispe(1, 1), brand=b"mif1", compatible=b"miaf"), "a.heic", "image/heic"),
        (PDF, "a.pdf", "application/x-pdf"),
        (b"# title", "a.md", "text/markdown"),
        (b"a\nb", "a.csv", "application/vnd.ms-excel"),
        (b"{}", "a.json", "application/json"),
        (b"{", "a.json", "text/json"),
        (HTML, "a.html", "application/xhtml+xml"),
    ],
)
def test_other_names_of_the_same_are_none(data: bytes, filename: str, declared: str) -> None:
    """And what says nothing contradicts nothing."""
    assert said(data, filename, declared) is None


@pytest.mark.parametrize(
    ("data", "filename", "declared", "expected"),
    [
        (TABLE, "a.csv", "", "text/csv"),
        (TABLE, "a", "text/csv", "text/csv"),
        (TABLE, "a.tsv", "", "text/tab-separated-values"),
        (TABLE, "a.txt", "", "text/plain"),
        (TABLE, "", "", "text/plain"),
        (b"a\tb\n1\t2\n", "a.csv", "", "text/csv"),
        (b'a,"b\nc"\n1,2\n', "a.csv", "", "text/csv"),
        (b"just a sentence", "a.csv", "", "text/plain"),
        (b"one\ntwo\nthree\n", "a.csv", "", "text/plain"),
        ("prénom;été\n1;2\n".encode("latin-1"), "a.csv", "", "text/csv"),
        ("prénom;été\n1;2\n".encode("latin-1"), "a.txt", "", UNKNOWN),
        (b"\xff\xd8;\xe0\n1;2\n3;\0\n", "a.csv", "", UNKNOWN),
        (b"<html>,b\n1,2\n", "a.csv", "text/csv", "text/html"),
        (b'{"a": [1]}', "a.json", "", "application/json"),
        (b'{"a": ', "a.json", "", "text/plain"),
        (b"[" * 100_000, "a.json", "", "text/plain"),
        (b'{"a": 1}', "a.txt", "", "text/plain"),
        (PNG, "a.csv", "text/csv", "image/png"),
    ],
)
def test_a_text_may_be_called_a_table_or_json(data: bytes, filename: str, declared: str, expected: str) -> None:
    """If it looks like one; nothing else is believed."""
    assert inspect(data, whole=True, filename=filename, declared=declared).content_type == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'/>", "application/xml"),
        (b"<?xml version='1.0'?>\n<!-- c -->\n<note/>", "application/xml"),
        (b"<?xml version='1.0'?><xsl:stylesheet/>", "application/xml"),
        (b"<?xml version='1.0'?><script/>", "text/html"),
        (b"<?xml version='1.0'?><!DOCTYPE html><p/>", "text/html"),
        (b"<?php ?><feed/>", "text/html"),
        (b"<note/>", "text/html"),
    ],
)
def test_xml_is_told_from_html(data: bytes, expected: str) -> None:
    """By its declaration; neither is ever shown in a page."""
    assert inspect(data, whole=True).content_type == expected

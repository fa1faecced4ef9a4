"""What a text is: plain, a table, JSON, or markup that a browser could run."""

import codecs
import csv
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

TEXT, CSV, TSV, JSON = "text/plain", "text/csv", "text/tab-separated-values", "application/json"
HTML, SVG, XML = "text/html", "image/svg+xml", "application/xml"
UTF_16 = "text/plain; charset=utf-16"  # named so that a refusal can say it: texts are taken in UTF-8
MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
CONTROL_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
MARKUP = re.compile(r"<[a-z!?/]")
PROLOGUE = {"<!--": "-->", "<?": "?>", "<!doctype": ">"}  # what may stand before the first tag
ACTIVE = re.compile(r"<(?:html|script|head|body|iframe|object|embed|x-|\?php)")
SNIFFED = 4096  # characters in which markup must begin
SAMPLE = 65_536  # characters in which a table is looked for
ROWS = 20
BLOCK = 65_536  # bytes


def by_text(head: bytes, *, whole: bool, called: str | None) -> str | None:
    """The type of a text; None when it is none. `called`: what its name or the client says, where texts can't tell."""
    if head.startswith(MARKS):
        return _in_utf_16(head, whole=whole)
    text = decoded(head, whole=whole)
    if text is not None:
        return _kind(text, whole=whole, called=called)
    table = called in {CSV, TSV} and not CONTROL_BYTES.search(head)  # what spreadsheets wrote in another encoding
    return called if table and _is_table(head.decode("latin-1")) else None


def decoded(head: bytes, *, whole: bool) -> str | None:
    """The head as UTF-8, if it is that and has no control characters; a character cut at its end is forgiven."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole)
    except UnicodeDecodeError:
        return None
    return None if CONTROLS.search(text) else text


def goes_on(stream: BinaryIO, content_type: str) -> bool:
    """Whether a whole file is text to its end: what begins as one may go on as anything. Blocks."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace" if content_type in {CSV, TSV} else "strict")
    try:
        while block := stream.read(BLOCK):
            if CONTROLS.search(decoder.decode(block)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _in_utf_16(head: bytes, *, whole: bool) -> str | None:
    """Markup is markup in any encoding; anything else is plain text."""
    try:
        text = codecs.getincrementaldecoder("utf-16")().decode(head, final=whole)
    except UnicodeDecodeError:
        return None
    kind = None if CONTROLS.search(text) else _kind(text, whole=whole, called=None)
    return UTF_16 if kind == TEXT else kind


def _kind(text: str, *, whole: bool, called: str | None) -> str:
    """Plain text, unless a browser could take it for something that runs, or it is called what it looks like."""
    rest = text[:SNIFFED].lstrip().lower()
    if MARKUP.match(rest):
        return _kind_of_markup(rest)
    if rest.startswith("%!ps"):
        return "application/postscript"
    if called == JSON and _is_json(text, whole=whole):
        return JSON
    return called if called in {CSV, TSV} and _is_table(text) else TEXT


def _kind_of_markup(rest: str) -> str:
    xml = rest.startswith("<?xml")
    while (opening := next((mark for mark in PROLOGUE if rest.startswith(mark)), None)) is not None:
        if rest.startswith("<!doctype svg"):
            return SVG
        xml = xml and not rest.startswith(("<?php", "<!doctype html"))
        rest = rest.partition(PROLOGUE[opening])[2].lstrip()
    if re.match(r"<(?:[\w-]+:)?svg\b", rest):
        return SVG
    return XML if xml and re.match(r"<\w", rest) and not ACTIVE.match(rest) else HTML


def _is_json(text: str, *, whole: bool) -> bool:
    if not whole:
        return text.lstrip()[:1] in {"{", "["}
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(text: str) -> bool:
    """Rows of two columns or more, nearly all of one length, by one of four separators."""
    return any(_is_even(_rows(text[:SAMPLE], separator)) for separator in ",;\t|")


def _is_even(lengths: list[int]) -> bool:
    most = max(set(lengths), key=lengths.count, default=0)
    return most > 1 and lengths.count(most) * 10 >= len(lengths) * 8


def _rows(text: str, separator: str) -> list[int]:
    """The lengths of the first rows; the last one may be cut."""
    try:
        rows = [len(row) for row in islice(csv.reader(_lines(text), delimiter=separator), ROWS) if row]
    except csv.Error:
        return []
    return rows[:-1] if len(rows) > 1 and len(text) == SAMPLE else rows


def _lines(text: str) -> Iterator[str]:
    return iter(text.splitlines(keepends=True))

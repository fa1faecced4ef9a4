"""SVGs made harmless: what is left is well-formed, harmless by our own and by a stranger's opinion, and stays."""

import re
import xml.etree.ElementTree as ET
from html import unescape
from xml.sax.saxutils import escape, quoteattr

import py_svg_hush

from app.errors import UnsafeSvg
from app.images.svg import sanitise
from tests.fuzz.target import Target, check, stretched
from tests.images.svgs import HARMLESS, HOSTILE, NESTED, REFUSED, svg
from tests.images.test_svg_second_opinion import KEPT, parts

ACTIVE = {"script", "foreignObject", "iframe", "embed", "object", "handler", "listener", "audio", "video", "feImage"}
ADDRESS = re.compile(r"#|data:image/(?:png|jpeg|gif|webp|avif)[;,]", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?<![\w-])expression\s*\(|url\(\s*+[\"']?+\s*+(?!#)", re.IGNORECASE)
RULES = re.compile(r"\{([^{}]*+)\}|(@import)", re.IGNORECASE)  # a selector fetches nothing
MENDED = b"\x01"
TAG = re.compile(r"""<(/?)([A-Za-z]\w*+)((?:[^<>"'/]|"[^"]*"|'[^']*')*+)(/?)>""", re.ASCII)
ATTRIBUTE = re.compile(r"""(?:^|\s)((?:xlink:|xml:)?[A-Za-z][\w-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.ASCII)
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PLAIN = '<rect onclick="x" onbegin="y" onload="1" srcdoc="z" formaction="#a" ping="#a"/>'  # harmless values alone
SMALL = 20_000  # bytes of which a second opinion is asked


def execute(data: bytes) -> None:
    """One file; behind a mark, what is left of one when its tags are mended, for few spoiled files are XML."""
    if data.startswith(MENDED):
        data = svg(_mended(data[1:].decode("utf-8", "replace")))
    try:
        made = sanitise(data)
    except UnsafeSvg:
        return
    root = ET.fromstring(made)
    check(sanitise(made) == made, "what is clean stays as it is")
    for element in root.iter():
        _harmless(element)
    if len(made) < SMALL:
        theirs = py_svg_hush.filter_svg(made, keep_data_url_mime_types=KEPT)
        check(_told(theirs) == _told(made), "another cleaner finds nothing to remove")


def _told(data: bytes) -> list[tuple[str, set[str]]]:
    """Elements and the names of attributes: values that are spoiled are spelt by the other one in its own way."""
    return [(tag, found.keys() - {"href"}) for tag, found in parts(data)]


def _harmless(element: ET.Element) -> None:
    namespace, _, tag = element.tag.rpartition("}")
    check(namespace == "{http://www.w3.org/2000/svg", "all elements are those of SVG")
    check(tag not in ACTIVE, "no element runs or leads away")
    for name, value in element.attrib.items():
        bare = name.rpartition("}")[2]
        check(not bare.lower().startswith("on"), "no attribute runs")
        check(bare != "href" or ADDRESS.match(value), "an address is in the file")
        check(bare == "href" or not ELSEWHERE.search(value), "no attribute leads away")
    rules = RULES.findall(element.text or "") if tag == "style" else []
    check(not any(other or ELSEWHERE.search(body) for body, other in rules), "no style leads away")


def _mended(text: str) -> str:
    """Tags that match, attributes that stand once, texts without signs of markup."""
    made, waiting, at = [], list[str](), 0
    for tag in TAG.finditer(text := NO_XML.sub("", text)):
        closes, name, rest, empty = tag.groups()
        made.append(escape(unescape(text[at : tag.start()])))
        at = tag.end()
        if not closes:
            made.append(f"<{name}{_attributes(rest)}{'/' if empty else ''}>")
            waiting.extend([] if empty else [name])
        elif name in waiting:
            while (last := waiting.pop()) != name:
                made.append(f"</{last}>")
            made.append(f"</{name}>")
    made.append(escape(unescape(text[at:])))
    return "".join([*made, *(f"</{name}>" for name in reversed(waiting))])


def _attributes(text: str) -> str:
    found = {name: NO_XML.sub("", unescape(one or other)) for name, one, other in ATTRIBUTE.findall(text)}
    return "".join(f" {name}={quoteattr(value)}" for name, value in found.items())


def seeds() -> list[bytes]:
    """Harmless and hostile ones, refused ones that are small, and long ones."""
    short = [svg(inner) for inner in (PLAIN, *HARMLESS.values(), *HOSTILE.values())]
    mended = [MENDED + inner.encode() for inner in (PLAIN, *HARMLESS.values(), *HOSTILE.values())]
    refused = [data for data in REFUSED.values() if len(data) < SMALL]
    return [*short, *mended, *refused, *[stretched(data, len(data) // 2, 7, 20_000) for data in short[::6]]]


TOKENS = (
    *(
        b"<script>",
        b"</script>",
        b"<style>",
        b"</style>",
        b"<g>",
        b"</g>",
        b"<use href='#a'/>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
    ),
    *(
        b" onload='x'",
        b" onclick='x'",
        b" href='",
        b' xlink:href="',
        b"javascript:",
        b"data:image/png;base64,",
        b"data:image/svg+xml,",
        b"url(",
    ),
    *(
        b"url(#a)",
        b"\\75rl(",
        b"@import ",
        b"@media x{",
        b"/*",
        b"*/",
        b"{",
        b"}",
        b";",
        b"&#0;",
        b"&#10;",
        b"&lt;",
        b"&amp;",
    ),
    *(
        b"<!DOCTYPE svg [",
        b"<!ENTITY a 'b'>",
        b"&a;",
        b"xmlns='",
        b"xmlns:x='http://www.w3.org/2000/svg'",
        b"<x:g/>",
        b"'",
        b'"',
    ),
    *(
        b"<animate attributeName='href' to='",
        b"<foreignObject>",
        NESTED.encode(),
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\x00",
    ),
    *(
        b"<image href='",
        b" style='",
        b" id='a'",
        b"<?xml version='1.0'?>",
        b"expression(",
        b"<filter>",
        b"<mask id='a'>",
        b"\\",
    ),
)
TARGET = Target(execute, seeds, TOKENS)

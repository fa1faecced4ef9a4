"""CSS of an SVG: what draws stays; nothing in it can name another address."""

import re
from collections.abc import Iterator

NESTED = 2  # @keyframes in @media is as deep as it gets
LOCAL = re.compile(r"""url\(\s*(?:#[\w.:-]+|'#[\w.:-]+'|"#[\w.:-]+")\s*\)""", re.IGNORECASE)
FRAGMENT = re.compile(r"""url\(\s*['"]?#([\w.:-]+)""", re.IGNORECASE)
FUNCTION = re.compile(r"(?<![\w-])([\w-]*)\(")
ODD = re.compile(
    r"[\\<>{}@\x00-\x08\x0b\x0e-\x1f]|/\*|\b(?:javascript|vbscript|data|https?|file|ftp)\s*:", re.IGNORECASE
)
STRING = re.compile(r"""\"[^"'\n{};@<>()]*"|'[^"'\n{};@<>()]*'""")
COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)  # an open one ends with the text: each begins one scan
PROPERTY = re.compile(r"[-\w]+")
SELECTOR = re.compile(r"[\w\s.#:,*+~=^$|\[\]()\"'%-]+(?:>[\w\s.#:,*+~=^$|\[\]()\"'%-]+)*")
CONDITION = re.compile(r"@(?:media|(?:-webkit-)?keyframes)\b(?:(?!url)[\w\s:(),.%/-])*", re.IGNORECASE)
RULE = re.compile(r"(?<![^{}])([^{}]*+)\{([^{}]*+)\}")
MARK, BRACKET = re.compile(r"[{};]"), re.compile(r"[{}]")
NAME = re.compile(r"[\w-]+|\*")
KNOWN = """
abs blur brightness calc circle clamp color color-mix contrast cubic-bezier drop-shadow ellipse grayscale hsl hsla
hue-rotate hwb inset invert lab lch linear matrix matrix3d max min not oklab oklch opacity path perspective polygon
rgb rgba rotate rotate3d rotatex rotatey rotatez saturate scale scale3d scalex scaley scalez sepia skew skewx skewy
steps translate translate3d translatex translatey translatez var
"""
FUNCTIONS = frozenset({"", *KNOWN.split()})


def harmless(value: str) -> bool:
    """Whether a value is only numbers, words, colours, shapes, and `url(#…)` of the same document."""
    if ODD.search(value):
        return False
    return "(" not in value or all(name.lower() in FUNCTIONS for name in FUNCTION.findall(LOCAL.sub(" ", value)))


def clean_declarations(text: str) -> str:
    """`name: value; …` without those that aren't harmless."""
    kept = []
    for declaration in COMMENT.sub(" ", text).split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if value and PROPERTY.fullmatch(name) and _whole(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)


def clean_sheet(text: str) -> str:
    """A style sheet without @import, @font-face and whatever else is not a plain rule."""
    text = COMMENT.sub(" ", text).partition("/*")[0].replace("<!--", " ").replace("-->", " ")
    if "\\" in text or _has_quotes(text):
        return ""  # where escapes and odd strings are, a browser may read other rules than we do
    return "".join(_rules(text, NESTED))


def fragments(value: str) -> list[str]:
    """The ids that a value refers to."""
    return FRAGMENT.findall(value) if "#" in value else []


def sheet_fragments(sheet: str) -> Iterator[tuple[str, list[str]]]:
    """Each tag, class or id that a cleaned sheet styles, with the ids that its rules refer to; `*` is everything."""
    for selector, body in RULE.findall(sheet):
        if ids := fragments(body):
            for name in NAME.findall(selector):
                yield name, ids


def _whole(value: str) -> bool:
    """Harmless, and no fragment of a value that was cut at a semicolon: its quotes or brackets would be open."""
    return harmless(value) and value.count("(") == value.count(")") and not _has_quotes(value)


def _has_quotes(text: str) -> bool:
    """Besides those around plain strings."""
    rest = STRING.sub(" ", LOCAL.sub(" ", text))
    return '"' in rest or "'" in rest


def _rules(text: str, nested: int) -> Iterator[str]:
    at = 0
    while (mark := MARK.search(text, at)) is not None:
        prelude, at = text[at : mark.start()].strip(), mark.end()
        if mark[0] != "{":
            continue  # @import and @charset, or a bracket too many
        end = _closing(text, at)
        if end is None:
            return
        body, at = text[at:end], end + 1
        yield from _rule(prelude, body, nested)


def _rule(prelude: str, body: str, nested: int) -> Iterator[str]:
    if prelude.startswith("@"):
        inner = "".join(_rules(body, nested - 1)) if nested and CONDITION.fullmatch(prelude) else ""
        if inner:
            yield f"{prelude}{{{inner}}}"
    elif "{" not in body and SELECTOR.fullmatch(prelude) and (kept := clean_declarations(body)):
        yield f"{prelude}{{{kept}}}"


def _closing(text: str, at: int) -> int | None:
    """Where the bracket that opened before `at` closes."""
    depth = 1
    for mark in BRACKET.finditer(text, at):
        depth += 1 if mark[0] == "{" else -1
        if depth == 0:
            return mark.start()
    return None

"""Content-Disposition, read from form parts (RFC 7578, RFC 8187)."""

import re
from urllib.parse import unquote_to_bytes

PARAMETER = re.compile(
    r""";\s*(?P<name>[A-Za-z0-9_.-]+\*?)\s*=\s*(?:"(?P<quoted>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<plain>[^;\s]*))""", re.DOTALL
)
EXTENDED = re.compile(r"(?P<charset>[\w-]+)'[\w-]*'(?P<value>.*)", re.ASCII)
CHARSETS = {"utf-8": "utf-8", "iso-8859-1": "latin-1", "us-ascii": "ascii"}


def read_parameters(header: str) -> dict[str, str]:
    """`form-data; name="a"; filename="b"` -> its parameters; `filename*` wins over `filename`.

    `header` holds one character a byte (latin-1), as it came; names are UTF-8, or latin-1 where they can't be that.
    """
    found: dict[str, str] = {}
    for match in PARAMETER.finditer(header):
        quoted = match["quoted"]
        value = match["plain"] if quoted is None else _unquoted(quoted)
        found.setdefault(match["name"].lower(), _text(value.encode("latin-1")))
    for name in [name for name in found if name.endswith("*")]:
        if (extended := _extended(found[name])) is not None:
            found[name[:-1]] = extended
    return found


def _unquoted(text: str) -> str:
    r"""Undo the two ways of quoting a quote: `\"` of the RFCs, `%22` of browsers. Other backslashes are path parts."""
    text = re.sub(r'\\(["\\])', r"\1", text)
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def _extended(text: str) -> str | None:
    """`UTF-8''%C3%A9.png` -> `é.png`; None when it is broken, so that the plain parameter counts."""
    match = EXTENDED.fullmatch(text)
    charset = CHARSETS.get(match["charset"].lower()) if match else None
    if match is None or charset is None:
        return None
    try:
        return unquote_to_bytes(match["value"]).decode(charset)
    except UnicodeDecodeError:
        return None


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")

"""File names: kept for people, cleaned of what could mislead a person, a header or a log."""

import unicodedata

LONGEST = 255  # bytes of UTF-8
MOST = 4 * LONGEST  # characters that are looked at: the first half and the last
LONGEST_EXTENSION = 16  # bytes; what is longer is no extension
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
FALLBACK = "file"


def clean_name(name: str) -> str:
    """A client's file name -> its last path part, NFC, without controls and bidi overrides, at most 255 bytes."""
    name = name.replace("\\", "/").rpartition("/")[2]
    if len(name) > MOST:  # normalising takes the square of a run of accents
        name = name[: MOST // 2] + name[-MOST // 2 :]
    if not (name.isascii() and name.isprintable()):
        name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cs", "Zl", "Zp"} and c not in BIDI)
    name = _shorten(unicodedata.normalize("NFC", name).strip()).strip()  # it may have been cut behind a blank
    return FALLBACK if name in {"", ".", ".."} else name


def _shorten(name: str) -> str:
    """Cut in the middle of the stem: the extension stays."""
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > LONGEST_EXTENSION:
        stem, dot, extension = name, "", ""
    room = LONGEST - len(f"{dot}{extension}".encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension

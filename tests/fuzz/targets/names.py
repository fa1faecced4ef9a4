"""Texts of clients: names, JSON, cursors, keys, ranges, entity tags. Each is cleaned, read or refused."""

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, unquote
from uuid import UUID

from starlette.datastructures import Headers
from starlette.requests import Request

from app.api.assets import _changes, _slot_of
from app.api.auth import credential
from app.api.deps import if_match, plain_name, uuid_of
from app.api.disposition import read_parameters
from app.api.orders import json_object, metadata_of, visibility_of
from app.api.ranges import not_modified, wanted_range
from app.assets.cursors import read_cursor
from app.assets.keys import is_key, key_for, slug
from app.assets.names import BIDI, LONGEST, clean_name
from app.assets.serving import NOT_PLAIN
from app.db.records import SlotRef
from app.errors import StowageError
from app.storage.backend import safe
from tests.fuzz.target import Target, check, stretched

ID = UUID("01a1fe46-6c38-7226-99df-e72aefb3b6b7")
SIZE = 1000
LONGEST_KEY = 4000
SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,64}")


def execute(data: bytes) -> None:
    """Which reader, and the text: as UTF-8, or one character a byte as headers come."""
    if not data:
        return
    form, read = data[0] & 1, READERS[data[0] // 2 % len(READERS)]
    try:
        text = data[1:].decode("utf-8", "surrogateescape") if form else data[1:].decode("latin-1")
    except UnicodeDecodeError:
        return
    try:
        read(text)
    except StowageError as refusal:
        check(400 <= refusal.status < 500, "a refusal is the client's fault")
        json.dumps({"detail": refusal.detail, **refusal.extra}, ensure_ascii=False).encode(errors="replace")


def _name(text: str) -> None:
    name = clean_name(text)
    check(1 <= len(name.encode()) <= LONGEST, "a name has 1 to 255 bytes, and is UTF-8")
    check(name not in {".", ".."}, "a name is no folder")
    check(not any(c in BIDI or c in "/\\" or unicodedata.category(c) in {"Cc", "Cs"} for c in name), "a name is plain")
    check(clean_name(name) == name, "a clean name stays as it is")
    fallback = NOT_PLAIN.sub("_", name)
    check(fallback.isascii() and fallback.isprintable() and '"' not in fallback, "a header holds the plain name")
    check(read_parameters(f"x; filename*=UTF-8''{quote(name, safe='')}")["filename"] == name, "a name comes back")


def _parameters(text: str) -> None:
    for name, value in read_parameters(text.encode("utf-8", "surrogateescape").decode("latin-1")).items():
        check(name.isascii(), "the name of a parameter is plain")
        _name(value)


def _json(text: str) -> None:
    value = json_object(text, name="x")
    check(json_object(json.dumps(value, ensure_ascii=False), name="x") == value, "what is read can be read again")
    metadata_of(text)


def _body(text: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    check(set(_changes(raw)) <= {"filename", "visibility", "metadata"}, "nothing else changes")


def _cursor(text: str) -> None:
    moment, asset_id = read_cursor(text)
    check(moment.tzinfo is UTC and moment >= datetime(1970, 1, 1, tzinfo=UTC), "a cursor is a moment")
    check(isinstance(asset_id, UUID), "and an id")


def _range(text: str) -> None:
    found = wanted_range(_sent("range", text), SIZE, '"tag"')
    check(found is None or 0 <= found[0] < found[1] <= SIZE, "a range lies in the file")
    wanted_range(_sent("if-range", text, "bytes=0-1"), SIZE, '"tag"')
    not_modified(_sent("if-none-match", text), '"tag"')


def _sent(name: str, text: str, wanted: str = "") -> Headers:
    """A header as it comes, after a range."""
    raw = text.encode("utf-8", "surrogateescape")
    return Headers(raw=[*([(b"range", wanted.encode())] if wanted else []), (name.encode(), raw)])


def _tags(text: str) -> None:
    try:
        if_match(text).send(None)  # it waits for nothing
    except StopIteration as given:
        check(given.value, "there is a tag, be it an empty one")


def _credential(text: str) -> None:
    head = text.encode("utf-8", "surrogateescape")
    request = Request({"type": "http", "headers": [(b"authorization", head), (b"x-api-key", head)]})
    check(credential(request) is None or isinstance(credential(request), str), "a credential is a text or none")


def _key(text: str) -> None:
    """A tenant's, an owner's and a slot's names as a key."""
    text = text[:LONGEST_KEY]  # doors take 255 characters
    tenant, _, rest = text.partition("/")
    owner, _, name = rest.partition("/")
    slot = SlotRef(tenant=tenant, scope="company", owner=owner, name=name or "logo")
    for place in (slot, None):
        key = key_for(ID, tenant=tenant or "default", kind="logo", content_type=text, slot=place)
        check(is_key(key) and safe(key) == key, "a key is ours")
    check(SEGMENT.fullmatch(slug(text)), "a part of a key is plain")
    check(
        slug(unquote(quote(text, errors="surrogatepass"), errors="surrogatepass")) == slug(text), "and always the same"
    )


READERS: tuple[Callable[[str], object], ...] = (
    *(_name, _parameters, _json, _body, _cursor, _range, _tags, _credential, _key),
    *(lambda text: _slot_of(text, "acme"), plain_name, uuid_of, visibility_of),
)
SAMPLES: tuple[str, ...] = (
    "report.pdf",
    "C:\\fakepath\\caf\u00e9\u202egnp.exe",
    "../../etc/passwd\0.png",
    "a" * 254 + " " + "b" * 50,
    "e\u0301" * 40 + ".tar.gz",
    'form-data; name="a"; filename="b\\"c%22.png"; filename*=UTF-8\'\'%C3%A9',
    '{"a": [1, 2.5e3, {"b": null}], "c": "\\u00e9\\ud83d\\ude00"}',
    '{"filename": "x", "visibility": "public", "metadata": {"a": 1}}',
    "AAYk_nqfPAAAAAAAAAAAAAAAAAAAAAAA",
    "bytes=0-499",
    "bytes=-500, 7-",
    '"a", W/"b", *',
    "Bearer a.b.c",
    "company/42/logo",
    str(ID),
    "public",
    '"tag"',
)


def seeds() -> list[bytes]:
    """Each sample for each reader, in both forms; some are long."""
    plain = [bytes([2 * n]) + text.encode() for n in range(len(READERS)) for text in SAMPLES]
    utf = [bytes([2 * n + 1]) + text.encode() for n in range(len(READERS)) for text in SAMPLES]
    return [*plain, *utf, *[stretched(data, len(data) // 2, 3, 50_000) for data in utf[::7]]]


TOKENS = (
    *(
        b'"',
        b"\\",
        b"'",
        b"%",
        b"%22",
        b"%C3",
        b"\0",
        b"\r\n",
        b"/",
        b"..",
        b"\xe2\x80\xae",
        b"\xcc\x81",
        b"\xed\xa0\x80",
    ),
    *(b"bytes=", b"-", b",", b"*", b"W/", b"=", b"==", b"{", b"}", b"[", b"]", b":", b"null", b"1e999", b"NaN", b"-0"),
    *(
        b"\\u0000",
        b"\\ud800",
        b'"metadata": ',
        b'"filename": ',
        b"9" * 30,
        b"9" * 5000,
        b"filename*=",
        b"UTF-8''",
        b";",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xef\xbf\xbd", b"\xf0\x9f\x98\x80", b" ", b"\xe3\x80\x80", b"\xc2\x85"),
)
TARGET = Target(execute, seeds, TOKENS)

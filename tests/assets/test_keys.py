"""Ids and keys: ours, whatever the client says."""

import hashlib
import re
import time
from uuid import UUID, uuid4

import pytest

from app.assets.keys import key_for, new_id, slug
from app.db.records import SlotRef
from app.storage.backend import KEY, KEY_LENGTH

ID = UUID("01a1fe6b-c68d-7508-96b1-e3f76a80c7ea")


def key(**changes: object) -> str:
    """The key of a PNG of tenant acme and kind photo, unless told otherwise."""
    given = {"tenant": "acme", "kind": "photo", "content_type": "image/png", "slot": None, **changes}
    return key_for(ID, **given)


def slot(scope: str, owner: str, name: str) -> SlotRef:
    """A slot of acme."""
    return SlotRef(tenant="acme", scope=scope, owner=owner, name=name)


def test_an_id_is_a_uuid_of_version_7() -> None:
    """RFC 9562: version, variant, and 48 bits of milliseconds in front."""
    before = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000

    assert {(i.version, i.variant) for i in ids} == {(7, "specified in RFC 4122")}
    assert all(before <= i.int >> 80 <= after for i in ids)


def test_ids_cannot_be_guessed() -> None:
    """74 bits differ from one to the next, each of them now one and now zero."""
    ids = [new_id().int for _ in range(1_000)]
    ones = [sum(i >> bit & 1 for i in ids) for bit in [*range(62), *range(64, 76)]]

    assert len(set(ids)) == 1_000
    assert all(350 < count < 650 for count in ones)


@pytest.mark.parametrize("text", ["a", "42", "my-company_1", "A" * 64, "-", "_"])
def test_a_plain_word_is_its_own_slug(text: str) -> None:
    """So that an operator finds it on the disk."""
    assert slug(text) == text


ODD = ["", "A" * 65, "a b", "a/b", "..", ".", "a.b", "ä", "a\n", "\0", "../../etc", ".spool", "lost+found", "\uff21"]
ODD += ["\ud800"]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_other_text_becomes_a_hash(text: str) -> None:
    """`h-` and 16 hex digits: the same for the same text, another for another."""
    assert re.fullmatch(r"h-[0-9a-f]{16}", slug(text))
    assert slug(text) == slug(text)
    assert slug(text) != slug(text + "x")


def test_the_hash_is_that_of_the_utf_8() -> None:
    """It is a promise: other programs may work it out."""
    assert slug("ä") == f"h-{hashlib.sha256('ä'.encode()).hexdigest()[:16]}"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, f"acme/photo/{ID}.png"),
        ({"tenant": "default"}, f"photo/{ID}.png"),
        ({"tenant": "default", "kind": "document", "content_type": "application/pdf"}, f"document/{ID}.pdf"),
        ({"content_type": "image/jpeg"}, f"acme/photo/{ID}.jpg"),
        ({"content_type": "text/plain"}, f"acme/photo/{ID}.txt"),
        ({"content_type": "text/html"}, f"acme/photo/{ID}.bin"),
        ({"content_type": "image/svg+xml"}, f"acme/photo/{ID}.svg"),
        ({"slot": slot("company", "42", "logo")}, f"acme/company_logos/company_42/{ID}.png"),
        ({"slot": slot("company", "42", "banner")}, f"acme/company/42/banner/{ID}.png"),
        ({"slot": slot("users", "7", "avatar")}, f"acme/users/7/avatar/{ID}.png"),
        ({"tenant": "default", "slot": slot("company", "my", "logo")}, f"company_logos/company_my/{ID}.png"),
    ],
    ids=range(11),
)
def test_a_key_says_whose_it_is_and_what(changes: dict[str, object], expected: str) -> None:
    """[tenant/]folder/id.ext: a slot's folder, or the kind."""
    assert key(**changes) == expected


@pytest.mark.parametrize("evil", ["../..", "a/b", "", ".", "\0", "{owner}", "{0}", "ä" * 300, "x" * 300, "%2e%2e"])
def test_no_text_of_a_client_shapes_a_key(evil: str) -> None:
    """Tenant, scope, owner and name each stay one plain segment, and the store takes the key."""
    keys = [
        key(tenant=evil),
        key(slot=slot("company", evil, "logo")),
        key(slot=slot(evil, evil, evil), tenant=evil),
        key_for(uuid4(), tenant="x" * 64, kind="document", content_type="?", slot=slot("s" * 64, "o" * 64, "n" * 64)),
    ]

    assert [k.count("/") for k in keys] == [2, 3, 4, 4]
    assert all(KEY.fullmatch(k) and len(k) <= KEY_LENGTH for k in keys)

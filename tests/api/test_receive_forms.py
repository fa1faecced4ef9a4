"""The grammar of forms: what real clients send is read byte for byte, what breaks the rules is refused."""

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.forms import BOUNDARY, form, part, post, typed
from tests.api.refusals import keeps_nothing, refused
from tests.api.wire import split, through
from tests.conftest import make_png

PNG = make_png()
FILE = part("file", PNG, "a.png")
MARK = f"--{BOUNDARY}".encode()
CONTENTS = {
    "one byte": b"x",
    "a line break": b"\r\n",
    "ends like a boundary's beginning": b"abc\r\n",
    "ends with CR": b"abc\r",
    "dashes": b"\r\n--",
    "almost the boundary": b"\r\n" + MARK[:-1],
    "almost the boundary, and more": b"a\r\n" + MARK[:-1] + b"\r\n" + MARK[:-2] + b"--\r\n",
    "the boundary without its line break": b"x" + MARK + b"--\r\n",
    "the boundary after LF only": b"a\n" + MARK + b"\n",
    "many CRs": b"\r" * 500 + b"\n" * 500,
    "zeros": bytes(3000),
    "every byte": bytes(range(256)) * 3,
    "a padded boundary that begins no line": b"x" + MARK + b"  \r\n" + b"-" + MARK + b"\t\r\n",
    "looks like headers": b"Content-Disposition: form-data; name=kind\r\n\r\nlogo",
}
ENVELOPES = {
    "preamble": b"This is a multi-part message.\r\nIgnore me.\r\n" + form(FILE),
    "a line break before": b"\r\n" + form(FILE),
    "epilogue": form(FILE) + b"That was it.\r\n" + MARK + b"\r\n",
    "no line break at the end": form(FILE)[:-2],
    "a folded header": form(FILE.replace(b"; filename", b";\r\n\tfilename")),
    "headers in another case": form(FILE.replace(b"Content-Disposition", b"CONTENT-disposition")),
    "no space after the colon": form(FILE.replace(b": form-data", b":form-data")),
    "form-data in capitals": form(FILE.replace(b"form-data", b"Form-Data")),
    "other headers": form(part("file", PNG, "a.png", headers="Content-Type: text/html\r\nX-Any: thing\r\n")),
    "a length of the part": form(part("file", PNG, "a.png", headers=f"Content-Length: {len(PNG)}\r\n")),
    "names without quotes": form(FILE.replace(b'"file"', b"file").replace(b'"a.png"', b"a.png")),
    "no space between parameters": form(FILE.replace(b"; ", b";")),
    "blanks after a boundary": form(FILE).replace(MARK + b"\r\n", MARK + b" \t \r\n", 1),
    "blanks after each boundary": form(part("a", "1"), FILE).replace(MARK, MARK + b"  ").replace(b"  --", b"--  "),
    "name last": form(b'Content-Disposition: form-data; filename="a.png"; name="file"\r\n\r\n' + PNG),
    "fields around": form(part("a", "1"), part("a", "2"), FILE, part("b", ""), part("c", "\r\n")),
    "an empty file input beside": form(part("file", b"", ""), FILE),
}
BROKEN = {
    "blanks after a boundary, then text": form(FILE).replace(MARK + b"\r\n", MARK + b" x\r\n", 1),
    "more blanks than anybody pads with": form(FILE).replace(MARK + b"\r\n", MARK + b" " * 1025 + b"\r\n", 1),
    "a part without a name": form(b"Content-Disposition: form-data; !!!\r\n\r\nx", FILE),
    "a file without a name": form(b'Content-Disposition: form-data; filename="a.png"\r\n\r\n' + PNG),
    "LF only": form(FILE).replace(b"\r\n", b"\n"),
    "LF in the headers": form(FILE.replace(b"\r\n\r\n", b"\n\n", 1)),
    "no disposition": form(b"Content-Type: image/png\r\n\r\n" + PNG),
    "another disposition": form(FILE.replace(b"form-data", b"attachment")),
    "a header without a colon": form(b"Nonsense\r\n" + FILE),
    "a header without a name": form(b": x\r\n" + FILE),
    "a header that begins folded": form(b" folded\r\n" + FILE),
    "text after the boundary": form(FILE).replace(MARK + b"\r\n", MARK + b"garbage\r\n", 1),
    "a shorter length of the part": form(part("file", PNG, "a.png", headers="Content-Length: 3\r\n")),
    "a longer length of the part": form(part("file", PNG, "a.png", headers="Content-Length: 9999\r\n")),
    "a length that is none": form(part("file", PNG, "a.png", headers="Content-Length: -1\r\n")),
}
CUT = {
    "nothing": b"",
    "no boundary": b"just some bytes",
    "another boundary": form(FILE, boundary="another"),
    "a boundary that only begins alike": form(FILE, boundary=f"x{BOUNDARY}"),
    "never closed": form(FILE)[:-4],
    "JSON": b'{"file": "x"}',
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_files_bytes_are_its_own(acme: TestClient, content: bytes) -> None:
    """Whatever they look like, and in pieces of any size around the boundary's."""
    body = form(part("kind", "file"), part("file", content, "a.bin"))
    for size in (1, len(MARK) + 2, len(body)):
        shown = through(acme, split(body, size)).json()

        assert acme.get(f"/f/{shown['id']}/a.bin").content == content, size


@pytest.mark.parametrize("body", ENVELOPES.values(), ids=ENVELOPES)
def test_what_real_clients_send_is_read(acme: TestClient, body: bytes) -> None:
    """One file, its name and its bytes, at once and byte by byte."""
    for size in (1, len(body)):
        shown = through(acme, split(body, size)).json()

        assert (shown["filename"], shown["size"]) == ("a.png", len(PNG))
        assert acme.get(f"/f/{shown['id']}/a.png").content == PNG


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_rules_is_refused(acme: TestClient, shared: Services, body: bytes) -> None:
    """400 `malformed_multipart` (or `truncated_body`, where it only shows at the end), never a guess."""
    for size in (1, 13, len(body)):
        with keeps_nothing(shared):
            answer = through(acme, split(body, size))

            code = answer.json()["code"]
            assert code in {"malformed_multipart", "truncated_body"}
            refused(answer, 400, code)


def test_a_boundary_begins_a_line(acme: TestClient, shared: Services) -> None:
    """Text on the same line before it makes it none."""
    with keeps_nothing(shared):
        refused(through(acme, [b"garbage" + form(FILE)]), 400, "malformed_multipart")


@pytest.mark.parametrize("body", CUT.values(), ids=CUT)
def test_what_has_no_end_is_cut(acme: TestClient, shared: Services, body: bytes) -> None:
    """No closing boundary: 400 `truncated_body`."""
    with keeps_nothing(shared):
        refused(through(acme, [body]), 400, "truncated_body")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data;",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'x' * 201}",
        f"multipart/form-data; boundary={'x' * 60_000}",
        "multipart/form-data; boundary=\xe9",
        f"multipart/form-data; xboundary={BOUNDARY}",
    ],
    ids=range(9),
)
def test_an_absent_or_absurd_boundary_is_refused(acme: TestClient, shared: Services, content_type: str) -> None:
    """Before the body is read."""
    with keeps_nothing(shared):
        answer = through(acme, [form(FILE)], headers={"content-type": content_type})

        refused(answer, 400, "malformed_multipart")
        assert answer.asked == 0


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "image/png",
        "application/json",
        "application/x-www-form-urlencoded",
        f"multipart/mixed; boundary={BOUNDARY}",
        f"multipart/form-datax; boundary={BOUNDARY}",
        f"x-multipart/form-data; boundary={BOUNDARY}",
        f"text/plain, multipart/form-data; boundary={BOUNDARY}",
    ],
)
def test_what_is_no_form_is_refused(acme: TestClient, shared: Services, content_type: str) -> None:
    """415 `not_multipart`, before the body is read; the sentence says what to send."""
    with keeps_nothing(shared):
        answer = through(acme, [form(FILE)], headers={"content-type": content_type})

        assert "multipart/form-data" in refused(answer, 415, "not_multipart")["detail"]
        assert answer.asked == 0


@pytest.mark.parametrize(
    "content_type",
    [
        f"Multipart/Form-Data; Boundary={BOUNDARY}",
        f'multipart/form-data; boundary="{BOUNDARY}"',
        f"multipart/form-data;boundary={BOUNDARY}",
        f"multipart/form-data; charset=utf-8; boundary={BOUNDARY}; x=y",
        f"  multipart/form-data  ;  boundary={BOUNDARY}  ",
    ],
)
def test_a_boundary_may_be_written_in_many_ways(acme: TestClient, content_type: str) -> None:
    """As RFC 2046 and RFC 9110 allow."""
    assert through(acme, [form(FILE)], headers={"content-type": content_type}).status_code == 201


@pytest.mark.parametrize(
    "boundary", ["x", "-" * 70, "a'()+_,-./:=?b", "0" * 200, "----WebKitFormBoundary7MA4YWxkTrZu0gW"]
)
def test_any_allowed_boundary_works(acme: TestClient, boundary: str) -> None:
    """From one character to more than the RFC allows."""
    headers = {"content-type": f'multipart/form-data; boundary="{boundary}"'}
    for size in (1, 10_000):
        answer = through(acme, split(form(FILE, boundary=boundary), size), headers=headers)

        assert answer.json()["size"] == len(PNG)


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([], 400, "missing_file"),
        ([part("kind", "photo")], 400, "missing_file"),
        ([part("file", b"", "")], 400, "missing_file"),
        ([part("other", b"", "")], 400, "missing_file"),
        ([part("file", "the file as text")], 400, "missing_file"),
        ([part("file", "")], 400, "missing_file"),
        ([part("file", b"", "a.png")], 422, "empty_file"),
        ([part("other", PNG, "a.png")], 400, "unexpected_file"),
        ([part("FILE", PNG, "a.png")], 400, "unexpected_file"),
        ([part("", PNG, "a.png")], 400, "unexpected_file"),
        ([FILE, part("other", PNG, "a.png")], 400, "unexpected_file"),
    ],
)
def test_a_form_without_the_right_file_is_refused(
    acme: TestClient, shared: Services, parts: list[bytes], status: int, code: str
) -> None:
    """No file, a text, an empty one, the wrong field: each is told apart."""
    with keeps_nothing(shared):
        refused(post(acme, *parts), status, code)


def test_the_sentence_about_a_missing_file_names_what_came(acme: TestClient) -> None:
    """And what was wanted; without growing with the names."""
    body = refused(post(acme, part("image", "x"), part("y" * 5000, "x")), 400, "missing_file")

    assert "`file`" in body["detail"]
    assert "image" in body["detail"]
    assert len(body["detail"]) < 500


@pytest.mark.parametrize("fields", [["document", "photo"], ["photo", "photo"]])
def test_of_a_repeated_field_the_last_counts(acme: TestClient, fields: list[str]) -> None:
    """As in every form."""
    shown = post(acme, *[part("kind", kind) for kind in fields], FILE).json()

    assert shown["kind"] == "photo"


def test_a_compressed_body_is_not_unpacked(acme: TestClient, shared: Services) -> None:
    """Content-Encoding is nothing that we offer: no bomb can be hidden in it."""
    import gzip

    with keeps_nothing(shared):
        headers = {**typed(), "content-encoding": "gzip"}

        refused(through(acme, [gzip.compress(form(FILE))], headers=headers), 400, "truncated_body")

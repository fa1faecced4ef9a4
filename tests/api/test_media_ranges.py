"""Parts of a file and conditions on it (RFC 9110, 13 and 14)."""

import pytest
from starlette.testclient import TestClient

from tests.api.refusals import refused
from tests.conftest import make_png

CONTENT = make_png() + bytes(range(256)) * 8
SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def path(on_sqlite: TestClient) -> str:
    """The permalink of a public file."""
    shown = on_sqlite.post("/v1/assets?kind=photo", files={"file": ("a.png", CONTENT)}).json()
    return str(shown["permalink"]).removeprefix("http://stowage.test")


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=5-5", 5, 6),
        ("bytes=100-", 100, SIZE),
        ("bytes=0-", 0, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        (f"bytes={SIZE - 1}-{SIZE - 1}", SIZE - 1, SIZE),
        (f"bytes=10-{SIZE * 10}", 10, SIZE),
        ("bytes=-1", SIZE - 1, SIZE),
        ("bytes=-100", SIZE - 100, SIZE),
        (f"bytes=-{SIZE}", 0, SIZE),
        (f"bytes=-{SIZE * 10}", 0, SIZE),
        ("bytes=007-010", 7, 11),
    ],
)
def test_one_range_is_answered_with_it(acme: TestClient, path: str, wanted: str, start: int, end: int) -> None:
    """206, these bytes, and where they lie."""
    answer = acme.get(path, headers={"Range": wanted})

    assert answer.status_code == 206
    assert answer.content == CONTENT[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=999999999999-"])
def test_a_range_outside_is_refused(acme: TestClient, path: str, wanted: str) -> None:
    """416, and the size that the file has."""
    answer = acme.get(path, headers={"Range": wanted})

    refused(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-site"


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=0-1,3-4",
        "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(0, 4000, 2)),
        "bytes=0-" * 3000,
        "bytes=5-3",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "bytes=a-b",
        "bytes=1-2-3",
        "bytes=0x1-0x2",
        "bytes=+1-2",
        "bytes=--1",
        "bytes=1.0-2.0",
        "bytes=\u0660-\u0669".encode().decode("latin-1"),
        "bytes=0-" + "9" * 4000,
        "bytes=" + "9" * 4000 + "-",
        "lines=0-1",
        "items=1-",
        "bytes 0-1",
        "bytes=0 - 1",
    ],
    ids=range(21),
)
def test_what_is_not_one_range_is_ignored(acme: TestClient, path: str, wanted: str) -> None:
    """Several ranges, other units and nonsense: the whole file, once."""
    answer = acme.get(path, headers={"Range": wanted.encode("latin-1")})

    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert "content-range" not in answer.headers


def test_head_knows_no_ranges(acme: TestClient, path: str) -> None:
    """Range means something for GET alone (RFC 9110, 14.2)."""
    for wanted in ("bytes=0-1", f"bytes={SIZE}-"):
        answer = acme.head(path, headers={"Range": wanted})

        assert (answer.status_code, answer.headers["content-length"]) == (200, str(SIZE))


def test_a_range_holds_while_the_file_is_the_same(acme: TestClient, path: str) -> None:
    """If-Range with the ETag: the part; with anything else: the whole, also for a range that lies outside."""
    etag = acme.get(path).headers["etag"]

    def asked(condition: str, wanted: str = "bytes=0-1") -> int:
        return int(acme.get(path, headers={"Range": wanted, "If-Range": condition}).status_code)

    assert asked(etag) == 206
    for other in (f"W/{etag}", '"other"', "Sat, 01 Jan 2028 00:00:00 GMT", "*", ""):
        assert asked(other) == 200, other
    assert asked('"other"', f"bytes={SIZE}-") == 200


def test_who_has_the_file_already_is_told_so(acme: TestClient, path: str) -> None:
    """304 without a body for the tag alone, weak, in a list, or for `*`; the tag is sent again."""
    etag = acme.get(path).headers["etag"]

    for condition in (etag, f"W/{etag}", f'"a", {etag}', f'W/"a" ,W/{etag} , "b"', "*", " * "):
        for method in ("GET", "HEAD"):
            answer = acme.request(method, path, headers={"If-None-Match": condition})

            assert (answer.status_code, answer.content) == (304, b""), condition
            assert answer.headers["etag"] == etag


@pytest.mark.parametrize("condition", ['"other"', "other", "", '""', '"*"', 'W/"other"', ",", '"' * 5000])
def test_who_has_another_one_gets_this_one(acme: TestClient, path: str, condition: str) -> None:
    """200 and all bytes."""
    answer = acme.get(path, headers={"If-None-Match": condition})

    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_a_tag_comes_before_a_range(acme: TestClient, path: str) -> None:
    """Who has the file gets 304, whatever part is asked for."""
    etag = acme.get(path).headers["etag"]

    for wanted in ("bytes=0-1", f"bytes={SIZE}-"):
        assert acme.get(path, headers={"If-None-Match": etag, "Range": wanted}).status_code == 304


def test_the_etag_is_the_files(acme: TestClient, path: str) -> None:
    """The same bytes have the same strong tag, on every answer of theirs."""
    again = acme.post("/v1/assets?kind=logo", files={"file": ("b.png", CONTENT)}).json()
    same = acme.get(again["permalink"].removeprefix("http://stowage.test"))

    tags = {acme.get(path).headers["etag"], same.headers["etag"]}
    tags |= {acme.get(path, headers={"Range": "bytes=0-1"}).headers["etag"], acme.head(path).headers["etag"]}

    assert len(tags) == 1
    assert tags.pop().startswith('"')

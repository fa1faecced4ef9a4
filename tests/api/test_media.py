"""The door to bytes: permalinks of assets and of slots, and the headers that keep files harmless."""

from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from app.services import Services
from tests.api.refusals import refused
from tests.api.tokens import ACME, OTHER, READER, ROOT, bearer, of_company, signed
from tests.conftest import PDF, files_below, make_jpg, make_png

PNG = make_png()
HTML = b"<!doctype html><script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
NOT_ACME = {
    "nobody": {},
    "another tenant": OTHER,
    "another tenant by X-API-Key": {"X-API-Key": "other-key"},
    "garbage": bearer("garbage"),
    "no token": bearer("a.b.c"),
    "expired": bearer(signed(tenant="acme", lasts=-3600)),
    "forged": bearer(signed("another secret of thirty-two characters", tenant="acme")),
    "another scheme": {"Authorization": "Basic YWNtZTphY21lLWtleQ=="},
    "may not read": bearer(signed(tenant="acme", scope="write")),
}
ALWAYS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "accept-ranges": "bytes"}


def stored(client: TestClient, content: bytes = PNG, name: str = "a.png", **fields: str) -> str:
    """Store a file; the path of its permalink."""
    shown = client.post("/v1/assets", files={"file": (name, content)}, data=fields).json()
    return str(shown["permalink"]).removeprefix("http://stowage.test")


@pytest.mark.parametrize("size", [1, 74, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 3_000_000])
def test_the_bytes_are_those_that_were_sent(acme_on: TestClient, size: int) -> None:
    """From one byte to beyond what is read at once, with the right length and hash."""
    content = (PNG + bytes(range(256)) * (size // 256 + 1))[:size]
    answer = acme_on.get(stored(acme_on, content, kind="file"))

    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-length"] == str(size)


def test_head_is_get_without_the_bytes(acme: TestClient) -> None:
    """The same status and headers, of the asset's and of the slot's permalink."""
    logo = acme.put("/v1/slots/users/1/photo", files={"file": ("a.png", PNG)}).json()
    for path in (stored(acme), logo["slot"]["permalink"].removeprefix("http://stowage.test")):
        get, head = acme.get(path), acme.head(path)
        for answer in (get, head):
            del answer.headers["x-request-id"]

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers == get.headers


def test_the_name_in_the_address_does_not_matter(acme: TestClient) -> None:
    """Links survive a new name."""
    path = stored(acme)

    assert acme.get(f"{path}.exe").content == PNG
    assert acme.get(f"{path.rpartition('/')[0]}/%E2%80%AE%0D%0A").content == PNG


@pytest.mark.parametrize(
    ("content", "kind", "content_type", "shown"),
    [
        (PNG, "photo", "image/png", "inline"),
        (make_jpg(), "logo", "image/jpeg", "inline"),
        (PDF, "document", "application/pdf", "inline"),
        ("žluťoučký".encode(), "document", "text/plain; charset=utf-8", "inline"),
        (b"GIF89a/*\1\0\0\0\0*/=1;" + HTML, "photo", "image/gif", "inline"),
        (b"%PDF-1.4\n" + HTML, "document", "application/pdf", "inline"),
        (PNG, "file", "application/octet-stream", "attachment"),
        (PDF, "file", "application/octet-stream", "attachment"),
        (b"text", "file", "application/octet-stream", "attachment"),
        (HTML, "file", "application/octet-stream", "attachment"),
        (SVG, "file", "application/octet-stream", "attachment"),
        (b"\xef\xbb\xbf \n" + HTML, "file", "application/octet-stream", "attachment"),
        (b"<?xml version='1.0'?><html xmlns='x'/>", "file", "application/octet-stream", "attachment"),
    ],
)
def test_a_file_is_served_as_what_it_is_and_never_as_a_page(
    acme: TestClient, content: bytes, kind: str, content_type: str, shown: str
) -> None:
    """Images, PDF and text inline; everything of kind `file` as a download of no type."""
    answer = acme.get(stored(acme, content, "page.html", kind=kind))

    assert answer.content == content
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"].partition(";")[0] == shown


@pytest.mark.parametrize("kind", ["photo", "document", "file"])
@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}], ids=["200", "206", "304"])
def test_safe_headers_are_on_every_answer(acme: TestClient, kind: str, headers: dict[str, str]) -> None:
    """nosniff, no referrer, a policy in which nothing runs."""
    answer = acme.get(stored(acme, kind=kind), headers=headers)

    assert answer.headers.items() >= ALWAYS.items()
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_pdf_may_be_shown_by_the_browsers_viewer(acme: TestClient) -> None:
    """A sandbox would keep it from working; as an attachment it gets one all the same."""
    shown, download = acme.get(stored(acme, PDF)), acme.get(stored(acme, PDF, kind="file"))

    assert "content-security-policy" not in shown.headers
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert download.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("visibility", "caching", "policy"),
    [("public", "public, max-age=86400", "cross-origin"), ("private", "private, no-store", "same-site")],
)
def test_caches_keep_what_is_public(acme: TestClient, visibility: str, caching: str, policy: str) -> None:
    """And never what is private, also when it is asked for by its tenant."""
    path = stored(acme, visibility=visibility)
    for headers in ({}, {"Range": "bytes=0-1"}, {"If-None-Match": "*"}):
        answer = acme.get(path, headers=headers)

        assert answer.headers["cache-control"] == caching
        assert answer.headers["cross-origin-resource-policy"] == policy


@pytest.mark.parametrize("headers", NOT_ACME.values(), ids=NOT_ACME)
def test_a_private_file_does_not_exist_for_others(
    stranger: TestClient, acme: TestClient, headers: dict[str, str]
) -> None:
    """404, with and without conditions and ranges, by the asset and by its slot, and never cached."""
    path = stored(acme, visibility="private")
    asked = ({}, {"Range": "bytes=0-0"}, {"Range": "bytes=999999-"}, {"If-None-Match": "*"})

    answers = [stranger.get(path, headers={**headers, **more}) for more in asked]

    for answer in answers:
        refused(answer, 404, "not_found")
        assert "etag" not in answer.headers
    assert stranger.head(path, headers=headers).status_code == 404


@pytest.mark.parametrize("headers", [ACME, READER, ROOT, bearer(signed(tenant="acme")), {"X-API-Key": "acme-key"}])
def test_a_private_file_is_for_its_tenant(stranger: TestClient, acme: TestClient, headers: dict[str, str]) -> None:
    """By key, by token, for reading only, and for the administrator."""
    path = stored(acme, visibility="private")

    assert stranger.get(path, headers=headers).content == PNG


@pytest.mark.parametrize("headers", [{}, OTHER, bearer("garbage"), bearer("a.b.c"), {"Authorization": b"Bearer \xff"}])
def test_a_public_file_is_for_everybody(
    stranger: TestClient, acme: TestClient, headers: dict[str, str | bytes]
) -> None:
    """Bad credentials are no obstacle to what needs none."""
    path = stored(acme, visibility="public")

    assert stranger.get(path, headers=headers).content == PNG


def test_a_private_slot_is_for_its_tenant(stranger: TestClient) -> None:
    """Its permalink is a 404 for everybody else."""
    slot = "/v1/slots/users/2/contract"
    shown = stranger.put(slot, files={"file": ("a.pdf", PDF)}, headers=ACME).json()
    path = shown["slot"]["permalink"].removeprefix("http://stowage.test")

    refused(stranger.get(path), 404, "not_found")
    refused(stranger.get(path, headers=OTHER), 404, "not_found")
    answer = stranger.get(path, headers=ACME)
    assert (answer.content, answer.headers["cache-control"]) == (PDF, "private, no-store")


def test_a_private_logo_is_for_its_company(acme: TestClient) -> None:
    """A token of another company, which gets 403 at the logo's address, finds nothing under its permalinks."""
    form = {"files": {"logo": ("a.png", PNG)}, "data": {"visibility": "private"}}
    shown = acme.put("/v1/companies/45/logo", **form).json()
    paths = [each.removeprefix("http://stowage.test") for each in (shown["permalink"], shown["slot"]["permalink"])]

    for path in paths:
        assert acme.get(path, headers=of_company(45)).content == PNG
        refused(acme.get(path, headers=of_company(42)), 404, "not_found")


def test_a_slots_permalink_follows_the_slot(acme_on: TestClient) -> None:
    """Other bytes, another ETag, at the same address; caches must ask each time."""
    seen = []
    for content in (PNG, make_jpg()):
        shown = acme_on.put("/v1/slots/users/3/avatar", files={"file": ("a", content)}).json()
        answer = acme_on.get(shown["slot"]["permalink"].removeprefix("http://stowage.test"))
        seen.append((answer.content, answer.headers["etag"]))
        assert answer.headers["cache-control"] == "public, no-cache"

    assert [content for content, _ in seen] == [PNG, make_jpg()]
    assert seen[0][1] != seen[1][1]


@pytest.mark.parametrize("path", ["/f/7/a.png", "/f/s/7/avatar", "/f/%00/x", "/f/s/%F0/x", "/f/..%2f..%2fetc/passwd"])
def test_an_id_that_is_none_is_refused(stranger: TestClient, path: str) -> None:
    """400 or 404, never a file."""
    assert stranger.get(path).status_code in {400, 404}


def test_an_unknown_id_is_not_found(stranger: TestClient) -> None:
    """404 for both permalinks, with the headers of a file that may do nothing."""
    for path in (f"/f/{uuid4()}/a.png", f"/f/s/{uuid4()}/avatar"):
        answer = stranger.get(path)

        refused(answer, 404, "not_found")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-site"


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=1-2"}])
def test_bytes_that_are_gone_are_a_bad_gateway(client: TestClient, services: Services, headers: dict[str, str]) -> None:
    """502 `object_missing`, told before anything is sent; the sentence shows no path."""
    path = stored(client, kind="photo")
    for file in files_below(services):
        file.unlink()

    body = refused(client.get(path, headers=headers), 502, "object_missing")

    assert str(services.settings.storage.data_dir) not in str(body)
    assert "acme" not in str(body)

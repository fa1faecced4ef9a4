"""What each kind of file may be."""

import pytest

from app.assets.inspection import Inspection
from app.assets.kinds import PHOTOS
from app.assets.policy import DOCUMENTS, EXTENSIONS, IMAGES, Policies, disposition, served_type
from app.errors import (
    EmptyFile,
    FileTooLarge,
    TooManyFrames,
    TooManyPixels,
    UnknownKind,
    UnreadableImage,
    UnsupportedMediaType,
)

KINDS = ("logo", "photo", "document", "file")
LIMITS = {"logo": 10, "photo": 20, "document": 30, "file": 40}
POLICIES = Policies(LIMITS)
WITH_SVG = Policies(LIMITS, svg=True)
PNG = Inspection("image/png", 1, 1)
SVG = "image/svg+xml"
DANGEROUS = ("text/html", "application/octet-stream", "application/xml", "application/zip", "application/x-elf")


@pytest.mark.parametrize("kind", KINDS)
def test_the_limit_is_the_last_size_that_fits(kind: str) -> None:
    """One byte more is refused, with the limit."""
    policy = POLICIES[kind]
    policy.check(PNG, policy.max_size)
    with pytest.raises(FileTooLarge) as refused:
        policy.check(PNG, policy.max_size + 1)

    assert refused.value.extra == {"limit": policy.max_size}
    assert str(policy.max_size) in refused.value.detail


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_file_is_refused(kind: str) -> None:
    """By every kind, before its type is looked at."""
    with pytest.raises(EmptyFile):
        POLICIES[kind].check(Inspection("text/plain"), 0)


@pytest.mark.parametrize(("kind", "allowed"), [("logo", IMAGES), ("photo", PHOTOS)])
@pytest.mark.parametrize("found", ["application/pdf", "text/plain", "image/tiff", SVG, *DANGEROUS])
def test_images_are_images(kind: str, allowed: tuple[str, ...], found: str) -> None:
    """What was found and what is allowed stand in the refusal."""
    with pytest.raises(UnsupportedMediaType) as refused:
        POLICIES[kind].check(Inspection(found), 5)

    assert refused.value.extra == {"found": found, "allowed": list(allowed)}
    assert found in refused.value.detail
    assert "image/png" in refused.value.detail


def test_a_refusal_says_what_the_client_called_it() -> None:
    """Where the contents are something else."""
    with pytest.raises(UnsupportedMediaType) as refused:
        POLICIES["logo"].check(Inspection("text/html", said="image/png"), 5)

    assert refused.value.extra["declared"] == "image/png"
    assert "though it is called image/png" in refused.value.detail


def test_a_text_in_utf_16_is_told_what_to_do() -> None:
    """It is refused, with its encoding and a way out; as a `file` it is a download of no type."""
    with pytest.raises(UnsupportedMediaType, match=r"text/plain; charset=utf-16\..*Save it as UTF-8\.") as refused:
        POLICIES["document"].check(Inspection("text/plain; charset=utf-16"), 5)

    assert refused.value.extra["found"] == "text/plain; charset=utf-16"
    assert disposition("document", "text/plain; charset=utf-16") == "attachment"
    assert served_type("document", "text/plain; charset=utf-16") == "application/octet-stream"


@pytest.mark.parametrize("found", [*DANGEROUS, SVG])
def test_documents_are_nothing_that_runs(found: str) -> None:
    """PDF, Office, text and images, and no more."""
    for allowed in DOCUMENTS:
        POLICIES["document"].check(Inspection(allowed), 5)
    with pytest.raises(UnsupportedMediaType):
        POLICIES["document"].check(Inspection(found), 5)


@pytest.mark.parametrize("found", [*DANGEROUS, SVG, *DOCUMENTS])
def test_a_file_is_anything(found: str) -> None:
    """It is never shown in a page, so that it may be as large as it likes to be drawn."""
    POLICIES["file"].check(Inspection(found, 60_000, 60_000, 5_000, complete=True), 5)

    assert disposition("file", found) == "attachment"
    assert served_type("file", found) == "application/octet-stream"


@pytest.mark.parametrize("kind", ["logo", "photo", "document"])
@pytest.mark.parametrize("size", [(50_000_001, 1), (7072, 7072), (2**31 - 1, 2**31 - 1)], ids=str)
def test_an_image_of_too_many_pixels_is_refused(kind: str, size: tuple[int, int]) -> None:
    """50 million are taken, one more is not; with what was found and the limit."""
    POLICIES[kind].check(Inspection("image/png", 50_000_000, 1), 5)
    with pytest.raises(TooManyPixels) as refused:
        POLICIES[kind].check(Inspection("image/png", *size), 5)

    assert refused.value.extra == {"found": size[0] * size[1], "limit": 50_000_000}


@pytest.mark.parametrize("kind", ["logo", "photo", "document"])
def test_an_animation_of_too_many_frames_is_refused(kind: str) -> None:
    """A hundred are taken, one more is not."""
    POLICIES[kind].check(Inspection("image/gif", 5, 5, 100), 5)
    with pytest.raises(TooManyFrames) as refused:
        POLICIES[kind].check(Inspection("image/gif", 5, 5, 101), 5)

    assert refused.value.extra == {"limit": 100}


def test_an_image_without_a_size_is_refused_when_all_was_looked_at() -> None:
    """Its header may lie behind the first bytes; it is broken if it lies nowhere."""
    POLICIES["photo"].check(Inspection("image/jpeg"), 5)
    with pytest.raises(UnreadableImage):
        POLICIES["photo"].check(Inspection("image/jpeg", complete=True), 5)


def test_an_svg_is_taken_where_it_is_made_harmless() -> None:
    """As a logo; whoever does not make it harmless takes none."""
    found = Inspection(SVG, complete=True)
    WITH_SVG["logo"].check(found, 5)

    assert WITH_SVG["logo"].sanitises(found)
    assert not WITH_SVG["logo"].sanitises(PNG)
    assert not WITH_SVG["file"].sanitises(found)
    for policy in (WITH_SVG["photo"], WITH_SVG["document"], POLICIES["logo"]):
        with pytest.raises(UnsupportedMediaType):
            policy.check(found, 5)


def test_an_unknown_kind_is_refused() -> None:
    """With the kinds that there are."""
    with pytest.raises(UnknownKind) as refused:
        POLICIES["picture"]

    assert refused.value.extra == {"allowed": list(KINDS)}


def test_the_largest_limit_binds_while_the_kind_is_not_known() -> None:
    """Whichever kind has it."""
    assert POLICIES.largest.kind == "file"
    assert Policies({"logo": 9, "photo": 1, "document": 1, "file": 1}).largest.kind == "logo"


def test_what_is_private_if_nobody_says() -> None:
    """Documents and files are; logos and photos are made to be seen."""
    visibility = {kind: POLICIES[kind].visibility for kind in KINDS}

    assert visibility == {"logo": "public", "photo": "public", "document": "private", "file": "private"}


@pytest.mark.parametrize("found", DANGEROUS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_could_run_is_never_shown_in_a_page(kind: str, found: str) -> None:
    """Not even if a row says so."""
    assert disposition(kind, found) == "attachment"
    assert served_type(kind, found) == "application/octet-stream"


def test_what_a_browser_can_show_is_shown_as_what_it_is() -> None:
    """Text as UTF-8, which it is; an SVG was made harmless before it was stored."""
    shown = {found for found in (*DOCUMENTS, SVG) if disposition("document", found) == "inline"}

    assert shown == {*IMAGES, SVG, "application/pdf", "text/plain"}
    assert served_type("document", "text/plain") == "text/plain; charset=utf-8"
    assert served_type("logo", "image/png") == "image/png"
    assert served_type("logo", SVG) == SVG


def test_what_is_downloaded_says_what_it_is_if_nothing_can_run_it() -> None:
    """Office documents, tables, photos of phones."""
    for found in ("text/csv", "image/heic", "application/msword"):
        assert (disposition("document", found), served_type("document", found)) == ("attachment", found)


def test_every_type_that_is_taken_has_an_extension() -> None:
    """So that a file in the store tells what it is."""
    assert {*DOCUMENTS, *IMAGES, SVG} <= set(EXTENSIONS)
    assert len(set(EXTENSIONS.values())) == len(EXTENSIONS)

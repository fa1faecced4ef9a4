"""What each kind of file may be."""

import pytest

from app.assets.inspection import Inspection
from app.assets.policy import DOCUMENTS, EXTENSIONS, IMAGES, Policies, disposition, served_type
from app.errors import EmptyFile, FileTooLarge, UnknownKind, UnsupportedMediaType
from app.settings import LimitSettings

POLICIES = Policies({"logo": 10, "photo": 20, "document": 30, "file": 40})
PNG = Inspection("image/png", 1, 1)
DANGEROUS = ("text/html", "image/svg+xml", "application/octet-stream")


@pytest.mark.parametrize("kind", ["logo", "photo", "document", "file"])
def test_the_limit_is_the_last_size_that_fits(kind: str) -> None:
    """One byte more is refused, with the limit."""
    policy = POLICIES[kind]
    policy.check(PNG, policy.max_size)
    with pytest.raises(FileTooLarge) as refused:
        policy.check(PNG, policy.max_size + 1)

    assert refused.value.extra == {"limit": policy.max_size}
    assert str(policy.max_size) in refused.value.detail


@pytest.mark.parametrize("kind", ["logo", "photo", "document", "file"])
def test_an_empty_file_is_refused(kind: str) -> None:
    """By every kind, before its type is looked at."""
    with pytest.raises(EmptyFile):
        POLICIES[kind].check(Inspection("text/plain"), 0)


@pytest.mark.parametrize("kind", ["logo", "photo"])
@pytest.mark.parametrize("found", ["application/pdf", "text/plain", *DANGEROUS])
def test_images_are_images(kind: str, found: str) -> None:
    """What was found and what is allowed stand in the refusal."""
    with pytest.raises(UnsupportedMediaType) as refused:
        POLICIES[kind].check(Inspection(found), 5)

    assert refused.value.extra == {"found": found, "allowed": list(IMAGES)}
    assert found in refused.value.detail
    assert "image/png" in refused.value.detail


@pytest.mark.parametrize("found", DANGEROUS)
def test_documents_are_nothing_that_runs(found: str) -> None:
    """PDF, text and images, and no more."""
    for allowed in DOCUMENTS:
        POLICIES["document"].check(Inspection(allowed), 5)
    with pytest.raises(UnsupportedMediaType):
        POLICIES["document"].check(Inspection(found), 5)


@pytest.mark.parametrize("found", [*DANGEROUS, *DOCUMENTS])
def test_a_file_is_anything(found: str) -> None:
    """It is never shown in a page."""
    POLICIES["file"].check(Inspection(found), 5)

    assert disposition("file", found) == "attachment"
    assert served_type("file", found) == "application/octet-stream"


def test_an_unknown_kind_is_refused() -> None:
    """With the kinds that there are."""
    with pytest.raises(UnknownKind) as refused:
        POLICIES["picture"]

    assert refused.value.extra == {"allowed": ["logo", "photo", "document", "file"]}


def test_the_largest_limit_binds_while_the_kind_is_not_known() -> None:
    """Whichever kind has it."""
    assert POLICIES.largest.kind == "file"
    assert Policies({"logo": 9, "photo": 1, "document": 1, "file": 1}).largest.kind == "logo"


def test_what_is_private_if_nobody_says() -> None:
    """Documents and files are; logos and photos are made to be seen."""
    visibility = {kind: POLICIES[kind].visibility for kind in ("logo", "photo", "document", "file")}

    assert visibility == {"logo": "public", "photo": "public", "document": "private", "file": "private"}


@pytest.mark.parametrize("found", DANGEROUS)
@pytest.mark.parametrize("kind", ["logo", "photo", "document", "file"])
def test_what_could_run_is_never_shown_in_a_page(kind: str, found: str) -> None:
    """Not even if a row says so."""
    assert disposition(kind, found) == "attachment"
    assert served_type(kind, found) == "application/octet-stream"


def test_what_a_browser_can_show_is_shown_as_what_it_is() -> None:
    """Text as UTF-8, which it is."""
    assert [disposition("document", t) for t in DOCUMENTS] == ["inline"] * len(DOCUMENTS)
    assert served_type("document", "text/plain") == "text/plain; charset=utf-8"
    assert served_type("logo", "image/png") == "image/png"


def test_every_type_that_is_taken_has_an_extension() -> None:
    """So that a file in the store tells what it is."""
    assert set(DOCUMENTS) <= set(EXTENSIONS)


def test_the_settings_give_the_limits() -> None:
    """In bytes; parts of a megabyte too."""
    limits = LimitSettings(logo_mb=0.5).by_kind()

    assert limits == {"logo": 524_288, "photo": 15_728_640, "document": 26_214_400, "file": 104_857_600}

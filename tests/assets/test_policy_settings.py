"""What the environment says of each kind of file."""

import pytest

from app.assets.inspection import Inspection
from app.assets.policy import TYPES, VISIBILITY, Policies
from app.errors import TooManyFrames, TooManyPixels, UnsupportedMediaType
from app.settings import LimitSettings

SVG = Inspection("image/svg+xml")


def policies(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Policies:
    """Made of these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Policies.of(LimitSettings())


def test_without_variables_the_policies_are_those_of_the_readme(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types, sizes, who sees them, pixels and frames."""
    made = policies(monkeypatch)
    sizes = {"logo": 5_242_880, "photo": 15_728_640, "document": 26_214_400, "file": 104_857_600}

    assert {kind: made[kind].max_size for kind in TYPES} == sizes
    assert {kind: made[kind].types for kind in TYPES} == TYPES
    assert {kind: made[kind].visibility for kind in TYPES} == VISIBILITY
    assert {(made[kind].max_pixels, made[kind].max_frames) for kind in TYPES} == {(50_000_000, 100)}


@pytest.mark.parametrize("kind", TYPES)
def test_each_field_is_a_setting(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Of each kind: size, types, who sees it."""
    name = kind.upper()
    variables = {f"{name}_MAX_MB": "0.5", f"{name}_TYPES": ".PNG, image/webp,jpeg", f"{name}_VISIBILITY": "Private"}
    policy = policies(monkeypatch, **variables)[kind]

    assert policy.max_size == 524_288
    assert policy.types == ("image/png", "image/webp", "image/jpeg")
    assert policy.visibility == "private"


def test_pixels_and_frames_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a megapixel too."""
    made = policies(monkeypatch, MAX_MEGAPIXELS="0.0001", MAX_FRAMES="2")
    made["photo"].check(Inspection("image/gif", 10, 10, 2), 5)

    assert made.max_frames == 2
    with pytest.raises(TooManyPixels):
        made["photo"].check(Inspection("image/gif", 101, 1, 2), 5)
    with pytest.raises(TooManyFrames):
        made["photo"].check(Inspection("image/gif", 10, 10, 3), 5)


def test_svg_may_be_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """`SVG=reject`: then it is no type of a logo."""
    policies(monkeypatch)["logo"].check(SVG, 5)
    with pytest.raises(UnsupportedMediaType) as refused:
        policies(monkeypatch, SVG="reject")["logo"].check(SVG, 5)

    assert "image/svg+xml" not in refused.value.detail.partition("may be")[2]


@pytest.mark.parametrize(
    "variables", [{"PHOTO_TYPES": "png,pictures"}, {"SVG": "reject", "LOGO_TYPES": "svg"}], ids=["word", "nothing left"]
)
def test_what_means_nothing_is_said_at_start(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """In one line, with the variable; a list that is empty would mean anything."""
    with pytest.raises(ValueError, match=r"^[^\n]*_TYPES[^\n]*$"):
        policies(monkeypatch, **variables)


def test_file_may_be_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is checked like the others."""
    policy = policies(monkeypatch, FILE_TYPES="zip")["file"]
    policy.check(Inspection("application/zip"), 5)

    with pytest.raises(UnsupportedMediaType):
        policy.check(Inspection("text/plain"), 5)

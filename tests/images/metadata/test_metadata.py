"""Every format, with every tag that it takes: ExifTool finds nothing that should be gone, viewers see no difference."""

import re
from pathlib import Path

import pytest

from tests.images.metadata.exiftool import ExifTool
from tests.images.metadata.samples import IMAGES, PERSONAL, PLACE, TURNED
from tests.images.metadata.shown import cleaned, shown

NAMES = [f"{name}-{order}" for name in IMAGES for order in ("II", "MM")]
Files = dict[str, tuple[str, bytes]]
PLACES = re.compile(r"GPS|:City|:Country|:State|[Ll]ocation|MakerNote")
# Groups that hold what personal metadata may be written in.
PERSONAL_GROUPS = re.compile(r"(IFD|ExifIFD|GPS|XMP|IPTC|Photoshop|MakerNotes|Interop)")
# What changes with any byte, and what ExifTool derives from the rest.
DERIVED = re.compile(r"FileSize|CurrentIPTCDigest|IPTCDigest|MediaData|Unknown_0x|Composite|Free|MajorBrand")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("remove", ["gps", "all"])
def test_viewers_see_no_difference(files: Files, name: str, remove: str) -> None:
    """Frames, their times, orientation and colour profile are those that came."""
    content_type, data = files[name]

    stored, said = cleaned(data, content_type, remove)

    assert said.changed
    assert said.left == ()
    assert shown(stored) == shown(data)


@pytest.mark.parametrize("name", NAMES)
def test_no_place_is_left(files: Files, name: str, exiftool: ExifTool, tmp_path: Path) -> None:
    """Without `gps` there is no tag of a place, no byte of a place's name, and every other tag is as it was."""
    content_type, data = files[name]
    before = exiftool.tags(data, tmp_path)

    stored, _ = cleaned(data, content_type, "gps")
    after = exiftool.tags(stored, tmp_path)

    assert any(PLACES.search(tag) for tag in before)
    assert [tag for tag in after if PLACES.search(tag)] == []
    assert PLACE not in stored
    assert _lasting(before).items() >= _lasting(after).items()
    lost = _lasting(before).keys() - _lasting(after).keys()
    assert all(content_type == "image/png" and tag.startswith(("IPTC", "Photoshop")) for tag in lost), lost


@pytest.mark.parametrize("name", NAMES)
def test_nothing_personal_is_left(files: Files, name: str, exiftool: ExifTool, tmp_path: Path) -> None:
    """Without `all` the orientation is the only tag in any block, and no personal text is in any byte."""
    content_type, data = files[name]

    stored, _ = cleaned(data, content_type, "all")
    after = exiftool.tags(stored, tmp_path)

    assert {tag.rpartition(":")[2] for tag in after if PERSONAL_GROUPS.match(tag)} <= {"Orientation"}
    assert not any(PERSONAL.decode() in str(value) or PLACE.decode() in str(value) for value in after.values())
    assert PERSONAL not in stored
    assert PLACE not in stored
    assert [value for tag, value in after.items() if "Warning" in tag] == []


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith(("gif", "avif-moving"))])
def test_the_orientation_stays(files: Files, name: str, exiftool: ExifTool, tmp_path: Path) -> None:
    """It is the one tag that says how the image is shown."""
    content_type, data = files[name]

    for remove in ("gps", "all"):
        stored, _ = cleaned(data, content_type, remove)
        (tmp_path / "turned").write_bytes(stored)
        assert exiftool.run("-n", "-s3", "-IFD0:Orientation", str(tmp_path / "turned")).strip() == str(TURNED)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("remove", ["gps", "all"])
def test_a_clean_file_is_not_written_again(files: Files, name: str, remove: str) -> None:
    """What came out has nothing to remove."""
    content_type, data = files[name]
    stored, _ = cleaned(data, content_type, remove)

    again, said = cleaned(stored, content_type, remove)

    assert (again, said.changed, said.removed) == (stored, False, ())


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("remove", ["gps", "all"])
def test_a_file_without_metadata_is_as_it_came(name: str, remove: str, bare: Files) -> None:
    """Nothing is written, and nothing is said; a film says in any case when it was made."""
    content_type, data = bare[name]

    _, said = cleaned(data, content_type, remove)

    assert said.removed == (("time",) if (name, remove) == ("avif-moving", "all") else ())
    assert (said.changed, said.left) == (bool(said.removed), ())


def test_another_type_is_left_alone() -> None:
    """What is no image of these formats cannot be cleaned; neither can an image that is called by another type."""
    for data, content_type in ((b"%PDF-1.7", "application/pdf"), (IMAGES["png"][1](), "image/jpeg")):
        stored, said = cleaned(data, content_type, "all")

        assert (stored, said.changed, said.left) == (data, False, ("structure",))


def _lasting(tags: dict[str, object]) -> dict[str, object]:
    """Tags that removing a place leaves alone; copies are not numbered, for there are fewer now."""
    kept = {tag: value for tag, value in tags.items() if not PLACES.search(tag) and not DERIVED.search(tag)}
    return {re.sub(r":Copy\d+", "", tag): value for tag, value in kept.items()}

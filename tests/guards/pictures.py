"""Guards of pictures and of what is two things: bombs, broken images, personal metadata, viruses."""

from tests.guards.guard import Guard, guard

DOCUMENTS = "tests/assets/test_inspection_documents.py"
POLICY = "tests/assets/test_policy.py"
CLEANING = "tests/api/test_cleaning.py"
SVG = "tests/images/test_svg.py"
METADATA = "tests/images/metadata"
RULES = "app.images.svg_rules"
INSPECTION = "app.assets.inspection"

PICTURES: tuple[Guard, ...] = (
    guard(
        "S7",
        "pixels",
        ("app.assets.policy", "if width * height > self.max_pixels:", "if False:"),
        f"{POLICY}::test_an_image_of_too_many_pixels_is_refused",
    ),
    guard(
        "S7",
        "frames",
        ("app.assets.policy", "if frames is not None and frames > self.max_frames:", "if False:"),
        f"{POLICY}::test_an_animation_of_too_many_frames_is_refused",
    ),
    guard(
        "S7",
        "frames of the whole file",
        (INSPECTION, "height=image.height, frames=frames", "height=image.height"),
        f"{DOCUMENTS}::test_all_of_an_image_is_looked_at",
    ),
    guard(
        "S7",
        "pixels in an SVG",
        (RULES, "header.width * header.height <= PIXELS", "True"),
        f"{SVG}::test_embedded_pixels_are_bounded",
    ),
    guard(
        "S7",
        "an image that hides its size",
        ("app.assets.policy", "if inspection.complete:", "if False:"),
        f"{POLICY}::test_an_image_without_a_size_is_refused_when_all_was_looked_at",
    ),
    guard(
        "S8",
        "absurd sizes",
        ("app.images.headers", "sane = 0 < width <= LARGEST_SIDE and", "sane = True or"),
        "tests/images/test_headers.py::test_an_absurd_size_is_none",
    ),
    guard(
        "S8",
        "walks have an end",
        ("app.images.headers", "LONGEST_WALK = 1000", "LONGEST_WALK = 10**9"),
        "tests/images/test_headers.py::test_a_walk_has_an_end",
    ),
    guard(
        "S8",
        "counts have an end",
        ("app.images.frames", "return OTHERS + 10 * (limit + 1)", "return 10**9"),
        "tests/images/test_frames.py::test_no_animation_takes_long_or_much[chunks]",
    ),
    guard(
        "S8",
        "damage is no crash",
        ("app.images.metadata.cleaning", "except (Damaged, KeyError):", "except KeyError:"),
        f"{METADATA}/test_metadata_hostile.py::test_hostile_files",
    ),
    guard(
        "S9",
        "a PDF begins as one",
        ("app.assets.documents", "if PDF.match(head):", "if PDF.search(head):"),
        f"{DOCUMENTS}::test_two_things_at_once_are_what_they_begin_as",
    ),
    guard(
        "S9",
        "a text is one to its end",
        (INSPECTION, "and not goes_on(", "and 0 and not goes_on("),
        f"{DOCUMENTS}::test_a_text_is_one_to_its_end",
    ),
    guard(
        "S9",
        "a ZIP is what all of it says",
        (INSPECTION, "content_type=by_whole(stream, seen.content_type)", ""),
        f"{DOCUMENTS}::test_the_first_word_on_a_package_is_by_what_begins_in_the_head",
    ),
    guard(
        "S39",
        "pictures are cleaned",
        ("app.assets.clean", 'if self._strip == "none" or', "if True or"),
        f"{CLEANING}::test_a_photo_loses_what_is_personal_and_nothing_else",
    ),
    guard(
        "S39",
        "pictures that are private",
        ("app.assets.clean", "or kind in PICTURES:", "or False:"),
        f"{CLEANING}::test_what_everybody_may_see_is_cleaned",
    ),
    guard(
        "S39",
        "what is made public later",
        ("app.assets.service", "self._cleaner.expect_clean(asset)", "pass"),
        f"{CLEANING}::test_what_nobody_has_looked_into_is_not_shown_to_everybody",
    ),
    guard(
        "S39",
        "what stays is said",
        ("app.assets.clean", "file.uncleaned = list(planned.left)", "file.uncleaned = []"),
        f"{CLEANING}::test_what_cannot_be_cleaned_is_said",
    ),
    guard(
        "S39",
        "positions",
        ("app.images.metadata.exif", "if entry.tag == GPS:", "if False:"),
        f"{METADATA}/test_metadata_exif.py::test_the_position_goes_and_the_rest_stays",
    ),
    guard(
        "S39",
        "maker notes",
        ("app.images.metadata.exif", "if entry.tag in DROPPED:", "if False:"),
        f"{METADATA}/test_metadata_exif.py::test_a_maker_note_goes",
    ),
    guard(
        "S40",
        "every file is scanned",
        ("app.assets.clean", "if self._scanner is not None:", "if False:"),
        "tests/api/test_scan_away.py::test_nobody_there_is_no_pass",
    ),
    guard(
        "S40",
        "what is found is refused",
        ("app.assets.scan", "if found is not None:", "if False:"),
        "tests/api/test_scan.py::test_every_store_is_behind_it[local]",
    ),
    guard(
        "S40",
        "no verdict is no pass",
        ("app.assets.clamd", "if verdict and whole:", "if True:"),
        "tests/assets/test_clamd.py::test_what_is_no_verdict_is_no_pass",
    ),
    guard(
        "S40",
        "a verdict is about all of a file",
        ("app.assets.clamd", "if verdict and whole:", "if verdict:"),
        "tests/assets/test_clamd.py::test_who_closes_before_the_end_has_not_seen_it",
    ),
)

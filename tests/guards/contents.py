"""Guards that look into files: types, pictures, SVGs, personal metadata."""

from tests.guards.guard import Guard, guard

DOCUMENTS = "tests/assets/test_inspection_documents.py"
POLICY = "tests/assets/test_policy.py"
CLEANING = "tests/api/test_cleaning.py"
SVG = "tests/images/test_svg.py"
GONE = f"{SVG}::test_what_does_more_than_draw_is_gone"
REFUSED = f"{SVG}::test_what_cannot_be_made_harmless_is_refused_quickly"
METADATA = "tests/images/metadata"
RULES = "app.images.svg_rules"
STYLES = "app.images.svg_styles"
INSPECTION = "app.assets.inspection"

CONTENTS: tuple[Guard, ...] = (
    guard(
        "S5",
        "a kind's types",
        ("app.assets.policy", "if inspection.content_type not in self.types:", "if False:"),
        "tests/api/test_assets.py::test_the_contents_decide_what_a_file_is",
        f"{POLICY}::test_documents_are_nothing_that_runs",
    ),
    guard(
        "S5",
        "a name decides nothing",
        (INSPECTION, "found = by_structure", "found = text_called or by_structure"),
        "tests/assets/test_inspection_claims.py",
        DOCUMENTS,
    ),
    guard(
        "S5",
        "pages are no text",
        ("app.assets.texts", "if MARKUP.match(rest):", "if False:"),
        "tests/assets/test_inspection.py::test_what_a_browser_could_run_is_html",
    ),
    guard(
        "S5",
        "programs in a ZIP",
        ("app.assets.documents", "in PROGRAMS.items():", "in ():"),
        f"{DOCUMENTS}::test_a_file_is_what_it_holds",
    ),
    guard(
        "S5",
        "macros",
        ("app.assets.documents", "return PACKAGES[folders[0]][macros]", "return PACKAGES[folders[0]][0]"),
        f"{DOCUMENTS}::test_a_file_is_what_it_holds",
    ),
    guard(
        "S6",
        "SVGs are cleaned",
        ("app.assets.clean", "if policy.sanitises(seen):", "if False:"),
        f"{CLEANING}::test_an_svg_keeps_what_draws",
    ),
    guard(
        "S6",
        "SVGs are taken where they are cleaned",
        ("app.assets.policy", "if svg or name != SVG", "if True"),
        f"{POLICY}::test_an_svg_is_taken_where_it_is_made_harmless",
    ),
    guard(
        "S6",
        "elements that draw",
        (RULES, "return element.tag in ELEMENTS and", "return"),
        GONE,
    ),
    guard(
        "S6",
        "attributes that draw",
        (RULES, "if name in ATTRIBUTES and harmless(value)", "if harmless(value)"),
        GONE,
    ),
    guard(
        "S6",
        "values that draw",
        (RULES, "if name in ATTRIBUTES and harmless(value)", "if name in ATTRIBUTES"),
        GONE,
    ),
    guard(
        "S6",
        "links within the document",
        (RULES, "else FRAGMENT.fullmatch(value)", "else True"),
        GONE,
    ),
    guard(
        "S6",
        "animations of what draws",
        (RULES, "and animated not in ANIMATED:", "and False:"),
        GONE,
    ),
    guard(
        "S6",
        "declarations that draw",
        (RULES, "return clean_declarations(value) or None", "return value"),
        GONE,
    ),
    guard(
        "S6",
        "sheets that draw",
        (RULES, 'clean_sheet(text) if element.tag == "style" else text', "text"),
        GONE,
    ),
    guard(
        "S6",
        "functions that draw",
        (STYLES, "all(name.lower() in FUNCTIONS", "all(name"),
        GONE,
    ),
    guard(
        "S6",
        "entities",
        ("app.images.svg_tree", "if has_subset:", "if False:"),
        REFUSED,
    ),
    guard(
        "S6",
        "one encoding",
        ("app.images.svg_tree", "if encoding is not None and encoding", "if False and encoding"),
        REFUSED,
    ),
    guard(
        "S6",
        "bombs of references",
        ("app.images.svg", "weigh(root)", "pass"),
        f"{REFUSED}[use bomb]",
    ),
    guard(
        "S6",
        "levels and elements",
        ("app.images.svg_tree", "if self._count > MOST or", "if False and"),
        f"{REFUSED}[deep]",
    ),
    guard(
        "S6",
        "signs are counted first",
        ("app.images.svg", "if any(data.count(sign) > most", "if any(False"),
        f"{REFUSED}[attributes]",
    ),
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
)

"""Guards of what a file may be: types, and SVGs made harmless."""

from tests.guards.guard import Guard, guard

DOCUMENTS = "tests/assets/test_inspection_documents.py"
POLICY = "tests/assets/test_policy.py"
CLEANING = "tests/api/test_cleaning.py"
SVG = "tests/images/test_svg.py"
GONE = f"{SVG}::test_what_does_more_than_draw_is_gone"
REFUSED = f"{SVG}::test_what_cannot_be_made_harmless_is_refused_quickly"
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
        "pages in another encoding",
        ("app.assets.texts", "return UTF_16 if kind == TEXT else kind", "return UTF_16"),
        "tests/assets/test_inspection.py::test_text_in_utf_16_is_told_by_its_mark",
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
)

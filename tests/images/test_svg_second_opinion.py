"""Another sanitiser, made by other people, finds nothing to remove from what ours leaves."""

import xml.etree.ElementTree as ET

import py_svg_hush
import pytest

from app.images.svg import sanitise
from tests.images.svgs import HARMLESS, HOSTILE, svg

KEPT = {"image": ["png", "jpeg", "gif", "webp", "avif"]}
XML = "{http://www.w3.org/XML/1998/namespace}"
XLINK = "{http://www.w3.org/1999/xlink}"


def parts(data: bytes) -> list[tuple[str, dict[str, str]]]:
    """Every element with its attributes, without what the other one drops, and without spaces and quotes."""
    found = []
    for element in ET.fromstring(data).iter():
        attributes = {
            name.removeprefix(XLINK): value.replace("'", "").replace(" ", "")
            for name, value in element.attrib.items()
            if not name.startswith(XML) and name not in {"attributeName", "style"}
        }
        found.append((element.tag, attributes))
    return found


@pytest.mark.parametrize("name", [*HARMLESS, *HOSTILE])
def test_nothing_is_left_to_remove(name: str) -> None:
    """Of elements, attributes and addresses."""
    ours = sanitise(svg({**HOSTILE, **HARMLESS}[name]))
    theirs = py_svg_hush.filter_svg(ours, keep_data_url_mime_types=KEPT)

    assert parts(theirs) == parts(ours)


def test_the_other_one_removes_what_it_is_given() -> None:
    """It is an opinion worth asking for."""
    given = svg("<script>1</script><rect onclick='x()'/><foreignObject/>")

    assert parts(py_svg_hush.filter_svg(given)) != parts(given)

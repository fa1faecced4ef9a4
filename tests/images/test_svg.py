"""SVGs: what draws stays, everything else is gone, and nothing takes long."""

import gzip
import random
import time
import xml.etree.ElementTree as ET

import pytest

from app.errors import UnsafeSvg
from app.images.svg import LARGEST, sanitise
from app.images.svg_styles import clean_declarations, clean_sheet
from tests.conftest import make_png
from tests.images.svgs import HARMLESS, HOSTILE, REFUSED, SVG, bomb, svg

BANNED = (
    *("evil", "javascript:", "http://evil", "//evil", "<script", "onload", "onclick", "<!", "<?", "@import", "base64"),
    *(f'attributename="{name}' for name in ("href", "xlink", "y:", "on", "style")),
)
SIGNS = ["<", ">", "'", '"', "&", "url(", "/*", "*/", "{", "}", "]]>", "\\", "@"]
PIECES = [*HARMLESS.values(), *HOSTILE.values(), *SIGNS]


def shape(data: bytes) -> list[tuple[str, dict[str, str], str]]:
    """Every element with its attributes and its text."""
    return [(element.tag, dict(element.attrib), (element.text or "")) for element in ET.fromstring(data).iter()]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_draws_stays(name: str) -> None:
    """Every element, attribute and letter; also in the order, and with the spaces, that they had."""
    given = svg(HARMLESS[name], ' width="10" height="20"')

    assert shape(sanitise(given)) == shape(given)
    assert ET.tostring(ET.fromstring(sanitise(given)), "unicode") == ET.tostring(ET.fromstring(given), "unicode")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_does_more_than_draw_is_gone(name: str) -> None:
    """Scripts, events, links, addresses, styles that load; what stands beside them stays."""
    clean = sanitise(svg(f'{HOSTILE[name]}<rect id="kept" width="1"/>')).decode()

    assert [word for word in BANNED if word in clean.lower()] == []
    assert '<rect id="kept" width="1"/>' in clean


@pytest.mark.parametrize("name", HOSTILE)
def test_cleaned_twice_is_cleaned_once(name: str) -> None:
    """What was made harmless is harmless."""
    once = sanitise(svg(HOSTILE[name]))

    assert sanitise(once) == once


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_made_harmless_is_refused_quickly(name: str) -> None:
    """Entities, other encodings, broken XML, bombs: one error, within a moment."""
    began = time.perf_counter()
    with pytest.raises(UnsafeSvg) as refused:
        sanitise(REFUSED[name])

    assert time.perf_counter() - began < 3
    assert "EVIL" not in refused.value.detail


def test_a_compressed_svg_is_told_so() -> None:
    """Whoever sends one is told what to do."""
    with pytest.raises(UnsafeSvg, match="unpacked"):
        sanitise(gzip.compress(svg("")))


@pytest.mark.parametrize(
    "before",
    [
        "\ufeff",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- Generator: a program -->\n',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">',
    ],
    ids=["mark", "xml", "comment", "doctype"],
)
def test_what_programs_write_before_it_is_left_out(before: str) -> None:
    """The doctype of SVG 1.1 declares nothing that is read."""
    assert sanitise(svg("<rect/>", before=before)) == sanitise(svg("<rect/>"))


def test_prefixes_and_missing_namespaces_are_put_right() -> None:
    """It draws in a browser as it was meant."""
    meant = sanitise(f"<svg {SVG}><rect/></svg>".encode())

    assert sanitise(b"<svg><rect/></svg>") == meant
    assert sanitise(f"<s:svg {SVG.replace('xmlns', 'xmlns:s')}><s:rect/><rect onload='x'/></s:svg>".encode()) == meant


def test_references_are_followed_as_far_as_real_drawings_go() -> None:
    """A thousand uses of one symbol, in a few levels, are no bomb."""
    assert sanitise(bomb(3))
    assert sanitise(svg('<g id="a"><path/></g>' + '<use href="#a"/>' * 1_000))
    with pytest.raises(UnsafeSvg):
        sanitise(bomb(6))


def test_references_by_class_are_followed_too() -> None:
    """A bomb need not name an id in an attribute."""
    rules = "".join(f".a{n + 1} rect{{fill:url(#p{n})}}" for n in range(9))
    patterns = "".join(
        f'<pattern id="p{n}" class="a{n}">{f"""<rect class="a{n}"/>""" * 10}</pattern>' for n in range(10)
    )
    with pytest.raises(UnsafeSvg):
        sanitise(svg(f"<style>{rules}</style>{patterns}"))


def test_styles_refer_to_so_many_things_and_no_more() -> None:
    """Each name of a selector with each id of its rule: a product, in few bytes."""
    names, ids = " ".join(f"a{n}" for n in range(2_000)), " ".join(f"url(#b{n})" for n in range(2_000))
    with pytest.raises(UnsafeSvg):
        sanitise(svg(f"<style>{names}{{fill:{ids}}}</style>"))


def test_embedded_pixels_are_bounded() -> None:
    """An image in the SVG may be no bomb either."""
    import base64

    for width, kept in ((7_000, True), (7_100, False)):
        png = make_png()[:16] + width.to_bytes(4, "big") * 2 + make_png()[24:]
        clean = sanitise(svg(f'<image href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'))

        assert (b"base64" in clean) == kept


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        ('a{x:"}b{fill:red}"}', ""),
        ("a{x:'}b{fill:red}", ""),
        ("a{fill:red}\\7d b{fill:red}", ""),
        ("a{fill:red}/* b{x:y} c{fill:red}", "a{fill:red}"),
        ("a{fill:red}/* b{x:y} */c{fill:red}", "a{fill:red}c{fill:red}"),
        ("a{b{x:y;fill:red;z:w}}c{fill:red}", "c{fill:red}"),
        ("!{fill:red}c{fill:red}", "c{fill:red}"),
        ("a{fill:url(#x;stroke:rgb(1;opacity:1}", "a{opacity:1}"),
        ("a{font-family:'x;fill:red", ""),
    ],
)
def test_what_can_be_read_two_ways_is_lost(sheet: str, kept: str) -> None:
    """A browser must not see other rules than we do."""
    assert clean_sheet(sheet) == kept


def test_a_declaration_that_is_cut_is_lost() -> None:
    """Of a style attribute too: a piece with an open string or bracket is none."""
    assert clean_declarations("x:'a;fill:red;y:b';opacity:1") == "fill:red;opacity:1"
    assert clean_declarations("x:rgb(1;fill:red") == "fill:red"


@pytest.mark.parametrize(
    "inner",
    [
        '<path d="' + "M0 0L1 1" * 600_000 + '"/>',
        "<style>" + "a{b:c}" * 49_000 + "</style>",
        "<style>" + "(" * 4_000_000 + "</style>",
        "<style>" + "'\"" * 2_000_000 + "</style>",
        "<style>" + "/*" * 2_000_000 + "</style>",
        "<style>a{b:url(#" + "a" * 4_000_000 + "}</style>",
        "<style>" + "a>" * 2_000_000 + "!{b:c}</style>",
        '<g style="a:b' + " " * 4_000_000 + 'c"/>',
        '<g style="a:b(' + "a" * 4_000_000 + '"/>',
        '<g fill="' + "url(" * 1_000_000 + '"/>',
        '<g fill="url(' + " " * 4_000_000 + '"/>',
        '<g fill="data' + " " * 4_000_000 + '"/>',
        '<image href="data:image/png;base64,' + " " * 4_000_000 + '!"/>',
        "<g " + " ".join(f'a{n}="1"' for n in range(290_000)) + "/>",
        '<g id="a"/>' + '<use href="#a"/>' * 49_000,
        "<style>" + "/*a" * 1_500_000 + "</style>",
        '<g style="' + "/*a" * 1_500_000 + '"/>',
        "<style>@media " + "a" * 4_000_000 + "{a{b:c}}</style>",
        "<style>*{b:" + " ".join(f"url(#{n})" for n in range(190_000)) + "}</style>" + "<g/>" * 40_000,
        "<style>.a{b:" + "url(#x)" * 1_000 + '}</style><g id="x"/><g class="' + "a " * 1_500_000 + '"/>',
    ],
    ids=range(20),
)
def test_nothing_takes_long(inner: str) -> None:
    """Five megabytes made to be slow: seconds at most on a busy machine."""
    data = svg(inner)
    assert len(data) < LARGEST

    began = time.perf_counter()
    sanitise(data)

    assert time.perf_counter() - began < 6


def test_no_bytes_break_it() -> None:
    """3,000 SVGs with some bytes changed, pieces of others put in, and cut: cleaned or refused, and clean is clean."""
    chance = random.Random(6)
    clean = 0
    for _ in range(3_000):
        data = bytearray(svg("".join(chance.choices(PIECES, k=chance.randrange(4)))))
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = chance.choice(PIECES).encode()[: chance.randrange(1, 40)]
        try:
            result = sanitise(bytes(data))
        except UnsafeSvg:
            continue
        clean += 1

        assert sanitise(result) == result
        assert not {tag for tag, _, _ in shape(result)} & {"{http://www.w3.org/2000/svg}script", "script"}
        assert not [a for _, found, _ in shape(result) for a in found if a.lower().startswith("on")]

    assert clean > 500

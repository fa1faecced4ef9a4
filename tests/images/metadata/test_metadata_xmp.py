"""XMP and IPTC: which properties and records tell a place, however they are written."""

import time

import pytest

from app.images.metadata import iptc, xmp
from tests.images.metadata.parts import packet

SECONDS = 20
TITLE = "<dc:title>A title</dc:title>"
ALIAS = 'xmlns:a="http://ns.adobe.com/photoshop/1.0/"'
NAMED = packet(f"{TITLE}<a:City>Here</a:City>", ALIAS)


@pytest.mark.parametrize(
    "data",
    [
        packet(f"{TITLE}<exif:GPSLatitude>Here</exif:GPSLatitude>"),
        packet(TITLE, 'exif:GPSLatitude="Here"'),
        packet(TITLE, "photoshop:City='Here' photoshop:Credit='Me'"),
        packet(f'{TITLE}<photoshop:City a="&gt;&lt;>"\n>Here</photoshop:City\n>'),
        packet(f"{TITLE}<photoshop:State>Here<!-- > --><![CDATA[</photoshop:State>]]></photoshop:State>"),
        packet(f"{TITLE}<photoshop:Country/><dc:coverage>Here</dc:coverage>"),
        packet(f"<exif:GPSInfo><rdf:Bag><rdf:li>Here</rdf:li></rdf:Bag></exif:GPSInfo>{TITLE}"),
        packet(f"{TITLE}<rdf:Description><photoshop:City>Here</photoshop:City></rdf:Description>"),
        packet(f'{TITLE}<rdf:li rdf:parseType="Resource" photoshop:City="Here"/>'),
        NAMED,
        NAMED + b"\0\0",
        b"\xef\xbb\xbf" + NAMED,
    ],
)
def test_places_become_spaces(data: bytes) -> None:
    """Elements and attributes, whatever their namespace is called; the packet keeps its length and its title."""
    new = xmp.without_places(data)

    assert new is not None
    assert len(new) == len(data)
    assert b"Here" not in new
    assert b"A title" in new
    assert xmp.without_places(new) == new


@pytest.mark.parametrize("data", [packet(TITLE), packet("<dc:title>The city of Here</dc:title>"), b"", b"no XMP"])
def test_a_packet_without_places_stays(data: bytes) -> None:
    """Words in texts tell nothing that a machine could look up."""
    assert xmp.without_places(data) == data


@pytest.mark.parametrize(
    "data",
    [
        NAMED[:-30],
        NAMED.decode().encode("utf-16"),
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + packet("<photoshop:City>&a;</photoshop:City>"),
        b"<City>" * 10,
        b"<City>\xff</City>",
        b"<City>" + b"x" * xmp.LARGEST + b"</City>",
    ],
    ids=["cut", "other letters", "entities", "open", "no text", "large"],
)
def test_a_packet_that_is_not_understood(data: bytes) -> None:
    """The caller empties it."""
    assert xmp.without_places(data) is None
    assert len(xmp.emptied(data)) == len(data)
    assert b"City" not in xmp.emptied(data)


@pytest.mark.parametrize(
    "data",
    [
        b"<City>" * 300_000,
        b"<a>" + b"<City/>" * 250_000 + b"</a>",
        b"<a " + b" ".join(b'GPS%d=""' % n for n in range(100_000)) + b"/>",
        b"<City " + b"'" * 1_000_000,
        b":gps" * 500_000,
    ],
    ids=["deep", "wide", "attributes", "quotes", "words"],
)
def test_large_packets_take_little_time(data: bytes) -> None:
    """The time depends on the length alone."""
    started = time.monotonic()

    xmp.without_places(data)

    assert time.monotonic() - started < SECONDS


def test_records_of_places_go() -> None:
    """The others move up, zeros fill the end, and longer lengths are understood."""
    caption = b"\x1c\x02\x78\x80\x04\0\0\0\x03abc"
    records = b"\x1c\x02\x5a\0\4Here" + caption + b"\x1c\x02\x65\0\4Here" + b"\x1c\x03\x5a\0\4what"

    new = iptc.without_places(records + bytes(3))

    assert new == caption + b"\x1c\x03\x5a\0\4what" + bytes(9 + 9 + 3)


@pytest.mark.parametrize("records", [b"\x1c\x02\x5a\0\5Here", b"\x1c\x02", b"?", b"\x1c\x02\x5a\x80\x09", b"\0\1"])
def test_records_that_are_not_understood(records: bytes) -> None:
    """The caller empties them."""
    assert iptc.without_places(records) is None


@pytest.mark.parametrize("data", [b"8BIM\4\4\0\0\0\0\0\7abc", b"8BIM\4\4", b"9BIM", b"8BIM\4\4\xff" + bytes(300)])
def test_resources_that_are_not_understood(data: bytes) -> None:
    """The caller empties them; a name that is longer than the block is one such case."""
    assert iptc.resources_without_places(data) in {None, data}
    assert data[6:7] == b"\xff" or iptc.resources_without_places(data) is None


def test_many_records_take_little_time() -> None:
    """As many as a block can hold."""
    started = time.monotonic()

    iptc.without_places(b"\x1c\x02\x5a\0\0" * 800_000)
    iptc.resources_without_places(b"8BIM\4\5\0\0\0\0\0\0" * 340_000)

    assert time.monotonic() - started < SECONDS

"""No address that a client names is ever asked: a listener stands at each of them, and nobody comes."""

import json
import socket
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from urllib.request import urlopen

import pytest
from starlette.testclient import TestClient

from app.settings import LimitSettings
from tests.api.forms import part, post
from tests.api.running import running
from tests.api.tokens import bearer
from tests.assets.contents import TYPES
from tests.assets.test_tokens import unsigned
from tests.conftest import make_jpg, make_png
from tests.images.metadata.parts import chunk, packet, segment, with_chunks, with_segments
from tests.images.svgs import HOSTILE, svg

QUIET = 0.3  # seconds in which somebody who was called would come


class Canary:
    """A listener on loopback; who connects is counted when he is asked for, and gets no answer."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def visitors(self) -> int:
        """How many have connected by now."""
        self._socket.settimeout(QUIET)
        found = 0
        while True:
            try:
                self._socket.accept()[0].close()
            except TimeoutError:
                return found
            found += 1

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    """Nobody has come yet."""
    canary = Canary()
    yield canary
    canary.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service that sanitises and cleans, and takes its own address from the Host header."""
    with running(tmp_path_factory.mktemp("canary"), limits=LimitSettings(), public_base_url=None) as client:
        yield client


def spellings(address: str) -> list[str]:
    """The same place in other words, and other schemes that clients of the web know."""
    port = address.rpartition(":")[2]
    hosts = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "user@127.0.0.1"]
    return [f"http://{host}:{port}/a" for host in hosts] + [f"{s}://127.0.0.1:{port}/a" for s in ("ftp", "gopher")]


def office(address: str) -> bytes:
    """A document whose template and picture lie elsewhere."""
    relation = f'<Relationships><Relationship Id="r" Target="{address}/t.dotm" TargetMode="External"/></Relationships>'
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name in (TYPES, "_rels/.rels", "word/_rels/settings.xml.rels", "word/document.xml"):
            package.writestr(name, relation)
    return out.getvalue()


def pictures(address: str) -> Iterator[bytes]:
    """Images whose metadata name an address: XMP with entities, links, and a profile that lies elsewhere."""
    entity = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{address}/xmp"><!ENTITY % b SYSTEM "{address}/dtd">%b;]>'
    xmp = entity.encode() + packet(f"<dc:source>{address}/a&a;</dc:source>")
    yield with_segments(make_jpg(), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp))
    yield with_chunks(make_png(), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    yield make_png() + address.encode()


def documents(address: str) -> Iterator[bytes]:
    """Formats whose programs follow addresses."""
    link = f"<</S/URI/URI({address})>>"
    yield f"%PDF-1.4\n1 0 obj<</Type/Catalog/OpenAction{link}>>endobj\n2 0 obj<</F({address}/f)>>endobj".encode()
    yield f'{{\\rtf1{{\\field{{\\*\\fldinst INCLUDEPICTURE "{address}/a.png"}}}}}}'.encode()
    yield f'name;value\n1;=WEBSERVICE("{address}")\n2;=HYPERLINK("{address}")\n'.encode()
    yield json.dumps({"$ref": f"{address}/schema.json", "url": address}).encode()
    yield f'<?xml version="1.0"?><?xml-stylesheet href="{address}/a.xsl" type="text/xsl"?><a/>'.encode()
    yield f'<!DOCTYPE a [<!ENTITY b SYSTEM "{address}/xxe">]><a>&b;</a>'.encode()
    yield f'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="{address}/i"/></a>'.encode()
    yield f'<html><base href="{address}/"><img src="a.png"><meta http-equiv=refresh content="0;{address}">'.encode()
    yield f"#EXTM3U\n#EXTINF:1,\n{address}/a.ts\n".encode()
    yield office(address)


def drawings(address: str) -> Iterator[bytes]:
    """SVGs with an address in every place that one can have."""
    for inner in HOSTILE.values():
        yield svg(inner.replace("http://evil.test", address).replace("//evil.test", address.removeprefix("http:")))
    for before in (
        f'<!DOCTYPE svg SYSTEM "{address}/svg.dtd">',
        f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "{address}/svg11.dtd">',
        f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{address}/x">]>',
        f'<!DOCTYPE svg [<!ENTITY % x SYSTEM "{address}/x">%x;]>',
        f'<?xml-stylesheet type="text/css" href="{address}/a.css"?>',
    ):
        yield svg("<text>&x;</text>" if "ENTITY x" in before else "<rect/>", before=before)
    yield svg(f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{address}/i" parse="text"/>')
    yield svg("<rect/>", f' xmlns:e="{address}/ns" xsi:schemaLocation="{address} {address}/a.xsd" xmlns:xsi="x"')


def test_the_canary_hears(canary: Canary) -> None:
    """Who asks for an address is counted, whoever he is."""
    for address in (canary.address, spellings(canary.address)[1]):
        with pytest.raises(OSError, match="timed out"):
            urlopen(address, timeout=0.1)

    assert canary.visitors() == 2


@pytest.mark.parametrize("make", [drawings, pictures, documents], ids=lambda make: make.__name__)
def test_no_address_in_a_file_is_asked(client: TestClient, canary: Canary, make) -> None:
    """When it is stored, and when it is read, as each kind."""
    stored = 0
    for content in make(canary.address):
        for kind in ("logo", "photo", "document", "file"):
            answer = client.post(
                f"/v1/assets?kind={kind}&visibility=public", files={"file": (f"{canary.address}/a", content)}
            )
            if answer.status_code == 201:
                stored += 1
                assert client.get(answer.json()["permalink"]).status_code == 200
            assert answer.status_code in {201, 415, 422}, answer.text

    assert stored > 5
    assert canary.visitors() == 0


def test_no_address_in_a_field_is_asked(client: TestClient, canary: Canary) -> None:
    """In forms, JSON, queries and names: an upload by address does not exist."""
    logo = client.put("/v1/companies/7/logo", files={"logo": ("a.png", make_png())}).json()
    for url in spellings(canary.address):
        told = json.dumps({"url": url, "callback": {"webhook": url}})
        by_reference = (
            f'Content-Type: message/external-body; access-type=URL; URL="{url}"\r\nContent-Location: {url}\r\n'
        )
        post(client, part("url", url), part("file", make_png(), "a.png"), part("metadata", told))
        post(client, part("file", url))
        post(client, part("file", "", url, headers=by_reference))
        post(client, part("file", url, url, headers=by_reference))
        client.post("/v1/assets", json={"url": url, "file": url, "kind": "logo"})
        client.put("/v1/companies/7/logo", json={"logo_url": url, "url": url})
        client.post(f"/v1/assets?url={url}&file={url}&callback={url}", files={"file": ("a.png", make_png())})
        client.patch(f"/v1/assets/{logo['id']}", json={"filename": url, "metadata": {"url": url}})
        client.get(f"/v1/assets?filename={url}&cursor={url}")
        client.get(f"/f/{logo['id']}/{url}")

    assert canary.visitors() == 0


def headers(address: str) -> Iterator[Mapping[str, str]]:
    """What names a place in a request's head."""
    host = address.removeprefix("http://")
    for name in ("Host", "X-Forwarded-Host", "X-Host", "X-Forwarded-Server"):
        yield {name: host}
    for name in ("Referer", "Origin", "X-Original-URL", "X-Rewrite-URL", "Content-Location", "SOAPAction", "Link"):
        yield {name: f"{address}/a"}
    yield {"Forwarded": f"host={host};for={host}", "X-Forwarded-For": host}
    for claim in ("jku", "x5u"):
        for algorithm in ("RS256", "ES256", "HS256"):
            yield bearer(
                unsigned({"alg": algorithm, claim: f"{address}/keys", "kid": f"{address}/keys"}, {"iss": address})
            )


def test_no_address_in_a_head_is_asked(client: TestClient, canary: Canary) -> None:
    """Neither a proxy's word, nor a token's, nor the target of the request."""
    for named in headers(canary.address):
        client.post("/v1/assets", files={"file": ("a.png", make_png())}, headers=named)
        client.get("/v1/assets", headers=named)
        client.get("/readyz", headers=named)

    assert canary.visitors() == 0

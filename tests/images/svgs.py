"""SVGs: such as drawing programs write, and such as attackers do."""

import base64

from tests.conftest import make_png

SVG = 'xmlns="http://www.w3.org/2000/svg"'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
PIXELS = f"data:image/png;base64,{base64.b64encode(make_png(3, 4)).decode()}"
NESTED = base64.b64encode(b"<svg onload=EVIL()/>").decode()


def svg(inner: str, more: str = "", *, before: str = "") -> bytes:
    """A whole SVG."""
    return f'{before}<svg {SVG} {XLINK} viewBox="0 0 10 10"{more}>{inner}</svg>'.encode()


def bomb(levels: int, width: int = 10, reference: str = '<use href="#{}"/>') -> bytes:
    """`width` to the power of `levels` elements in few bytes."""
    groups = [f'<g id="a{n + 1}">{reference.format(f"a{n}") * width}</g>' for n in range(levels)]
    return svg(f'<g id="a0"><rect/></g>{"".join(groups)}')


# Each of these keeps every element and attribute.
HARMLESS = {
    "shapes": '<rect x="1" y="2" width="3" height="4" rx="1"/><circle cx="5" cy="5" r="2"/><path d="M0 0h10v10z"/>',
    "groups": '<g id="a" class="b c" transform="translate(1 2) rotate(45)" opacity=".5"><line x1="0" y1="1"/></g>',
    "gradient": '<defs><linearGradient id="g" x1="0" gradientUnits="userSpaceOnUse">'
    '<stop offset="0" stop-color="#fff"/>'
    '</linearGradient><radialGradient id="h" xlink:href="#g"/></defs><rect fill="url(#g)" stroke="url(#h)"/>',
    "style": '<style>.cls-1{fill:#2d2d2d}.cls-2,#x>path{fill:url(#g);stroke-width:2px}</style><path class="cls-1"/>',
    "dark": "<style>@media (prefers-color-scheme: dark){path{fill:#fff}}</style>",
    "spin": "<style>@keyframes spin{from{transform:rotate(0deg)}to{transform:rotate(360deg)}}</style>",
    "attribute style": '<path style="fill:none;stroke:rgba(0, 0, 0, .5);font-family:&quot;Open Sans&quot;"/>',
    "text": '<text x="1" y="2" font-family="Arial" text-anchor="middle">a &lt; b &amp; '
    "<tspan>c</tspan><tspan>d</tspan></text>",
    "spaces": '<text xml:space="preserve">a   b</text>',
    "use": '<symbol id="s" viewBox="0 0 1 1"><path d="M0 0"/></symbol><use href="#s"/><use xlink:href="#s" x="1"/>',
    "pixels": f'<image width="3" height="4" href="{PIXELS}"/><image xlink:href="{PIXELS}"/>',
    "clip": '<clipPath id="c"><rect/></clipPath><mask id="m"><rect/></mask><g clip-path="url(#c)" mask="url(\'#m\')"/>',
    "filter": '<filter id="f"><feGaussianBlur in="SourceAlpha" stdDeviation="2"/><feOffset dx="1"/></filter>'
    '<g filter="url(#f)"/>',
    "animation": '<rect><animate attributeName="opacity" values="0;1" dur="1s" repeatCount="indefinite"/>'
    '<animateTransform attributeName="transform" type="rotate" from="0" to="360"/></rect>',
    "title": '<title>A logo</title><desc>of "us"</desc><path role="img" aria-label="x"/>',
    "pattern": '<pattern id="p" width="4" patternUnits="userSpaceOnUse"><circle r="1"/></pattern>'
    '<rect fill="url(#p)"/>',
    "marker": '<marker id="m" orient="auto"><path d="M0 0"/></marker><path marker-end="url(#m)" d="M0 0"/>',
}

# Nothing of what is written in capitals, and no address, may be left of these.
HOSTILE = {
    "script": "<script>EVIL()</script>",
    "script in CDATA": "<script><![CDATA[EVIL()]]></script>",
    "script of HTML": '<h:script xmlns:h="http://www.w3.org/1999/xhtml">EVIL()</h:script>',
    "script in a group": "<g><defs><script>EVIL()</script></defs></g>",
    "script by address": '<script href="http://evil.test/EVIL.js"/>',
    "event": '<rect onclick="EVIL()" onload="EVIL()" ONMOUSEOVER="EVIL()" onbegin="EVIL()"/>',
    "foreign object": '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml">'
    '<img src="x" onerror="EVIL()"/></body></foreignObject>',
    "link": '<a href="javascript:EVIL()" xlink:href="java&#10;script:EVIL()" target="EVIL"><text>x</text></a>',
    "link elsewhere": '<a href="https://evil.test/EVIL">x</a>',
    "set": '<a><set attributeName="href" to="javascript:EVIL()"/></a>',
    "animate": '<a><animate attributeName="xlink:href" values="javascript:EVIL();x" dur="1s"/></a>',
    "animate an event": '<rect><set attributeName="onmouseover" to="EVIL()"/></rect>',
    "animate a prefix": '<a><animate xmlns:y="http://www.w3.org/1999/xlink" '
    'attributeName="y:href" to="javascript:EVIL()"/></a>',
    "animate a way": '<a><animateMotion attributeName="href" to="javascript:EVIL()" path="M0 0"/></a>',
    "animate a style": '<rect><set attributeName="style" to="fill:url(//evil.test/EVIL)"/></rect>',
    "animate a fill": '<rect><set attributeName="fill" to="url(http://evil.test/EVIL)"/></rect>',
    "image": '<image href="http://evil.test/EVIL.png"/><image xlink:href="//evil.test/EVIL.png"/>',
    "image of the site": '<image href="/EVIL.png"/><image href="EVIL.png"/><image href="file:///EVIL"/>',
    "nested svg": f'<image href="data:image/svg+xml;base64,{NESTED}"/>',
    "nested svg as png": f'<image href="data:image/png;base64,{NESTED}"/>',
    "pixels of another type": f'<image href="{PIXELS.replace("png", "gif")}"/>',
    "html address": '<image href="data:text/html,&lt;script&gt;EVIL()&lt;/script&gt;"/>'
    '<use href="data:text/html,EVIL"/>',
    "use elsewhere": '<use href="http://evil.test/EVIL.svg#a"/><use xlink:href="EVIL.svg#a"/>',
    "use data": '<use href="data:image/svg+xml,&lt;svg id=EVIL/&gt;#a"/>',
    "feImage": '<filter><feImage href="http://evil.test/EVIL"/></filter>',
    "gradient elsewhere": '<linearGradient href="http://evil.test/EVIL#g"/><pattern xlink:href="EVIL#p"/>',
    "fill elsewhere": '<rect fill="url(http://evil.test/EVIL#g)" stroke="URL( \'//evil.test/EVIL\' )"/>',
    "fill escaped": '<rect fill="u\\72l(http://evil.test/EVIL)" mask="url\\28 http://evil.test/EVIL)"/>',
    "fill half": '<rect fill="url(#a) url(http://evil.test/EVIL)" filter="url(#a)url(//evil.test/EVIL"/>',
    "style elsewhere": '<rect style="fill:url(http://evil.test/EVIL);'
    'background:image-set(&quot;http://evil.test/EVIL&quot; 1x)"/>',
    "style escaped": '<rect style="fill:\\75rl(http://evil.test/EVIL);x:y/*;*/:url(//evil.test/EVIL)"/>',
    "style expression": '<rect style="width:expression(EVIL());behavior:url(EVIL.htc);-moz-binding:url(EVIL.xml#x)"/>',
    "import": '<style>@import url(http://evil.test/EVIL.css);@import "http://evil.test/EVIL.css";</style>',
    "import late": "<style>a{}/**/@import 'http://evil.test/EVIL.css' screen;</style>",
    "import in comment": "<style>/*/*/@import 'http://evil.test/EVIL.css';/**/</style>",
    "import escaped": "<style>@\\69mport 'http://evil.test/EVIL.css';</style>",
    "font": "<style>@font-face{font-family:x;src:url(http://evil.test/EVIL.woff)}</style>",
    "sheet": "<style>rect{fill:url(http://evil.test/EVIL)}a{cursor:url('//evil.test/EVIL'),auto}</style>",
    "sheet with strings": '<style>a{x:"}b{fill:url(http://evil.test/EVIL)}"}</style>',
    "sheet that is open": "<style>a{fill:red}b{background:url(http://evil.test/EVIL)</style>",
    "sheet in media": "<style>@media screen{@import 'http://evil.test/EVIL';a{b:url(http://evil.test/EVIL)}}</style>",
    "sheet under a condition": "<style>@supports (b:url(//EVIL)){a{b:c}}@media url(//EVIL){a{b:c}}</style>",
    "sheet of attributes": "<style>a[href^='x']{background:src('http://evil.test/EVIL')}</style>",
    "sheet of another type": '<style type="text/EVIL">a{b:c}</style>',
    "sheet of elements": "<style>a{b:c}<script>EVIL()</script></style>",
    "namespace sheet": "<style>@namespace x url(http://evil.test/EVIL);</style>",
    "base": '<g xml:base="http://evil.test/EVIL/"><use href="#a"/></g>',
    "events of XML": '<ev:listener xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load" ev:handler="#EVIL"/>',
    "handler": '<handler type="text/ecmascript">EVIL()</handler><listener event="click" handler="#EVIL"/>',
    "iframe": '<iframe src="http://evil.test/EVIL"/><embed src="EVIL"/><object data="EVIL"/><video src="EVIL"/>',
    "metadata": '<metadata><rdf:RDF xmlns:rdf="r">EVIL</rdf:RDF></metadata>',
    "instruction": '<?xml-stylesheet href="http://evil.test/EVIL.css"?><?php EVIL() ?>',
    "comment": "<!-- EVIL --><!--><script>EVIL()</script>-->",
    "title": "<title><script>EVIL()</script></title><desc><p onclick='EVIL()'/></desc>",
    "upper case": "<SCRIPT>EVIL()</SCRIPT><ForeignObject>EVIL</ForeignObject>",
    "unknown": '<blink EVIL="1">EVIL</blink><rect data-EVIL="EVIL" srcdoc="EVIL" ping="EVIL" formaction="EVIL"/>',
    "cursor": '<cursor href="http://evil.test/EVIL"/><rect cursor="url(http://evil.test/EVIL)"/>',
    "extension": '<switch><g requiredExtensions="http://evil.test/EVIL"/></switch>',
}

ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10))
# These can't be made harmless, or are not what they say.
REFUSED = {
    "entity bomb": svg("<text>&a9;</text>", before=f"<!DOCTYPE svg [{ENTITIES}]>"),
    "outside entity": svg("<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "parameter entity": svg("", before='<!DOCTYPE svg [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x">%x;]>'),
    "harmless entity": svg("<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x "y">]>'),
    "default attribute": svg("", before='<!DOCTYPE svg [<!ATTLIST svg onload CDATA "EVIL()">]>'),
    "gzip": b"\x1f\x8b\x08\0" + bytes(20),
    "utf-16": svg("").decode().encode("utf-16"),
    "utf-16 without a mark": svg("").decode().encode("utf-16-le"),
    "utf-32": svg("").decode().encode("utf-32"),
    "latin-1": svg("<text>é</text>", before='<?xml version="1.0" encoding="iso-8859-1"?>').decode().encode("latin-1"),
    "utf-7": svg("", before='<?xml version="1.0" encoding="utf-7"?>'),
    "utf-16 by name": svg("", before='<?xml version="1.0" encoding="utf-16"?>'),
    "cut": svg("<g>")[:-7],
    "empty": b"",
    "text": b"svg",
    "two roots": svg("") + svg(""),
    "html": b"<html><body><svg/></body></html>",
    "xhtml": b'<html xmlns="http://www.w3.org/1999/xhtml"><svg xmlns="http://www.w3.org/2000/svg"/></html>',
    "upper case": f"<SVG {SVG}/>".encode(),
    "svg of another namespace": b'<svg xmlns="http://www.w3.org/1999/xhtml"><script/></svg>',
    "the same attribute twice": svg('<rect x="1" x="2"/>'),
    "null": svg("<text>\0</text>"),
    "use bomb": bomb(9),
    "use bomb by the old name": bomb(9, reference='<use xlink:href="#{}"/>'),
    "pattern bomb": bomb(9, reference='<rect fill="url(#{})"/>'),
    "style bomb": bomb(9, reference='<rect style="mask:url(#{})"/>'),
    "a use of itself": svg('<g id="a"><use href="#a"/></g>'),
    "a long chain": svg("".join(f'<g id="a{n}"><use href="#a{n + 1}"/></g>' for n in range(1_000)) + '<g id="a1000"/>'),
    "deep": svg("<g>" * 100 + "</g>" * 100),
    "very deep": svg("<g>" * 100_000 + "</g>" * 100_000),
    "wide": svg("<g/>" * 50_000),
    "attributes": svg("<g " + " ".join(f'a{n}="1"' for n in range(300_000)) + "/>"),
    "too large": svg(f'<path d="{"M0 0 " * 1_100_000}"/>'),
}

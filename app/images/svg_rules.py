"""What an SVG may hold: elements and attributes that draw, by name. Whatever is not listed is left out."""

import base64
import binascii
import re

from app.images.headers import read_header
from app.images.svg_styles import clean_declarations, clean_sheet, harmless
from app.images.svg_tree import Element

PIXELS = 50_000_000  # of an image inside the SVG
EMBEDDED = re.compile(r"data:(image/(?:png|jpeg|gif|webp|avif));base64,([A-Za-z0-9+/=\s]+)")
FRAGMENT = re.compile(r"#[\w.:-]+")
DRAWING = """
a animate animateMotion animateTransform circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer
feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB
feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight
feTile feTurbulence filter g image line linearGradient marker mask mpath path pattern polygon polyline
radialGradient rect set stop style svg switch symbol text textPath title tspan use
"""
ELEMENTS = frozenset(DRAWING.split())
ANIMATIONS = frozenset({"animate", "animateTransform", "set"})
NUMBERS = """
cx cy d dx dy fill fill-opacity font-size gradientTransform height k1 k2 k3 k4 letter-spacing offset opacity
patternTransform points r rotate rx ry scale seed stdDeviation stop-color stop-opacity stroke stroke-dasharray
stroke-dashoffset stroke-opacity stroke-width transform viewBox visibility display width x x1 x2 y y1 y2 fx fy
baseFrequency values startOffset textLength
"""
ANIMATED = frozenset(NUMBERS.split())
# SVG 2 and SVG 1.1, without events, addresses, processing requirements and what only scripts read.
OTHERS = """
accumulate additive alignment-baseline amplitude aria-describedby aria-hidden aria-label aria-labelledby
attributeName attributeType azimuth baseline-shift begin bias by calcMode class clip clip-path clip-rule
clipPathUnits color color-interpolation color-interpolation-filters color-rendering diffuseConstant direction
divisor dominant-baseline dur edgeMode elevation enable-background end exponent fill-rule filter filterUnits
flood-color flood-opacity font font-family font-size-adjust font-stretch font-style font-variant font-weight fr
from glyph-orientation-horizontal glyph-orientation-vertical gradientUnits id image-rendering in in2 intercept
kernelMatrix kernelUnitLength kerning keyPoints keySplines keyTimes lang lengthAdjust lighting-color
limitingConeAngle marker-end marker-mid marker-start markerHeight markerUnits markerWidth mask mask-type
maskContentUnits maskUnits max method min mix-blend-mode mode numOctaves operator order orient origin overflow
paint-order path pathLength patternContentUnits patternUnits pointer-events pointsAtX pointsAtY pointsAtZ
preserveAlpha preserveAspectRatio primitiveUnits radius refX refY repeatCount repeatDur restart result role
shape-rendering side slope spacing specularConstant specularExponent spreadMethod stitchTiles stroke-linecap
stroke-linejoin stroke-miterlimit surfaceScale systemLanguage tableValues targetX targetY text-anchor
text-decoration text-rendering to transform-box transform-origin type unicode-bidi vector-effect version
white-space word-spacing writing-mode xChannelSelector yChannelSelector xml:lang xml:space z zoomAndPan
"""
ATTRIBUTES = ANIMATED | frozenset(OTHERS.split())
REFERENCES = frozenset({"href", "xlink:href"})
TEXTS = frozenset({"title", "desc", "style"})  # in HTML their contents would be read by other rules


def clean(element: Element) -> None:
    """Leave out what does not draw, in the element and all below it."""
    element.attributes = {
        name: kept
        for name, value in element.attributes.items()
        if (kept := _value(element.tag, name, value)) is not None
    }
    if element.tag in TEXTS:
        text = "".join(child for child in element.children if isinstance(child, str))
        element.children = [clean_sheet(text) if element.tag == "style" else text]
        return
    element.children = [child for child in element.children if isinstance(child, str) or _draws(child)]
    for child in element.children:
        if isinstance(child, Element):
            clean(child)


def _draws(element: Element) -> bool:
    """An animation of anything but numbers and colours is none: it could set an address or a script."""
    animated = element.attributes.get("attributeName")
    if (animated is not None or element.tag in ANIMATIONS) and animated not in ANIMATED:
        return False
    plain = element.attributes.get("type", "text/css").strip().lower() == "text/css"
    return element.tag in ELEMENTS and (element.tag != "style" or plain)


def _value(tag: str, name: str, value: str) -> str | None:
    """What an attribute may say; None: nothing."""
    if name in REFERENCES:
        return _reference(tag, value.strip())
    if name == "style":
        return clean_declarations(value) or None
    return value if name in ATTRIBUTES and harmless(value) else None


def _reference(tag: str, value: str) -> str | None:
    """Something in the same document, or an image that is all there."""
    good = _is_image(value) if tag == "image" else FRAGMENT.fullmatch(value)
    return value if good else None


def _is_image(value: str) -> bool:
    """Pixels of the type that the address says, of a size that can be drawn; an SVG inside an SVG is none."""
    if not (match := EMBEDDED.fullmatch(value)):
        return False
    try:
        header = read_header(base64.b64decode("".join(match[2].split()), validate=True))
    except binascii.Error:
        return False
    if header is None or header.content_type != match[1]:
        return False
    return header.width is not None and header.height is not None and header.width * header.height <= PIXELS

"""SVGs made harmless: what only draws is copied, everything else is left out."""

from app.errors import UnsafeSvg
from app.images.svg_rules import clean
from app.images.svg_tree import read, write
from app.images.svg_weight import weigh

LARGEST = 5 * 1024 * 1024  # bytes
SIGNS = {b"<": 150_000, b"=": 300_000, b";": 200_000, b"{": 50_000}  # counted before anything is read: time and memory


def sanitise(data: bytes) -> bytes:
    """A whole SVG -> one that draws the same and can do nothing else, in UTF-8; cleaned again it stays as it is.

    Nothing is fetched, drawn or run. Blocks: a second for a megabyte of small elements; not for the event loop.
    `UnsafeSvg` says why not: entities, other encodings, gzip, broken XML, too deep, too many elements, a `use` bomb.
    """
    root = read(_text(data))
    clean(root)
    weigh(root)
    return write(root).encode()


def _text(data: bytes) -> str:
    """UTF-8, whatever the file says: what is read in one encoding only can't be two documents."""
    if data.startswith(b"\x1f\x8b"):
        raise UnsafeSvg("The SVG is compressed (svgz): send it unpacked.")
    if len(data) > LARGEST:
        raise UnsafeSvg(f"An SVG may have at most {LARGEST} bytes.", limit=LARGEST)
    if any(data.count(sign) > most for sign, most in SIGNS.items()):
        raise UnsafeSvg("The SVG has too many elements, attributes or styles.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # also UTF-16 without a mark, which expat would read whatever it is told
        raise UnsafeSvg("The SVG is not UTF-8.")
    return text

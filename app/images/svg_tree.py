"""XML in and out: expat's events as a small tree of SVG elements, and the tree as text."""

from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from app.errors import UnsafeSvg

SVG, XLINK, XML = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink", "http://www.w3.org/XML/1998/namespace"
DEEPEST, MOST = 100, 50_000  # levels; elements
ENCODINGS = {None, "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "windows-1252"}  # all the same for ASCII
QUALIFIED = {  # attributes of other namespaces, by the names that they are written with
    f"{XLINK} href": "xlink:href",
    f"{XML} space": "xml:space",
    f"{XML} lang": "xml:lang",
}


@dataclass(slots=True)
class Element:
    """One element of the SVG namespace, with attributes by name, and elements and texts in their order."""

    tag: str
    attributes: dict[str, str]
    children: list["Element | str"] = field(default_factory=list)


def read(text: str) -> Element:
    """The tree of an SVG. Comments, processing instructions and elements of other namespaces are left out."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.XmlDeclHandler = reader.declaration
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError:
        raise UnsafeSvg("The SVG is not well-formed XML.") from None
    if reader.root is None:
        raise UnsafeSvg("There is no svg element at the top.")
    return reader.root


def write(root: Element) -> str:
    """The tree as XML, without declaration or doctype."""
    pieces: list[str] = []
    _write(root, pieces, f' xmlns="{SVG}" xmlns:xlink="{XLINK}"')
    return "".join(pieces)


class _Reader:
    """What expat calls."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element | None] = []  # None: of another namespace
        self._count = 0
        self._prefix = f"{SVG} "

    def declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise UnsafeSvg("The SVG is not UTF-8.")

    def doctype(self, _name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
        """The doctype of SVG 1.1 is fine: nobody fetches it. Declarations of one's own are not."""
        if has_subset:
            raise UnsafeSvg("The SVG declares entities or attributes of its own.")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST or len(self._open) >= DEEPEST:
            raise UnsafeSvg(f"An SVG may have at most {MOST} elements, {DEEPEST} deep.", limit=MOST)
        if not self._open:
            self._prefix = f"{SVG} " if " " in name else ""  # without a namespace at the top it is meant all the same
        element = self._element(name, attributes)
        if not self._open:
            if element is None or element.tag != "svg":
                raise UnsafeSvg("There is no svg element at the top.")
            self.root = element
        elif element and (parent := self._open[-1]):
            parent.children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        if self._open and (parent := self._open[-1]):
            parent.children.append(data)

    def _element(self, name: str, attributes: dict[str, str]) -> Element | None:
        """None for what lies in an element of another namespace, or is one."""
        tag = name.removeprefix(self._prefix)
        if " " in tag or not name.startswith(self._prefix) or (self._open and self._open[-1] is None):
            return None
        return Element(tag, {QUALIFIED.get(key, key): value for key, value in attributes.items()})


def _write(element: Element, pieces: list[str], opening: str = "") -> None:
    pieces.append(f"<{element.tag}{opening}")
    pieces.extend(f" {name}={_quoted(value)}" for name, value in element.attributes.items())
    if not element.children:
        pieces.append("/>")
        return
    pieces.append(">")
    for child in element.children:
        if isinstance(child, str):
            pieces.append(escape(child, {"\r": "&#13;"}))
        else:
            _write(child, pieces)
    pieces.append(f"</{element.tag}>")


def _quoted(value: str) -> str:
    """Always in double quotes; a line break stays one when it is read again."""
    return '"' + quoteattr(value, {'"': "&quot;"})[1:-1] + '"'

"""How much an SVG draws once all its references are followed: few bytes can ask for billions of elements."""

from app.errors import UnsafeSvg
from app.images.svg_styles import fragments, sheet_fragments
from app.images.svg_tree import Element

HEAVIEST = 200_000  # elements drawn
DEEPEST = 200  # levels, through elements and references


def weigh(root: Element) -> int:
    """The number of elements that are drawn. `UnsafeSvg` if they are too many, or refer to themselves."""
    return _Scales(root).weigh(root, DEEPEST)


class _Scales:
    """Each element is weighed once, and is as heavy as all that it holds and refers to."""

    def __init__(self, root: Element) -> None:
        self._by_id: dict[str, Element] = {}
        self._styled: dict[str, set[str]] = {}  # tag, class or id -> ids
        self._pairs = 0  # in it, repeated ones too
        self._weights: dict[int, int | None] = {}  # None: on the scales, with what it refers to
        waiting = [root]
        while waiting:
            element = waiting.pop()
            self._by_id.setdefault(element.attributes.get("id", ""), element)
            if element.tag == "style":
                self._learn("".join(child for child in element.children if isinstance(child, str)))
            waiting += [child for child in element.children if isinstance(child, Element)]
        self._styled = {name: ids & self._by_id.keys() for name, ids in self._styled.items()}

    def weigh(self, element: Element, levels: int) -> int:
        known = self._weights.get(id(element), -1)
        if known is None or levels == 0:
            raise UnsafeSvg("The SVG refers to itself, or through too many levels.")
        if known >= 0:
            return known
        self._weights[id(element)] = None
        parts = [child for child in element.children if isinstance(child, Element)]
        parts += [self._by_id[name] for name in self._references(element) if name in self._by_id]
        weight = 1
        for part in parts:
            weight += self.weigh(part, levels - 1)
            if weight > HEAVIEST:
                raise UnsafeSvg(f"The SVG would draw more than {HEAVIEST} elements.", limit=HEAVIEST)
        self._weights[id(element)] = weight
        return weight

    def _learn(self, sheet: str) -> None:
        for name, ids in sheet_fragments(sheet):
            self._pairs += len(ids)
            if self._pairs > HEAVIEST:
                raise UnsafeSvg(f"The styles of the SVG refer to more than {HEAVIEST} things.", limit=HEAVIEST)
            self._styled.setdefault(name, set()).update(ids)

    def _references(self, element: Element) -> list[str]:
        found = []
        for name, value in element.attributes.items():
            if name in {"href", "xlink:href"}:
                found.append(value.removeprefix("#"))
            else:
                found += fragments(value)
        if self._styled:
            names = ["*", element.tag, element.attributes.get("id", ""), *element.attributes.get("class", "").split()]
            found += [ref for name in dict.fromkeys(names) for ref in self._styled.get(name, ())]
        return found

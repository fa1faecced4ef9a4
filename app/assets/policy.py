"""What each kind of file may be: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from app.assets.inspection import MAX_FRAMES, Inspection
from app.assets.kinds import DOCUMENTS, EXTENSIONS, IMAGES, LOGOS, PHOTOS, SVG, types_of
from app.assets.texts import UTF_16
from app.errors import (
    EmptyFile,
    FileTooLarge,
    TooManyFrames,
    TooManyPixels,
    UnknownKind,
    UnreadableImage,
    UnsupportedMediaType,
)
from app.settings import LimitSettings

__all__ = ["DOCUMENTS", "EXTENSIONS", "IMAGES", "Policies", "Policy", "disposition", "served_type"]

MAX_PIXELS = 50_000_000
TYPES: Mapping[str, tuple[str, ...]] = {"logo": LOGOS, "photo": PHOTOS, "document": DOCUMENTS, "file": ()}
VISIBILITY = {"logo": "public", "photo": "public", "document": "private", "file": "private"}

# What browsers show in the page; everything else is an attachment.
INLINE = frozenset({*IMAGES, SVG, "application/pdf", "text/plain"})
# What is told to be what it is, though it is downloaded: no browser runs it.
NAMED = frozenset({*DOCUMENTS, SVG})


@dataclass(frozen=True, slots=True)
class Policy:
    """What one kind takes: types (empty: any, and never shown), the largest size in bytes, pixels and frames of an
    image, and who may see it if nobody says.
    """

    kind: str
    types: tuple[str, ...]
    max_size: int
    visibility: str
    max_pixels: int = MAX_PIXELS
    max_frames: int = MAX_FRAMES

    def check(self, inspection: Inspection, size: int) -> None:
        """Raise what is wrong with a file of this kind, naming what was found and what is allowed."""
        if size == 0:
            raise EmptyFile
        if size > self.max_size:
            raise self.too_large()
        if not self.types:
            return
        if inspection.content_type not in self.types:
            raise self._wrong_type(inspection)
        if inspection.content_type.startswith("image/") and inspection.content_type != SVG:
            self._check_image(inspection)

    def sanitises(self, inspection: Inspection) -> bool:
        """Whether the file must be made harmless before it is stored. A `file` is kept as it is: it is never shown."""
        return bool(self.types) and inspection.content_type == SVG

    def too_large(self) -> FileTooLarge:
        """The refusal, with the limit in bytes."""
        return FileTooLarge(f"A {self.kind} may have at most {self.max_size} bytes.", limit=self.max_size)

    def _wrong_type(self, inspection: Inspection) -> UnsupportedMediaType:
        found, allowed = inspection.content_type, ", ".join(self.types)
        more = {} if inspection.said is None else {"declared": inspection.said}
        said = "" if inspection.said is None else f", though it is called {inspection.said}"
        advice = " Save it as UTF-8." if found == UTF_16 else ""
        detail = f"The contents are {found}{said}. A {self.kind} may be {allowed}.{advice}"
        return UnsupportedMediaType(detail, found=found, allowed=list(self.types), **more)

    def _check_image(self, inspection: Inspection) -> None:
        """What decoding it would cost; nothing is decoded. An unknown size is refused once all was looked at."""
        width, height, frames = inspection.width, inspection.height, inspection.frames
        if width is None or height is None:
            if inspection.complete:
                raise UnreadableImage(found=inspection.content_type)
            return
        if width * height > self.max_pixels:
            detail = f"The image has {width} x {height} pixels. A {self.kind} may have {self.max_pixels}."
            raise TooManyPixels(detail, found=width * height, limit=self.max_pixels)
        if frames is not None and frames > self.max_frames:
            detail = f"The animation has more than {self.max_frames} frames."
            raise TooManyFrames(detail, limit=self.max_frames)


class Policies:
    """The policy of each kind, with the limits that the settings give."""

    def __init__(
        self,
        limits: Mapping[str, int],
        *,
        types: Mapping[str, tuple[str, ...]] = TYPES,
        visibility: Mapping[str, str] = VISIBILITY,
        max_pixels: int = MAX_PIXELS,
        max_frames: int = MAX_FRAMES,
        svg: bool = False,
    ) -> None:
        """`limits`: bytes of each kind. `svg`: whether whoever asks makes SVGs harmless; without, none is taken."""
        self.max_frames = max_frames
        self._by_kind = {}
        for kind, limit in limits.items():
            taken = tuple(name for name in types[kind] if svg or name != SVG)
            if types[kind] and not taken:  # nothing left would mean anything
                raise ValueError(f"A {kind} may be SVG only, and SVG is refused: change {kind.upper()}_TYPES or SVG.")
            self._by_kind[kind] = Policy(kind, taken, limit, visibility[kind], max_pixels, max_frames)
        self.largest = max(self._by_kind.values(), key=lambda policy: policy.max_size)

    @classmethod
    def of(cls, limits: LimitSettings) -> Self:
        """As the settings say. ValueError: a type that is none, in one line. SVGs must be made harmless (step 7)."""
        given = {kind: types_of(words, variable=f"{kind.upper()}_TYPES") for kind, words in limits.types().items()}
        return cls(
            limits.by_kind(),
            types={kind: given[kind] or TYPES[kind] for kind in TYPES},
            visibility=limits.visibility(),
            max_pixels=int(limits.max_megapixels * 1_000_000),
            max_frames=limits.max_frames,
            svg=limits.svg == "sanitise",
        )

    def __getitem__(self, kind: str) -> Policy:
        """The policy of a kind; `UnknownKind` names those there are."""
        try:
            return self._by_kind[kind]
        except KeyError:
            raise UnknownKind(f"kind is one of {', '.join(self._by_kind)}.", allowed=list(self._by_kind)) from None


def disposition(kind: str, content_type: str) -> str:
    """`inline` for what a browser can show without running it, else `attachment`."""
    return "inline" if kind != "file" and content_type in INLINE else "attachment"


def served_type(kind: str, content_type: str) -> str:
    """The Content-Type we answer with: what could run in a page is never named as such; an SVG was made harmless."""
    if kind == "file" or content_type not in NAMED:
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if content_type == "text/plain" else content_type

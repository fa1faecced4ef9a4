"""What each kind of file may be: one table."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.assets.inspection import Inspection
from app.errors import EmptyFile, FileTooLarge, UnknownKind, UnsupportedMediaType

IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")
DOCUMENTS = ("application/pdf", "text/plain", *IMAGES)

# What browsers show in the page; everything else is an attachment.
INLINE = frozenset({*IMAGES, "application/pdf", "text/plain"})

EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What one kind takes: types (empty: any), the largest size in bytes, and who may see it if nobody says."""

    kind: str
    types: tuple[str, ...]
    max_size: int
    visibility: str

    def check(self, inspection: Inspection, size: int) -> None:
        """Raise what is wrong with a file of this kind, naming what was found and what is allowed."""
        if size == 0:
            raise EmptyFile
        if size > self.max_size:
            raise self.too_large()
        if self.types and inspection.content_type not in self.types:
            found, allowed = inspection.content_type, ", ".join(self.types)
            detail = f"The contents are {found}. A {self.kind} may be {allowed}."
            raise UnsupportedMediaType(detail, found=found, allowed=list(self.types))

    def too_large(self) -> FileTooLarge:
        """The refusal, with the limit in bytes."""
        return FileTooLarge(f"A {self.kind} may have at most {self.max_size} bytes.", limit=self.max_size)


class Policies:
    """The policy of each kind, with the limits that the settings give."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._by_kind = {
            "logo": Policy("logo", IMAGES, limits["logo"], "public"),
            "photo": Policy("photo", IMAGES, limits["photo"], "public"),
            "document": Policy("document", DOCUMENTS, limits["document"], "private"),
            "file": Policy("file", (), limits["file"], "private"),
        }
        self.largest = max(self._by_kind.values(), key=lambda policy: policy.max_size)

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
    """The Content-Type we answer with: what could run in a page is never named as such."""
    if disposition(kind, content_type) == "attachment":
        return "application/octet-stream"
    return "text/plain; charset=utf-8" if content_type == "text/plain" else content_type

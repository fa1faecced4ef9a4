"""Media types that kinds of files take, with the ends of their names in a store."""

from collections.abc import Iterable, Mapping

SVG = "image/svg+xml"
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")
LOGOS = (*IMAGES, SVG)
PHOTOS = (*IMAGES, "image/heic", "image/heif")
OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.graphics": "odg",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/rtf": "rtf",
}
TEXTS = {"text/plain": "txt", "text/csv": "csv", "text/tab-separated-values": "tsv", "application/json": "json"}
DOCUMENTS = ("application/pdf", *TEXTS, *OFFICE, *PHOTOS)

EXTENSIONS: Mapping[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
    SVG: "svg",
    "application/pdf": "pdf",
    **TEXTS,
    **OFFICE,
}
OTHER_NAMES = {"jpeg": "image/jpeg", "zip": "application/zip", "epub": "application/epub+zip", "xml": "application/xml"}
BY_NAME: Mapping[str, str] = {end: content_type for content_type, end in EXTENSIONS.items()} | OTHER_NAMES


def types_of(words: Iterable[str], *, variable: str) -> tuple[str, ...]:
    """`png`, `.PDF` or `image/png` -> media types. ValueError names the variable and the word that is none."""
    found = []
    for word in words:
        plain = word.strip().lower().lstrip(".")
        if plain not in BY_NAME and "/" not in plain:
            raise ValueError(f"{variable} names {word}, which is no type: write it as a media type, such as image/png.")
        found.append(BY_NAME.get(plain, plain))
    return tuple(dict.fromkeys(found))

"""Documents that are containers: PDF, RTF, and what is packed in ZIP (docx, odt, …) or in OLE (doc, xls, …)."""

import io
import re
from typing import BinaryIO

from app.assets import ole, zips

ZIP, OLE = "application/zip", "application/x-ole-storage"
PDF = re.compile(rb"(?:\xef\xbb\xbf)?[\t\n\x0c\r ]{0,1024}%PDF-[0-9]")  # junk before it, and it may be something else
RTF = re.compile(rb"\{\\rtf[0-9]")
OFFICE = "application/vnd.openxmlformats-officedocument"
# A folder of the package -> the type, and what it is with a macro in it.
PACKAGES = {
    "word/": (f"{OFFICE}.wordprocessingml.document", "application/vnd.ms-word.document.macroenabled.12"),
    "xl/": (f"{OFFICE}.spreadsheetml.sheet", "application/vnd.ms-excel.sheet.macroenabled.12"),
    "ppt/": (f"{OFFICE}.presentationml.presentation", "application/vnd.ms-powerpoint.presentation.macroenabled.12"),
}
OPEN = "application/vnd.oasis.opendocument"
MIMETYPES = {
    *(
        f"{OPEN}.{kind}{form}"
        for kind in ("text", "spreadsheet", "presentation", "graphics")
        for form in ("", "-template")
    ),
    "application/epub+zip",
}
PROGRAMS = {
    "META-INF/MANIFEST.MF": "application/java-archive",
    "AndroidManifest.xml": "application/vnd.android.package-archive",
}


def by_structure(head: bytes) -> str | None:
    """The type of a document by its first bytes; of a ZIP or OLE file it is a first word: `by_whole` has the last."""
    if PDF.match(head):
        return "application/pdf"
    if RTF.match(head):
        return "application/rtf"
    if head.startswith(zips.MAGIC):
        return _by_names(*zips.first_entries(head))
    return _by_streams(io.BytesIO(head)) if head.startswith(ole.MAGIC) else None


def by_whole(stream: BinaryIO, first: str) -> str:
    """The type of a whole file that began as a ZIP or OLE file: what lies behind the head counts too. Blocks."""
    stream.seek(0)
    magic = stream.read(8)
    if magic.startswith(zips.MAGIC):
        names = zips.directory(stream)
        stream.seek(0)
        return ZIP if names is None else _by_names(names, zips.first_entries(stream.read(1024))[1])
    return _by_streams(stream) if magic == ole.MAGIC else first


def _by_names(names: frozenset[str], mimetype: str) -> str:
    """OpenDocument and EPUB say what they are in their first entry; Office names its parts."""
    for name, content_type in PROGRAMS.items():
        if name in names:
            return content_type
    if mimetype in MIMETYPES:
        return mimetype
    if "[Content_Types].xml" not in names:
        return ZIP
    folders = [folder for folder in PACKAGES if any(name.startswith(folder) for name in names)]
    if len(folders) != 1:
        return ZIP
    macros = any(name.endswith("vbaProject.bin") for name in names)
    return PACKAGES[folders[0]][macros]


def _by_streams(stream: BinaryIO) -> str:
    names = ole.names(stream)
    return next((content_type for name, content_type in ole.TYPES.items() if name in names), OLE)

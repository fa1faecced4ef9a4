"""Contents made by hand: packages, legacy documents, polyglots."""

import io
import struct
import zipfile

from tests.conftest import PDF, make_jpg, make_png

OFFICE = "application/vnd.openxmlformats-officedocument"
OPEN = "application/vnd.oasis.opendocument"
TYPES = "[Content_Types].xml"
FREE, END = 0xFFFFFFFF, 0xFFFFFFFE  # marks of an OLE allocation table


def package(*names: str, mimetype: str = "", large: int = 0, streamed: bool = False) -> bytes:
    """A ZIP of these entries; `large`: bytes of the first one; `streamed`: its sizes stand behind the data."""
    out = io.BytesIO()
    sink = _Unseekable(out) if streamed else out
    with zipfile.ZipFile(sink, "w") as file:
        if mimetype:
            file.writestr("mimetype", mimetype)
        for n, name in enumerate(names):
            file.writestr(name, bytes(large) if large and n == 0 else b"x" * 50)
    return out.getvalue()


class _Unseekable(io.RawIOBase):
    """Where one can only write."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        return self._out.write(data)


def ole(*names: str, before: int = 0, apart: int = 1, root: bytes = bytes(16)) -> bytes:
    """An OLE file with these streams: one to a sector, the first one `before` sectors late, the others so far apart."""
    sectors = [_entry("Root Entry", 5, root), *[_entry(name, 2, bytes(16)) for name in names]]
    places = [before + 1 + n * apart for n in range(len(sectors))]
    table = [0xFFFFFFFD] + [FREE] * 127
    for place, following in zip(places, [*places[1:], END], strict=True):
        table[place] = following
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    header[30:32] = struct.pack("<H", 9)
    header[48:52] = struct.pack("<I", before + 1)
    header[76:512] = struct.pack("<I", 0) + struct.pack("<I", FREE) * 108
    body = b"".join(sector + bytes(512 * (apart - 1)) for sector in sectors)
    return bytes(header) + struct.pack("<128I", *table) + bytes(512 * before) + body


def _entry(name: str, form: int, root: bytes) -> bytes:
    """The first entry of a sector of the directory; the other three are empty."""
    text = name.encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HB", len(text) + 2, form)
    return (head.ljust(80, b"\0") + root).ljust(512, b"\0")


# What it is, whatever it is called.
DOCUMENTS = {
    "docx": (package(TYPES, "_rels/.rels", "word/document.xml"), f"{OFFICE}.wordprocessingml.document"),
    "xlsx": (package("xl/workbook.xml", TYPES), f"{OFFICE}.spreadsheetml.sheet"),
    "pptx": (package(TYPES, "ppt/presentation.xml"), f"{OFFICE}.presentationml.presentation"),
    "docx as a stream": (
        package(TYPES, "word/document.xml", streamed=True),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "docx behind a large part": (
        package("word/media/1.png", TYPES, "word/document.xml", large=400_000),
        f"{OFFICE}.wordprocessingml.document",
    ),
    "docm": (
        package(TYPES, "word/document.xml", "word/vbaProject.bin"),
        "application/vnd.ms-word.document.macroenabled.12",
    ),
    "docm behind a large part": (
        package("word/media/1.png", TYPES, "word/vbaProject.bin", large=400_000),
        "application/vnd.ms-word.document.macroenabled.12",
    ),
    "odt": (package("content.xml", mimetype=f"{OPEN}.text"), f"{OPEN}.text"),
    "ods": (package("content.xml", mimetype=f"{OPEN}.spreadsheet"), f"{OPEN}.spreadsheet"),
    "odp": (package("content.xml", mimetype=f"{OPEN}.presentation"), f"{OPEN}.presentation"),
    "epub": (package("META-INF/container.xml", mimetype="application/epub+zip"), "application/epub+zip"),
    "zip": (package("a.txt"), "application/zip"),
    "zip of nothing": (package(), "application/zip"),
    "zip that lies": (package("a.html", mimetype="text/html"), "application/zip"),
    "zip with a folder": (package("word/readme.txt"), "application/zip"),
    "zip of two kinds": (package(TYPES, "word/a.xml", "xl/b.xml"), "application/zip"),
    "zip that is cut": (package("a.txt", "b.txt")[:-30], "application/zip"),
    "jar": (package("META-INF/MANIFEST.MF", "a.class"), "application/java-archive"),
    "jar in a docx": (package(TYPES, "word/a.xml", "META-INF/MANIFEST.MF"), "application/java-archive"),
    "jar in an odt": (package("META-INF/MANIFEST.MF", mimetype=f"{OPEN}.text"), "application/java-archive"),
    "apk": (package("AndroidManifest.xml", "classes.dex"), "application/vnd.android.package-archive"),
    "doc": (ole("WordDocument", "1Table"), "application/msword"),
    "xls": (ole("Workbook"), "application/vnd.ms-excel"),
    "ppt": (ole("Current User", "PowerPoint Document"), "application/vnd.ms-powerpoint"),
    "doc with a late directory": (ole("a", "b", "c", "WordDocument", before=90), "application/msword"),
    "doc with a scattered directory": (ole("a", "b", "WordDocument", apart=7), "application/msword"),
    "msg": (ole("__properties_version1.0"), "application/vnd.ms-outlook"),
    "msi": (ole("x", root=b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"), "application/x-msi"),
    "msi with a document": (
        ole("WordDocument", root=b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46"),
        "application/x-msi",
    ),
    "ole": (ole("something"), "application/x-ole-storage"),
    "rtf": (b"{\\rtf1\\ansi hello}", "application/rtf"),
    "pdf": (PDF, "application/pdf"),
    "pdf behind spaces": (b"\xef\xbb\xbf \r\n" + PDF, "application/pdf"),
}

HTML = b"<script>alert(1)</script>"
# Two things at once are what they begin as.
POLYGLOTS = {
    "gif and script": (b"GIF89a/*\x01\0\0\0\0,*/=1;alert(1)", "image/gif"),
    "jpeg and php": (make_jpg()[:20] + b"\xff\xfe\0\x18<?php system('id'); ?>" + make_jpg()[20:], "image/jpeg"),
    "jpeg and zip": (make_jpg() + package("a.class", "META-INF/MANIFEST.MF"), "image/jpeg"),
    "png and zip": (make_png() + package(TYPES, "word/document.xml"), "image/png"),
    "png and html": (make_png(noise=b"x") + HTML, "image/png"),
    "gif and jar": (b"GIF89a\x01\0\x01\0\0\0\0;" + package("META-INF/MANIFEST.MF"), "image/gif"),
    "jpeg and pdf": (make_jpg() + PDF, "image/jpeg"),
    "pdf and html": (PDF + HTML, "application/pdf"),
    "pdf and zip": (PDF + package("a"), "application/pdf"),
    "html and pdf": (b"<html>" + PDF, "text/html"),
    "script and pdf": (b"alert(1)//" + PDF, "text/plain"),
    "binary and pdf": (b"\0\1\2" + PDF, "application/octet-stream"),
    "program and pdf": (b"MZ\x90\0" + bytes(60) + PDF, "application/vnd.microsoft.portable-executable"),
    "zip and html": (package("a.html") + HTML, "application/zip"),
    "html and png": (HTML + make_png(), "application/octet-stream"),
    "html and gif": (b"<!--" + b"GIF89a-->" + HTML, "text/html"),
    "text and program": (b"text " * 80_000 + b"\x7fELF\2\1\1\0", "application/octet-stream"),
    "text and latin-1": (b"text " * 80_000 + b"caf\xe9", "application/octet-stream"),
    "svg and html": (b"<svg xmlns='http://www.w3.org/2000/svg'/>" + HTML, "image/svg+xml"),
    "wasm": (b"\0asm\x01\0\0\0", "application/wasm"),
}

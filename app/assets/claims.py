"""What a client calls a file: its declared type and the end of its name. Compared with the contents, never believed."""

from collections.abc import Mapping

NOTHING = {
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-download",
    "application/force-download",
}
SAME: Mapping[str, str] = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heic",
    "image/vnd.microsoft.icon": "image/x-icon",
    "application/x-pdf": "application/pdf",
    "application/csv": "text/csv",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "application/xhtml+xml": "text/html",
    "text/xml": "application/xml",
    "text/rtf": "application/rtf",
    "text/json": "application/json",
    "text/plain; charset=utf-16": "text/plain",
}
ENDS: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "heic": "image/heic",
    "heif": "image/heic",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "html": "text/html",
    "htm": "text/html",
    "xml": "application/xml",
    "zip": "application/zip",
    "rtf": "application/rtf",
    "txt": "text/plain",
}
PLAIN_TOO = {"text/html", "image/svg+xml", "application/xml"}  # texts that are more than text


def called(filename: str, declared: str) -> str | None:
    """What the name says, else what the client declares; None when both say nothing."""
    end = filename.rpartition(".")[2].lower() if "." in filename else ""
    return ENDS.get(end) or _plain(declared)


def contradiction(found: str, filename: str, declared: str) -> str | None:
    """The type that the client said and the contents don't have; None when there is none."""
    said = [claim for claim in (_plain(declared), ENDS.get(filename.rpartition(".")[2].lower())) if claim]
    return next((claim for claim in said if not _agree(claim, SAME.get(found, found))), None)


def _plain(declared: str) -> str | None:
    """Without parameters, under one of its names; None if it says nothing."""
    bare = declared.partition(";")[0].strip().lower()
    return None if bare in NOTHING else SAME.get(bare, bare)


def _agree(claim: str, found: str) -> bool:
    """Many things are plain text; the old name of spreadsheets is what browsers declare for tables."""
    if found in {"text/plain", "text/csv", "text/tab-separated-values", "application/json"}:
        text = claim.startswith("text/") or claim in {"application/json", "application/vnd.ms-excel"}
        return text and claim not in PLAIN_TOO
    return claim == found

"""Files that are known by their first bytes alone: archives, sound, video, programs."""

import re

from app.images.boxes import media_type

# Where, what stands there, what it is; the first row that fits decides.
SIGNATURES: tuple[tuple[int, re.Pattern[bytes], str], ...] = tuple(
    (at, re.compile(pattern, re.DOTALL), name)
    for at, pattern, name in (
        (0, rb"\x1f\x8b[\x00-\x08]", "application/gzip"),
        (0, rb"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
        (0, rb"Rar!\x1a\x07", "application/vnd.rar"),
        (0, rb"BZh[1-9]1AY&SY", "application/x-bzip2"),
        (0, rb"\xfd7zXZ\x00", "application/x-xz"),
        (0, rb"\x28\xb5\x2f\xfd", "application/zstd"),
        (0, rb"MSCF\x00\x00\x00\x00", "application/vnd.ms-cab-compressed"),
        (257, rb"ustar[\x00 ]", "application/x-tar"),
        (0, rb"\x1aE\xdf\xa3.{0,60}\x42\x82.webm", "video/webm"),
        (0, rb"\x1aE\xdf\xa3", "video/x-matroska"),
        (0, rb"OggS\x00", "application/ogg"),
        (0, rb"fLaC\x00", "audio/flac"),
        (0, rb"ID3[\x02-\x04]", "audio/mpeg"),
        (0, rb"\xff[\xf2\xf3\xfa\xfb][\x10-\xef]", "audio/mpeg"),
        (0, rb"RIFF....WAVE", "audio/vnd.wave"),
        (0, rb"RIFF....AVI ", "video/x-msvideo"),
        (0, rb"\x00\x00\x01[\xba\xb3]", "video/mpeg"),
        (0, rb"\x7fELF[\x01\x02][\x01\x02]\x01", "application/x-elf"),
        (0, rb"MZ", "application/vnd.microsoft.portable-executable"),
        (0, rb"\xfe\xed\xfa[\xce\xcf]|[\xce\xcf]\xfa\xed\xfe", "application/x-mach-binary"),
        (0, rb"\xca\xfe\xba\xbe\x00\x00\x00[\x01-\x1f]", "application/x-mach-binary"),
        (0, rb"\xca\xfe\xba\xbe", "application/java-vm"),
        (0, rb"\x00asm\x01\x00", "application/wasm"),
        (0, rb"[FCZ]WS[\x01-\x40]", "application/x-shockwave-flash"),
        (0, rb"SQLite format 3\x00", "application/vnd.sqlite3"),
        (0, rb"wOF[F2]", "font/woff"),
    )
)


def by_signature(head: bytes) -> str | None:
    """What a file that is no text is by its first bytes."""
    found = next((name for at, pattern, name in SIGNATURES if pattern.match(head, at)), None)
    return found or media_type(head)

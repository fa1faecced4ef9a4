"""Documents, archives and programs are told apart; what is two things at once is what it begins as."""

import io
import random
import time
import tracemalloc

import pytest

from app.assets.inspection import UNKNOWN, Inspection, complete, inspect, inspect_all
from app.assets.policy import DOCUMENTS as TAKEN
from app.assets.policy import Policies
from app.errors import UnsupportedMediaType
from app.settings import LimitSettings
from tests.assets.contents import DOCUMENTS, POLYGLOTS, TYPES, ole, package
from tests.conftest import make_jpg, make_png
from tests.images.animations import gif
from tests.images.samples import avif, box, frame, ispe, jpeg, segment

HEAD = 256 * 1024
MEDIA = {
    "gzip": (b"\x1f\x8b\x08\0" + bytes(20), "application/gzip"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "application/x-7z-compressed"),
    "rar": (b"Rar!\x1a\x07\x01\0", "application/vnd.rar"),
    "tar": (b"a.txt".ljust(257, b"\0") + b"ustar\x0000" + bytes(250), "application/x-tar"),
    "mp4": (box(b"ftyp", b"isom", bytes(4), b"isomiso2avc1mp41"), "video/mp4"),
    "mov": (box(b"ftyp", b"qt  ", bytes(4), b"qt  "), "video/quicktime"),
    "m4a": (box(b"ftyp", b"M4A ", bytes(4), b"isom"), "audio/mp4"),
    "webm": (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\x82\x84webm", "video/webm"),
    "mkv": (b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\xf7\x81\1B\x82\x88matroska", "video/x-matroska"),
    "mp3": (b"ID3\x03\0\0\0\0\0\x0a", "audio/mpeg"),
    "mp3 without a tag": (b"\xff\xfb\x90\x64" + bytes(40), "audio/mpeg"),
    "wav": (b"RIFF\x24\0\0\0WAVEfmt ", "audio/vnd.wave"),
    "ogg": (b"OggS\0\2" + bytes(20), "application/ogg"),
    "elf": (b"\x7fELF\2\1\1" + bytes(20), "application/x-elf"),
    "exe": (b"MZ\x90\0\3\0\0\0", "application/vnd.microsoft.portable-executable"),
    "mach-o": (b"\xcf\xfa\xed\xfe\7\0\0\1", "application/x-mach-binary"),
    "mach-o of two machines": (b"\xca\xfe\xba\xbe\0\0\0\2", "application/x-mach-binary"),
    "class": (b"\xca\xfe\xba\xbe\0\0\0\x34", "application/java-vm"),
    "flash": (b"CWS\x0f" + bytes(20), "application/x-shockwave-flash"),
    "postscript": (b"%!PS-Adobe-3.0\n", "application/postscript"),
    "text about programs": (b"MZ and ID3, BZh and PK, BM, CWS: letters", "text/plain"),
}


@pytest.mark.parametrize("name", [*DOCUMENTS, *MEDIA])
def test_a_file_is_what_it_holds(name: str) -> None:
    """Nothing is unpacked; the names in a package decide."""
    data, expected = {**DOCUMENTS, **MEDIA}[name]

    assert inspect_all(data) == Inspection(expected, complete=True)


@pytest.mark.parametrize("name", POLYGLOTS)
@pytest.mark.parametrize("filename", ["a.png", "a.html", "a.pdf", "a.svg", "a.csv", "a.jar"])
def test_two_things_at_once_are_what_they_begin_as(name: str, filename: str) -> None:
    """Whatever they are called."""
    data, expected = POLYGLOTS[name]

    assert inspect_all(data, filename=filename, declared="text/html").content_type == expected


def test_the_first_word_on_a_package_is_by_what_begins_in_the_head() -> None:
    """The last word is the central directory's: it lies at the end."""
    data, expected = DOCUMENTS["docx behind a large part"]
    first = inspect(data[:HEAD], whole=False)

    assert first.content_type == "application/zip"
    assert complete(first, io.BytesIO(data)).content_type == expected


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        (b"", "text/plain"),
        ("é".encode(), "text/plain"),
        (b"\x7fELF\2\1\1\0", UNKNOWN),
        (b"caf\xe9", UNKNOWN),
        (b"\xc3", UNKNOWN),
    ],
)
def test_a_text_is_one_to_its_end(tail: bytes, expected: str) -> None:
    """What lies behind the first bytes of a large file may be anything."""
    data = b"text " * 80_000 + tail
    first = inspect(data[:HEAD], whole=False)

    assert first == Inspection("text/plain")
    assert complete(first, io.BytesIO(data)).content_type == expected


def test_documents_take_no_programs() -> None:
    """Nor packages with macros, nor archives."""
    policy = Policies.of(LimitSettings())["document"]
    for name, (data, content_type) in DOCUMENTS.items():
        seen = inspect_all(data)
        if content_type in TAKEN:
            policy.check(seen, len(data))
            continue
        with pytest.raises(UnsupportedMediaType):
            policy.check(seen, len(data))
        assert not name.startswith(("docx", "xlsx", "pptx", "od", "doc ", "xls", "ppt", "rtf", "pdf"))


def test_all_of_an_image_is_looked_at() -> None:
    """Frames, and a size that stands behind large metadata."""
    late = jpeg(*[segment(0xE1, bytes(65_000))] * 10, frame(0xC0, 40, 30))

    assert inspect_all(gif(7)) == Inspection("image/gif", 1, 1, 7, complete=True)
    assert inspect_all(gif(70), max_frames=9).frames == 10
    assert inspect_all(make_png(3, 4)) == Inspection("image/png", 3, 4, 1, complete=True)
    assert inspect_all(make_jpg(9, 8)) == Inspection("image/jpeg", 9, 8, 1, complete=True)
    assert inspect_all(avif(ispe(8, 6))) == Inspection("image/avif", 8, 6, 1, complete=True)
    first = inspect(late[:HEAD], whole=False)
    assert (first.width, complete(first, io.BytesIO(late)).width) == (None, 40)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_beginning_of_a_document_is_safe(name: str) -> None:
    """Cut anywhere: it is unknown, text, an archive, or what it is."""
    data, expected = DOCUMENTS[name]
    fine = {expected, UNKNOWN, "text/plain", "application/zip", "application/x-ole-storage", "application/msword"}
    if len(data) > 5_000:
        data = data[:600] + data[-600:]

    seen = {inspect_all(data[:end]).content_type for end in range(len(data))}
    assert seen <= fine | {
        content_type for _, content_type in DOCUMENTS.values() if expected.startswith("application/")
    }


def test_no_bytes_break_it() -> None:
    """4,000 files that are random, or have some bytes changed and are cut."""
    chance = random.Random(5)
    wholes = [data[:20_000] for data, _ in (DOCUMENTS | MEDIA | POLYGLOTS).values()]
    for _ in range(4_000):
        data = bytearray(chance.choice([*wholes, chance.randbytes(300)]))
        for _ in range(chance.randrange(8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        cut = bytes(data[: chance.randrange(len(data) + 1)])
        seen = inspect_all(cut, filename=chance.choice(["a.csv", "a.json", "", "a.png"]))

        assert "/" in seen.content_type
        assert (seen.width is None) == (seen.height is None)


LONG = {
    "entries": package(*[f"{n}" for n in range(3_000)])[:HEAD],
    "empty entries": b"PK\3\4" + bytes(26) + (b"PK\3\4" + bytes(26)) * (HEAD // 30),
    "marks": b"PK\3\4" * (HEAD // 4),
    "an entry that never ends": b"PK\3\4" + bytes(14) + b"\xff" * 12 + bytes(HEAD),
    "sectors": ole(*["x"] * 100),
    "a directory in a circle": ole("a").replace(b"\xfe\xff\xff\xff", b"\1\0\0\0"),
    "a table": b"a,b\n" * (HEAD // 4),
    "a row": b"a," * (HEAD // 2),
    "quotes": b'"' * HEAD,
    "brackets": b"[" * HEAD,
    "spaces": b" " * HEAD,
    "webm": b"\x1aE\xdf\xa3" + b"\x42\x82" * 1_000,
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("filename", ["a.csv", "a.json", "a"])
def test_no_file_takes_long(name: str, filename: str) -> None:
    """The first bytes are looked at on the event loop: a few milliseconds, whatever was made to be slow."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        inspect(LONG[name][:HEAD], whole=True, filename=filename)
        took.append(time.perf_counter() - began)

    assert min(took) < 0.5
    assert inspect_all(LONG[name]).complete


# An end that says that the whole file is a directory.
LYING = b"PK\3\4" + bytes(30_000_000) + b"PK\5\6" + bytes(8) + (30_000_000).to_bytes(4, "little") + bytes(6)


@pytest.mark.parametrize(
    "data",
    [b"text " * 6_000_000, LYING, package(TYPES, "word/a.xml", large=30_000_000), make_jpg()[:2] + bytes(30_000_000)],
    ids=["text", "a directory that is all", "package", "image"],
)
def test_looking_at_a_whole_file_keeps_little_of_it(data: bytes) -> None:
    """30 MB are read in pieces."""
    seen, stream = inspect(data[:HEAD], whole=False), io.BytesIO(data)
    tracemalloc.start()
    complete(seen, stream)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2 * 1024 * 1024
    assert not stream.closed

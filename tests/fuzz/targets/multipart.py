"""The one place that reads forms: any header, any body, cut anywhere."""

import asyncio
import atexit
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request

from app.api.form import Expected
from app.api.receive import Receiver
from app.assets.policy import Policies
from app.errors import StowageError
from app.storage.spool import Spool
from tests.fuzz.target import Target, check

DOORS = (Expected(("file", "files"), 20), Expected(("logo", "file"), 1, "logo"), Expected(("file",), 2, "file"))
LARGEST = 2000  # bytes of a file; small, so that inputs reach it
LONGEST_NAME = 1000  # a header has 16 KiB at most
KINDS = ("logo", "photo", "document", "file")
BOUNDARY = b"-b-"
# Of a form that is broken in two ways, the cuts decide which is met first.
BROKEN = {"malformed_multipart", "truncated_body", "form_too_large"}
CLOSED = b"--" + BOUNDARY + b"--\r\n"

Heard = tuple[object, ...]


class Ear:
    """The receiver around an empty folder, on a loop of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.spool = Spool(Path(tempfile.mkdtemp(prefix="stowage-fuzz-")))
        self.receiver = Receiver(self.spool, Policies(dict.fromkeys(KINDS, LARGEST)), idle=60, places=1)

    def hear(self, door: Expected, header: bytes, pieces: Sequence[bytes]) -> Heard:
        """What is read: the parts, or the code of the refusal."""
        return self.loop.run_until_complete(self._read(door, header, pieces))

    async def _read(self, door: Expected, header: bytes, pieces: Sequence[bytes]) -> Heard:
        waiting = iter(pieces)

        async def receive() -> dict[str, Any]:
            piece = next(waiting, None)
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        request = Request({"type": "http", "headers": [(b"content-type", header)]}, receive)
        try:
            async with await self.receiver.form(request, door) as form:
                files = [(f.filename, f.declared, f.body.size, f.original_sha256) for f in form.files]
                return "form", tuple(form.fields.items()), tuple(files)
        except StowageError as refusal:
            check(400 <= refusal.status < 500, "a refusal is the client's fault")
            return "refused", "broken" if refusal.code in BROKEN else refusal.code
        finally:
            check(self.spool.held == 0, "nothing is held when the form is gone")

    def close(self) -> None:
        """Leave nothing behind."""
        self.loop.close()
        self.spool.close()
        shutil.rmtree(self.spool.folder)


EAR = Ear()
atexit.register(EAR.close)


def execute(data: bytes) -> None:
    """The door, the seed of the cuts, the header up to the line's end, the body."""
    door = DOORS[data[0] % len(DOORS)] if data else DOORS[0]
    rng = random.Random(data[1:3])
    header, _, body = data[3:].partition(b"\n")
    if data[:1] >= b"\xc0":
        _made(door, header, body)
        return
    whole = EAR.hear(door, header, [body])
    check(EAR.hear(door, header, cut(body, rng)) == whole, "the cuts of the network change nothing")
    if len(body) < 1500:
        check(
            EAR.hear(door, header, [body[n : n + 1] for n in range(len(body))]) == whole, "single bytes change nothing"
        )


def cut(body: bytes, rng: random.Random) -> list[bytes]:
    """A body in up to nine pieces, some of them empty."""
    places = sorted(rng.randint(0, len(body)) for _ in range(rng.randint(1, 8)))
    return [body[start:stop] for start, stop in zip([0, *places], [*places, len(body)], strict=True)]


def _made(door: Expected, names: bytes, contents: bytes) -> None:
    """A form that is made by the rules is read as it was meant: names from one line, contents from the rest."""
    fields = {f"n{name}": name for name in names.decode("latin-1").split("&")[:4]}
    files = [piece[:LARGEST] for piece in contents.split(b"&")][: door.max_files]
    parts = [(f'name="{name}"', value.encode()) for name, value in fields.items() if _plain(name)]
    parts += [(f'name="{door.file_fields[0]}"; filename="{n}.bin"', piece) for n, piece in enumerate(files)]
    boundary = BOUNDARY
    while any(boundary in value for _, value in parts):
        boundary += b"b"
    body = b"".join(
        b"--" + boundary + b"\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + value + b"\r\n"
        for head, value in parts
    )
    heard = EAR.hear(door, b"multipart/form-data; boundary=" + boundary, [body + b"--" + boundary + b"--\r\n"])
    check(heard[0] == "form", "a form that follows the rules is taken")
    check(dict(heard[1]) == {name: value for name, value in fields.items() if _plain(name)}, "fields are as sent")
    check([size for _, _, size, _ in heard[2]] == [len(piece) for piece in files], "files are as long as sent")


def _plain(name: str) -> bool:
    return name.isascii() and name.isalnum() and len(name) < LONGEST_NAME


def seeds() -> list[bytes]:
    """Forms of each sort, and the public conformance suite's."""
    from multipart_form_data_conformance import get_tests_dir

    head = b"\x00ab" + b"multipart/form-data; boundary=" + BOUNDARY + b"\n"
    text = part(b'name="kind"', b"photo") + part(b'name="metadata"', b'{"a": 1}')
    file = part(b'name="file"; filename="a.png"\r\nContent-Type: image/png', b"\x89PNG\r\n\x1a\n" + bytes(80))
    large = part(b"name=file; filename*=UTF-8''%C3%A9.bin", bytes(LARGEST + 1))
    bodies = [file, text + file, file * 3, large, part(b'name="file"; filename=""', b""), b"preamble\r\n" + file]
    made = [bytes([0xC0 + n]) + b"abx&yz\nfirst file&second file\r\n--b&" for n in range(3)]
    padded = file.replace(BOUNDARY, BOUNDARY + b" \t")
    suite = [(case / "input.raw").read_bytes() for case in sorted(get_tests_dir().glob("*/*"))]
    return [*[head + body + CLOSED for body in (*bodies, padded)], head + file, *made, *[_suited(raw) for raw in suite]]


def part(disposition: bytes, content: bytes) -> bytes:
    """One part of a form."""
    return b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY, disposition, content)


def _suited(raw: bytes) -> bytes:
    """A case with the boundary that it begins with."""
    boundary = raw.lstrip().partition(b"\r\n")[0].removeprefix(b"--")[:60] or b"x"
    return b"\x02ab" + b"multipart/form-data; boundary=" + boundary + b"\n" + raw


TOKENS = (
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"--" + BOUNDARY,
        b"\r\n--" + BOUNDARY,
        CLOSED,
        b"--",
        b"\r\n--",
        b" \t",
        b'"',
        b"\\",
    ),
    *(b"Content-Disposition: form-data; ", b"Content-Type: ", b'name="file"', b"name=kind", b"; filename=", b"logo"),
    *(b"filename*=UTF-8''%FF", b"Content-Transfer-Encoding: base64", b"\xff\xfe", b"Content-Length: 5", b": ", b";"),
)
TARGET = Target(execute, seeds, TOKENS)

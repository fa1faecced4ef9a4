"""A running server, and how to talk to it: the same upload in the form that each one takes."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.client import Answer, read_back, stream
from tests.bench.payload import Upload

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Speech:
    """How a server is spoken to.

    `path` is where a file is sent; `{kind}` in it is the kind of the file, `{number}` another number each time.
    `wrapped`: the file is sent inside a multipart form. `unwraps`: the server keeps the file, else the whole body.
    """

    path: str
    method: str = "POST"
    wrapped: bool = True
    unwraps: bool = True
    keeps: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    largest: int | None = None  # bytes of the largest object that can be read back; None: any


@dataclass
class Target:
    """A server that is ready. `folder` has its data in `data` and its temporary files in `tmp`."""

    name: str
    port: int
    pid: int
    folder: Path
    speech: Speech
    database: str | None = None
    database_pid: int | None = None  # Postgres' first process, if it runs on this machine
    sink: int | None = None  # the port of the S3 sink behind it
    idle_memory: int = 0

    def path(self, kind: str) -> str:
        """Where the next upload of a kind goes."""
        return self.speech.path.format(kind=kind, number=next(NUMBERS))

    def head(self, upload: Upload, path: str) -> bytes:
        """The head of the request that sends an upload there."""
        return upload.head(self.speech.method, path, self.speech.headers, wrapped=self.speech.wrapped)

    def request(self, upload: Upload, path: str) -> bytes:
        """The whole request, for uploads that are small."""
        return b"".join((self.head(upload, path), *upload.pieces(wrapped=self.speech.wrapped)))

    def send(self, upload: Upload, kind: str) -> tuple[str, Answer]:
        """Send one upload, piece by piece, over a connection of its own: the path and the answer."""
        path = self.path(kind)
        pieces = itertools.chain([self.head(upload, path)], upload.pieces(wrapped=self.speech.wrapped))
        return path, stream(self.port, pieces)

    def kept(self, upload: Upload) -> tuple[int, str]:
        """Size and SHA-256 of what the server keeps of an upload."""
        return upload.length(wrapped=self._whole), upload.sha256(wrapped=self._whole)

    def address(self, path: str, answer: Answer) -> str:
        """Where an upload is served, told by the answer, or by the path of a PUT."""
        if not self.speech.wrapped:
            return path
        said = answer.json()
        return urlsplit(said.get("permalink") or said["url"]).path

    def get(self, address: str) -> bytes:
        """A request that reads what is served there."""
        lines = [f"GET {address} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.speech.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    def differences(self, upload: Upload, path: str, answer: Answer) -> Iterator[str]:
        """What the answer says wrongly about an upload, and whether the bytes read back are others."""
        speech = self.speech
        size, digest = self.kept(upload)
        said = answer.json() if answer.size else {}
        if said.get("size", size) != size:
            yield f"{size} bytes were sent, the answer says {said}"
        if said.get("sha256", digest) != digest:
            yield "the answer has another SHA-256 than what was sent"
        if speech.keeps and (speech.largest is None or size <= speech.largest):
            status, served = read_back(self.port, self.address(path, answer), speech.headers)
            if status != HTTPStatus.OK or served != digest:
                yield f"read back: status {status}, SHA-256 {served}, sent {digest}"

    def forget(self, upload: Upload) -> None:
        """Remove stored files of this size from the disk, so that writing them back disturbs nobody.

        Of exactly this size: a database lies there too.
        """
        size = upload.length(wrapped=self._whole)
        for path in self.folder.rglob("*"):
            if path.is_file() and path.stat().st_size == size:
                path.unlink()

    @property
    def _whole(self) -> bool:
        """Whether the server keeps the form as it came."""
        return self.speech.wrapped and not self.speech.unwraps

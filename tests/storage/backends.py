"""The stores that keep the contract (one line each), on the servers that they are tried on; short ways to use one."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import Settings
from app.storage import registry
from app.storage.backend import Backend, Stored
from app.storage.local import LocalBackend
from app.storage.memory import MemoryBackend
from tests.clouds import cloudinary_settings, s3_settings
from tests.faults.backend import faulty
from tests.standins.s3 import S3Server


def s3_on(request: pytest.FixtureRequest, server: S3Server) -> Backend:
    """The S3 store on a new bucket of a running server, made as the service makes it."""
    request.getfixturevalue("monkeypatch").setenv("AWS_CA_BUNDLE", str(server.ca or ""))
    return registry.make("s3", Settings(s3=s3_settings(server)))


def cloudinary_on(request: pytest.FixtureRequest) -> Backend:
    """The Cloudinary store on a new, empty cloud."""
    cloud = request.getfixturevalue("cloud")
    return registry.make("cloudinary", Settings(cloudinary=cloudinary_settings(cloud)))


# store, server -> how it is made, empty
FACTORIES: dict[tuple[str, str], Callable[[pytest.FixtureRequest], Backend]] = {
    ("local", "disk"): lambda request: LocalBackend(request.getfixturevalue("tmp_path") / "files"),
    ("memory", "process"): lambda _: MemoryBackend(),
    ("local", "idle faults"): lambda request: faulty(LocalBackend(request.getfixturevalue("tmp_path") / "files")),
    ("s3", "swift"): lambda request: s3_on(request, request.getfixturevalue("swift")),
    ("s3", "radosgw"): lambda request: s3_on(request, request.getfixturevalue("radosgw")),
    ("cloudinary", "stand-in"): cloudinary_on,
}
SLOW = {"radosgw"}  # servers that need root and Debian's packages: run by `make check-all`

# What no store may be talked into: leaving its root, reaching its own files, breaking the calls below it.
HOSTILE = [
    "",
    "/",
    ".",
    "..",
    "../x",
    "/abs",
    "/etc/passwd",
    "a//b",
    "a/",
    "/a",
    "./a",
    "a/.",
    "a/./b",
    "a/../../x",
    "a/b/../../../x",
    "..\\x",
    "a\\..\\..\\x",
    "C:\\x",
    "a\0b",
    "a/\0",
    "\0",
    ".spool",
    ".spool/x",
    ".stowage",
    ".stowage/x",
    "lost+found",
    "lost+found/x",
    "x" * 300,
    "a/" + "x" * 300 + "/b",
    "a/\ud800",
    "a\nb/\r",
]


def put(backend: Backend, key: str, data: bytes) -> Stored:
    """Store honest bytes."""
    return backend.put(key, io.BytesIO(data), content_type="image/png", size=len(data), sha256=sha256(data))


def read(backend: Backend, key: str, *, start: int = 0, end: int | None = None) -> bytes:
    """What `open` gives, to its end."""
    with backend.open(key, start=start, end=end) as stream:
        return stream.read()


def keys(backend: Backend, prefix: str = "") -> list[str]:
    """The keys of a listing, sorted."""
    return sorted(info.key for info in backend.list(prefix))


def sha256(data: bytes) -> str:
    """As rows keep it."""
    return hashlib.sha256(data).hexdigest()


def tree(root: Path) -> dict[str, bytes]:
    """Relative path -> bytes of every file below a folder, the marker and the spool too."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and not p.is_symlink()}

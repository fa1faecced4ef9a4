"""The cloud stores on servers that fail on demand, with little patience, so that failures are fast."""

import hashlib
import io
from pathlib import Path
from typing import Any

from app.settings import S3Settings
from app.storage.backend import PRIVATE, Backend, Serving, Stored
from app.storage.cloudinary import CloudinaryBackend
from app.storage.cloudinary_client import CloudinaryClient
from app.storage.retrying import Patience
from app.storage.s3 import S3Backend
from app.storage.s3_client import S3Client
from tests.clouds import cloudinary_settings
from tests.standins.cloudinary.cloud import Cloud
from tests.standins.cloudinary.faults import Fault
from tests.standins.cloudinary.wire import Answer
from tests.standins.s3_exchange import Seen
from tests.standins.s3_faults import BUCKET, Faults, said
from tests.standins.s3_faults import Answer as S3Answer
from tests.standins.s3_words import Reply

TRIES = 3
IMPATIENT = Patience(seconds=20, tries=TRIES, pause=0.01)
PUBLIC = Serving(public=True)
PAGE = b"<html><body><h1>Welcome</h1></body></html>"  # well-formed: a parser of XML takes it
KEY_ID, SECRET = "AKIDSTANDIN", "the-secret-of-the-stand-in"

_clients: dict[str, S3Client] = {}


def s3_client(faults: Faults) -> S3Client:
    """A client of the server, made once: that takes longer than most tests."""
    url = faults.server.url
    if url not in _clients:
        _clients[url] = S3Client(s3_settings(endpoint=url))
    return _clients[url]


def s3_on(faults: Faults, *, client: S3Client | None = None, **more: Any) -> S3Backend:
    """The S3 store on the server."""
    return S3Backend(client or s3_client(faults), **{"puts": IMPATIENT, "quick": IMPATIENT, **more})


def s3_settings(**more: Any) -> S3Settings:
    """Enough to make a client."""
    chosen = {"bucket": BUCKET, "region": "us-east-1", "access_key": KEY_ID, "secret_key": SECRET, **more}
    return S3Settings(**chosen)


def fresh(faults: Faults) -> Faults:
    """The server, healthy and empty."""
    faults.heal()
    faults.requests.clear()
    faults.memory.objects.clear()
    faults.memory.uploads.clear()
    return faults


def answering(body: bytes, *, status: int = 200, kind: str = "text/html", **headers: str) -> S3Answer:
    """This answer, without having done anything; headers are named with _ for -."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return said(Reply(status, body, {"Content-Type": kind, **named}))


def sent(faults: Faults, method: str, parameter: str = "") -> list[Seen]:
    """The requests of a method that have this parameter."""
    return [seen for seen in faults.requests if seen.method == method and (not parameter or parameter in seen.query)]


def cloudinary_on(cloud: Cloud, *, patience: Patience = IMPATIENT) -> CloudinaryBackend:
    """The Cloudinary store on the stand-in."""
    client = CloudinaryClient(cloudinary_settings(cloud).credentials())
    return CloudinaryBackend(client, puts=patience, quick=patience)


def cloud_says(body: bytes, *, status: int = 200, kind: str = "application/json", **headers: str) -> Fault:
    """This answer of the Cloudinary stand-in, without having done anything."""
    return Fault("answer", answer=Answer(status, body, dict(headers), content_type=kind))


def put_file(backend: Backend, key: str, data: bytes, *, kind: str = "image/png", serving: Serving = PRIVATE) -> Stored:
    """Store honest bytes of some type, for everybody or not."""
    digest = hashlib.sha256(data).hexdigest()
    return backend.put(key, io.BytesIO(data), content_type=kind, size=len(data), sha256=digest, serving=serving)


def put_path(backend: Backend, key: str, path: Path, *, kind: str = "application/octet-stream") -> Stored:
    """Store a file of the disk, as spooled bodies are."""
    with path.open("rb") as hashed:
        digest = hashlib.file_digest(hashed, "sha256").hexdigest()
    with path.open("rb", buffering=0) as body:
        return backend.put(key, body, content_type=kind, size=path.stat().st_size, sha256=digest)

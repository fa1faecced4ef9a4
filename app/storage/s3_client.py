"""Requests to S3: signed by botocore's signer, sent by urllib3, and what goes wrong on the way."""

import hashlib
import os
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import urllib3
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import get_cert_path
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as NoAnswer

from app.errors import StorageError, StorageRefused, StorageTimeout, StorageUnavailable
from app.settings import S3Settings
from app.storage.backend import NOTHING
from app.storage.bodies import Part
from app.storage.s3_answers import ASTRAY, OUTSIDE, REDIRECT, Reply, nonsense, number
from app.storage.s3_place import Place
from app.storage.s3_pool import BLOCK, connections
from app.telemetry import log

LARGEST = 16 * 1024 * 1024  # bytes of an answer that is no object
PARTIAL = 206  # HTTP status
EMPTY = hashlib.sha256().hexdigest()


class S3Client:
    """One bucket, for the life of the process; thread-safe. A call is one try, and raises only `StorageError`s."""

    def __init__(self, settings: S3Settings) -> None:
        assert settings.access_key and settings.secret_key  # noqa: S101, PT018 - the backend has asked for them
        token = settings.session_token.get_secret_value() if settings.session_token else None
        secret = settings.secret_key.get_secret_value()
        self._credentials = Credentials(settings.access_key.get_secret_value(), secret, token)
        self._settings, self._place, self._moving = settings, Place.of(settings), threading.Lock()
        self._pool = connections(self._place.root, _trust() if self._place.root.startswith("https:") else None)

    def call(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        body: Part | bytes = b"",
        sha256: str = EMPTY,
    ) -> Reply:
        """The answer to one request, about the bucket itself if there is no key. `sha256`: of the body."""
        place = self._place
        reply = _whole(method, self._sent(place, method, key, query, headers, body, sha256))
        if self._leads_on(place, reply):
            return self.call(method, key, query=query, headers=headers, body=body, sha256=sha256)
        return reply.checked()

    def get(self, key: str, start: int, end: int | None) -> tuple["Answer", int | None] | None:
        """The body of a GET and its length in bytes, if the store says; None when the object has no such range."""
        wanted = {} if (start, end) == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        place = self._place
        response = self._sent(place, "GET", key, NOTHING, wanted, b"", EMPTY)
        if response.status >= REDIRECT:
            refused = _whole("GET", response)
            if self._leads_on(place, refused):
                return self.get(key, start, end)
            if refused.code in OUTSIDE:
                return None
            raise refused.refusal()
        try:
            return Answer(response), _length(response, (start, end))
        except StorageError:
            response.close()
            raise

    def link(self, seconds: int, key: str, query: Mapping[str, str] = NOTHING) -> str:
        """A signed URL of an object. No network."""
        place = self._place
        request = AWSRequest("GET", place.url(key, query))
        S3SigV4QueryAuth(self._credentials, "s3", place.region, expires=seconds).add_auth(request)
        return str(request.url)

    def _sent(
        self,
        place: Place,
        method: str,
        key: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Part | bytes,
        sha256: str,
    ) -> urllib3.BaseHTTPResponse:
        """The head of the answer; whoever reads the rest of it gives the connection back."""
        request = AWSRequest(method, place.url(key, query), headers)
        request.context["sha256"] = sha256
        _Signer(self._credentials, "s3", place.region).add_auth(request)
        signed = {**dict(request.headers.items()), "User-Agent": "stowage"}
        if method in {"PUT", "POST"}:
            signed["Content-Length"] = str(len(body))
        if isinstance(body, Part):
            body.seek(0)
        content = body.read() if isinstance(body, Part) and len(body) <= BLOCK else body
        with translated():
            return self._pool.urlopen(
                method, request.url, body=content or None, headers=signed, redirect=False, preload_content=False
            )

    def _leads_on(self, asked: Place, reply: Reply) -> bool:
        """Whether Amazon has said where the bucket is: learned once, for all threads."""
        if reply.status not in ASTRAY or self._settings.endpoint:
            return False
        with self._moving:
            if reply.region and self._place == asked == Place.of(self._settings):
                self._place = Place.of(self._settings.model_copy(update={"region": reply.region}))
                log("store.region_learned", level=30, region=reply.region, hint="set S3_REGION")
            return self._place != asked


class Answer:
    """A body under way."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        with translated():
            return self._response.read(size, decode_content=False)

    def close(self) -> None:
        """Read to its end, it is back in the pool already; else it holds bytes that nobody wants, and is dropped."""
        self._response.close()


class _Signer(S3SigV4Auth):  # type: ignore[misc] # the library comes without types
    """Signs the SHA-256 that is known: the library's own would read the body for it."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.context["sha256"])


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the library raises becomes one of ours; its texts hold hosts and keys, so none is passed on."""
    try:
        yield
    except StorageError:
        raise
    except NewConnectionError as failure:
        raise _away(failure) from failure
    except NoAnswer as failure:
        raise StorageTimeout from failure
    except Exception as failure:
        raise _away(failure) from failure


def _away(failure: Exception) -> StorageUnavailable:
    return StorageUnavailable(f"The store could not be talked to ({type(failure).__name__}).")


def _whole(method: str, response: urllib3.BaseHTTPResponse) -> Reply:
    """The answer with its body; pages of a listing are the largest."""
    with translated():
        body = response.read(LARGEST + 1)
        if len(body) > LARGEST:
            response.close()
            raise nonsense()
        return Reply(method, response.status, response.headers, body)


def _length(response: urllib3.BaseHTTPResponse, wanted: tuple[int, int | None]) -> int | None:
    """How many bytes follow, if the answer to a GET says; an error if they aren't those that were asked for."""
    start, end = wanted
    reply = Reply("GET", response.status, response.headers)
    reply.header("ETag")
    told = response.headers.get("Content-Range")
    if told is None and response.status != PARTIAL and wanted != (0, None):  # rclone says 200, but of which range
        raise StorageRefused("The store does not know ranges.")
    length = response.headers.get("Content-Length")
    follow = None if length is None else number(length)
    if (told and not told.startswith(f"bytes {start}-")) or (end is not None and (follow or 0) > end - start):
        raise nonsense()
    return follow


def _trust() -> ssl.SSLContext:
    """The authorities of the file that is named, or the usual ones; platforms set variables to nothing."""
    named = (os.environ.get(name, "").strip() for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"))
    try:
        return ssl.create_default_context(cafile=get_cert_path(next(filter(None, named), True)))
    except OSError as wrong:
        raise ValueError(f"The store s3 can't use AWS_CA_BUNDLE: {wrong}") from wrong

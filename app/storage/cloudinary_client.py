"""The one file that knows the Cloudinary SDK: calls with our credentials and time-outs, and what its errors mean."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError
from urllib3.exceptions import TimeoutError as NoAnswer

from app.errors import ObjectMissing, StorageError, StorageRefused, StorageTimeout, StorageUnavailable, StoreLimit

# The SDK reads its variables when it is imported, breaks on some and obeys others. It is to see none of them.
_hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CLOUDINARY_")}
try:
    import cloudinary.api
    import cloudinary.api_client.call_api
    import cloudinary.exceptions
    import cloudinary.uploader
    import cloudinary.utils
finally:
    os.environ.update(_hidden)

TIMEOUT = urllib3.Timeout(connect=5, read=60)  # seconds; the SDK has none of its own
SHORT = urllib3.Timeout(connect=3, read=5)
CONNECTIONS = 16
AWAY = frozenset({420, 423, 429})  # HTTP statuses: limits that pass, an object that is being worked on
OK, PARTIAL, UNAUTHORIZED, MISSING, OUTSIDE, SERVER_FAULT = 200, 206, 401, 404, 416, 500
CREDENTIALS = "Cloudinary does not take the service's credentials: see CLOUDINARY_API_KEY, CLOUDINARY_API_SECRET."

# The SDK's own pool keeps one connection, and tries again by itself.
POOL = urllib3.PoolManager(maxsize=CONNECTIONS, retries=False, **cloudinary.CERT_KWARGS)
cloudinary.uploader._http = cloudinary.api_client.call_api._http = POOL  # noqa: SLF001 - it can't be told otherwise
CLOCK = "The clock of this machine is wrong by more than Cloudinary allows."


class LimitReached(StorageUnavailable, abstract=True):
    """The limit of calls is reached for now."""


class CallRefused(StorageRefused, abstract=True):
    """Cloudinary understood who asks, and not what."""


class CloudinaryClient:
    """One cloud; thread-safe, and raises only `StorageError`s."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.cloud = credentials["cloud_name"]
        self._credentials = dict(credentials)

    def upload(self, name: str, data: bytes, headers: Mapping[str, str], **options: Any) -> dict[str, Any]:
        """One call of the Upload API: a whole file, or a chunk if the headers say so."""
        part = cloudinary.uploader.upload_large_part  # `upload` would try to make sense of what it is given
        return self._upload_api(part, (name, data), http_headers=dict(headers), **options)

    def destroy(self, public_id: str, **options: Any) -> str:
        """`ok` or `not found`."""
        return str(self._upload_api(cloudinary.uploader.destroy, public_id, **options).get("result"))

    def usage(self) -> dict[str, Any]:
        """The plan and its limits: one of the 500 calls an hour of the Admin API. Asked for in short."""
        return self._admin_api(cloudinary.api.usage, told="plan", timeout=SHORT)

    def resource(self, public_id: str, **options: Any) -> dict[str, Any]:
        """What the Admin API knows of one object."""
        return self._admin_api(cloudinary.api.resource, public_id, told="version", **options)

    def resources(self, **options: Any) -> dict[str, Any]:
        """One page of objects."""
        return self._admin_api(cloudinary.api.resources, told="resources", **options)

    def link(self, public_id: str, form: str, **options: Any) -> str:
        """A signed address of the original at the download API. No network."""
        url: str = cloudinary.utils.private_download_url(public_id, form, **self._credentials, **options)
        return url

    def get(self, url: str, start: int, end: int | None) -> "Answer | None":
        """A GET of the range, None if it is outside; where ranges are not known, what comes before is thrown away."""
        wanted = {} if (start, end) == (0, None) else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        with translated():
            response = POOL.request("GET", url, headers=wanted, preload_content=False, timeout=TIMEOUT)
        if response.status in {OK, PARTIAL}:
            return Answer(response, start, end)
        response.close()
        if response.status == OUTSIDE:
            return None
        if response.status == MISSING:
            raise ObjectMissing
        raise _refusal(response.status, response.headers.get("X-Cld-Error", ""))

    def _upload_api(self, call: Any, *positional: Any, **options: Any) -> dict[str, Any]:
        with translated():
            answer: dict[str, Any] = call(
                *positional, **options, **self._credentials, timeout=TIMEOUT, return_error=True
            )
        if "error" in answer:
            raise _refusal(answer["error"]["http_code"], str(answer["error"].get("message", "")))
        return answer

    def _admin_api(self, call: Any, *positional: Any, told: str, **options: Any) -> dict[str, Any]:
        with translated():
            answer = dict(call(*positional, **{"timeout": TIMEOUT, **options}, **self._credentials))
        if answer.get(told) is None:
            raise StorageUnavailable("The answer makes no sense: is CLOUDINARY_UPLOAD_PREFIX Cloudinary's API?")
        return answer


class Answer:
    """A download under way."""

    def __init__(self, response: urllib3.BaseHTTPResponse, start: int, end: int | None) -> None:
        self._response, self._end = response, end
        partial = response.status == PARTIAL
        self._skip = 0 if partial else start
        self._left = None if partial or end is None else end - start  # bytes, where nobody else counts them

    @property
    def length(self) -> int | None:
        """How many bytes of the range there are, if the answer says."""
        told = self._response.headers.get("Content-Length")
        if told is None or not told.isdigit():
            return None
        whole = max(0, int(told) - self._skip)
        return whole if self._end is None else min(whole, self._end - self._skip)

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        with translated():
            while self._skip and (unwanted := self._response.read(min(self._skip, size))):
                self._skip -= len(unwanted)
            data: bytes = self._response.read(size if self._left is None else min(size, self._left))
        if self._left is not None:
            self._left -= len(data)
        return data

    def close(self) -> None:
        """Read to its end, it is back in the pool already; else it holds bytes that nobody wants, and is dropped."""
        self._response.close()


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the SDK raises becomes one of ours; its texts may hold whole answers, so none is passed on."""
    try:
        yield
    except StorageError:
        raise
    except Exception as failure:
        raise _meaning(failure) from failure


def _meaning(failure: Exception) -> StorageError:
    cause = failure if isinstance(failure, HTTPError) else failure.__context__  # the SDK wraps, without `from`
    inner = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(inner, NoAnswer) and not isinstance(inner, NewConnectionError):
        return StorageTimeout()
    match failure:
        case cloudinary.exceptions.RateLimited():
            return LimitReached("Cloudinary's limit of calls is reached for now.")
        case cloudinary.exceptions.AuthorizationRequired() | cloudinary.exceptions.NotAllowed():
            return StorageRefused(CREDENTIALS)
        case cloudinary.exceptions.NotFound():
            return ObjectMissing()
        case cloudinary.exceptions.BadRequest() | cloudinary.exceptions.AlreadyExists():
            return CallRefused(f"Cloudinary refused ({type(failure).__name__}).")
        case _:
            return StorageUnavailable(f"Cloudinary could not be talked to ({type(inner or failure).__name__}).")


def _refusal(status: int, message: str) -> StorageError:
    """By status, and by what the few messages say that matter; none of them is shown."""
    if status in AWAY or status >= SERVER_FAULT:
        return StorageUnavailable(f"Cloudinary cannot answer at the moment ({status}).")
    if "too large" in message.lower():
        return StoreLimit()
    if "stale request" in message.lower():
        return StorageRefused(CLOCK)
    if status == UNAUTHORIZED:
        return StorageRefused(CREDENTIALS)
    return StorageRefused(f"Cloudinary refused ({status}).")

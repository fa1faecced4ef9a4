"""The store at Cloudinary: public images at its delivery addresses, everything else as private raw files."""

import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Self, TypeVar
from urllib.parse import quote

from app.errors import ObjectMissing, StorageTimeout, StorageUnavailable, StoreAlteredFile
from app.settings import CloudinarySettings
from app.storage.backend import NOTHING, PRIVATE, ObjectInfo, Serving, Stored, safe
from app.storage.bodies import Checked, Part, checked
from app.storage.cloudinary_client import CallRefused, CloudinaryClient
from app.storage.cloudinary_plan import Plan
from app.storage.download import Download, Source
from app.storage.paged import PlaceLost
from app.storage.retrying import Deadline, Patience

CHUNK = 6_000_000  # bytes: Cloudinary wants five million at least, the SDK holds each three times
LARGE = 1_000_000  # bytes: chunks above it are sent by few at once
AT_ONCE = 2
LINK_SECONDS = 3600
PAGE = 500  # objects, the Admin API's largest page
PUTS, QUICK = Patience(seconds=300), Patience(seconds=60)

T = TypeVar("T")
Place = tuple[str, str]  # resource_type, type
IMAGE, RAW = ("image", "upload"), ("raw", "authenticated")
PLACES: Sequence[Place] = (RAW, IMAGE)
DELIVERED = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})  # as their keys end


class CloudinaryBackend:
    """Objects whose public_id is the key.

    Only public images have addresses of their own: Cloudinary does not deliver every other type, and what is private
    must not be delivered. The rest is `raw` and `authenticated`, and read by signed downloads.
    """

    def __init__(self, client: CloudinaryClient, *, puts: Patience = PUTS, quick: Patience = QUICK) -> None:
        self._client, self._puts, self._quick = client, puts, quick
        self._sending = threading.BoundedSemaphore(AT_ONCE)
        self._plan = Plan(client)

    @classmethod
    def from_settings(cls, settings: CloudinarySettings) -> Self:
        """The cloud that the variables name."""
        return cls(CloudinaryClient(settings.credentials()))

    def put(
        self, key: str, body: BinaryIO, *, content_type: str, size: int, sha256: str, serving: Serving = PRIVATE
    ) -> Stored:
        """One call, or chunks; what Cloudinary says that it has kept is compared with what was sent."""
        place = _place(content_type, serving)
        deadline = self._puts.start()
        with checked(body, size, sha256) as whole:
            kept = deadline.run(lambda: self._send(safe(key), place, whole, deadline))
            if (kept.get("bytes"), kept.get("etag")) != (size, whole.digests[0].md5.hex()):
                self._destroy(key, place)
                raise StoreAlteredFile
        names = ("resource_type", "type", "version", "format", "asset_id")
        details = {name: kept[name] for name in names if kept.get(name)}
        return Stored(public_id=key, url=self.url(key, details=details), details=details)

    def open(
        self, key: str, *, start: int = 0, end: int | None = None, details: Mapping[str, Any] = NOTHING
    ) -> BinaryIO:
        """The original, by the signed download API; never the Admin API."""
        safe(key)
        for place in _places(details):
            with suppress(ObjectMissing):
                return self._download(self._link(key, place, time.time() + LINK_SECONDS), start, end)
        raise ObjectMissing

    def stat(self, key: str) -> ObjectInfo:
        """One call of the Admin API, or two."""
        safe(key)
        for kind, delivery in PLACES:
            with suppress(ObjectMissing):
                return _info(self._ask(partial(self._client.resource, key, resource_type=kind, type=delivery)))
        raise ObjectMissing

    def delete(self, key: str, *, details: Mapping[str, Any] = NOTHING) -> None:
        """Destroy, and take it out of the caches; wherever it may lie if the row doesn't say."""
        safe(key)
        for place in _places(details):
            self._destroy(key, place)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Page by page, by the Admin API: a call for 500 objects."""
        if not (prefix.isascii() and (prefix.isprintable() or not prefix)):
            return
        for place in PLACES:
            cursor = ""
            while True:
                page, cursor = self._page(place, cursor, prefix=prefix)
                yield from page
                if not cursor:
                    break

    @property
    def parts(self) -> Sequence[str]:
        """One for each place in this cloud; names of clouds have no slash."""
        return ["/".join((self._client.cloud, *place)) for place in PLACES]

    def page(self, part: str, cursor: str, before_call: Callable[[], None]) -> tuple[Sequence[ObjectInfo], str]:
        """One call of the Admin API, more if it fails."""
        _, kind, delivery = part.split("/")
        return self._page((kind, delivery), cursor, before_call=before_call)

    def url(
        self,
        key: str,
        *,
        expires_in: float | None = None,
        filename: str | None = None,
        details: Mapping[str, Any] = NOTHING,
    ) -> str | None:
        """The delivery address of a public image; else a signed download."""
        place = _places(details)[0] if details else RAW
        if expires_in is not None:
            return self._link(safe(key), place, time.time() + expires_in, attachment=filename is not None)
        if place != IMAGE:
            return None
        version, form = details.get("version", 1), details.get("format", key.rpartition(".")[2])
        return f"https://res.cloudinary.com/{self._client.cloud}/image/upload/v{version}/{quote(key)}.{form}"

    def ping(self) -> None:
        """What the Admin API said in the last five minutes."""
        self._plan.check()

    def max_size(self, content_type: str, serving: Serving) -> int | None:
        """The plan's limit, read by the first `ping`."""
        return self._plan.limits.get(f"{_place(content_type, serving)[0]}_max_size_bytes")

    def _page(
        self, place: Place, cursor: str, *, prefix: str = "", before_call: Callable[[], None] = lambda: None
    ) -> tuple[Sequence[ObjectInfo], str]:
        """A page and the next cursor. How long Cloudinary knows a cursor is not told: a refused one was too old."""
        kind, delivery = place
        chosen = {"resource_type": kind, "type": delivery, "prefix": prefix, "max_results": PAGE}
        after = {"next_cursor": cursor} if cursor else {}

        def ask() -> dict[str, Any]:
            before_call()
            return self._client.resources(**chosen, **after)

        try:
            page = self._ask(ask)
        except (CallRefused, ObjectMissing) as refused:
            if not cursor:
                raise
            raise PlaceLost from refused
        following = str(page.get("next_cursor") or "")
        if following and following == cursor:
            raise StorageUnavailable("Cloudinary's listing does not go on.")
        return [*map(_info, page["resources"])], following

    def _send(self, key: str, place: Place, whole: Checked, deadline: Deadline) -> dict[str, Any]:
        """A file from its beginning: a chunk that fails begins it anew, under another upload id."""
        upload_id, answer = uuid.uuid4().hex, {}
        for part in whole.parts(CHUNK, deadline):
            headers = {} if part.length == whole.size else _chunk(part, whole.size, upload_id)
            with self._turn(part.length, deadline):
                answer = self._client.upload(
                    key.rpartition("/")[2],
                    part.read(),
                    headers,
                    public_id=key,
                    asset_folder=key.rpartition("/")[0],
                    resource_type=place[0],
                    type=place[1],
                    overwrite=True,
                    invalidate=True,
                )
        return answer

    @contextmanager
    def _turn(self, size: int, deadline: Deadline) -> Iterator[None]:
        """Sixteen chunks at once would be 300 MB of memory: large ones wait for each other."""
        if size <= LARGE:
            yield
            return
        if not self._sending.acquire(timeout=deadline.left()):
            raise StorageTimeout
        try:
            yield
        finally:
            self._sending.release()

    def _destroy(self, key: str, place: Place) -> None:
        kind, delivery = place
        result = self._ask(lambda: self._client.destroy(key, resource_type=kind, type=delivery, invalidate=True))
        if result not in {"ok", "not found"}:
            raise StorageUnavailable("Cloudinary did not say that the object is gone.")

    def _download(self, url: str, start: int, end: int | None) -> BinaryIO:
        if end is not None and end <= start:
            self._get(url, 0, 1)[0].close()  # it must be there all the same
            return io.BytesIO()
        return Download.of(lambda offset: self._get(url, start + offset, end))

    def _get(self, url: str, start: int, end: int | None) -> tuple[Source, int | None]:
        answer = self._ask(lambda: self._client.get(url, start, end))
        return (answer, answer.length) if answer else (io.BytesIO(), 0)

    def _link(self, key: str, place: Place, expires_at: float, *, attachment: bool = False) -> str:
        kind, delivery = place
        form = key.rpartition(".")[2] if place == IMAGE else ""
        options = {"resource_type": kind, "type": delivery, "expires_at": int(expires_at)}
        return self._client.link(key, form, **options, **({"attachment": True} if attachment else {}))

    def _ask(self, call: Callable[[], T]) -> T:
        return self._quick.start().run(call)


def _place(content_type: str, serving: Serving) -> Place:
    """Where an object belongs."""
    return IMAGE if serving.public and content_type in DELIVERED else RAW


def _places(details: Mapping[str, Any]) -> Sequence[Place]:
    """Where an object lies, or may lie when its row was never finished."""
    return [(details["resource_type"], details["type"])] if "resource_type" in details else PLACES


def _chunk(part: Part, size: int, upload_id: str) -> dict[str, str]:
    """What makes a call one chunk of an upload."""
    last = part.start + part.length - 1
    return {"Content-Range": f"bytes {part.start}-{last}/{size}", "X-Unique-Upload-Id": upload_id}


def _info(found: Mapping[str, Any]) -> ObjectInfo:
    """Listings tell no MD5: another object has another asset_id, another upload another version (a second)."""
    if not {"public_id", "bytes", "version", "created_at"} <= found.keys():
        raise StorageUnavailable("Cloudinary's listing makes no sense.")
    etag = f"{found.get('asset_id', '')}-{found['version']}"
    return ObjectInfo(found["public_id"], found["bytes"], etag, datetime.fromisoformat(found["created_at"]))

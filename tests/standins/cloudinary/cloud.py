"""A Cloudinary of our own: an HTTP server that the real SDK and curl can talk to, and what tests may see and set."""

import contextlib
import hashlib
import secrets
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.standins.cloudinary.admin import Allowance
from tests.standins.cloudinary.assets import Asset, Key, Shelf
from tests.standins.cloudinary.chunks import Incomplete
from tests.standins.cloudinary.faults import Faults
from tests.standins.cloudinary.server import Server
from tests.standins.cloudinary.wire import Call, Incoming

MEBIBYTE = 1024 * 1024


@dataclass
class Account:
    """A product environment and what its plan allows; the free plan, if nothing else is said."""

    cloud_name: str = "stand-in"
    api_key: str = "123456789012345"
    api_secret: str = "a-secret-of-the-stand-in"
    plan: str = "Free"
    folder_mode: str = "dynamic"  # or fixed
    image_limit: int = 10 * MEBIBYTE
    video_limit: int = 100 * MEBIBYTE
    raw_limit: int = 10 * MEBIBYTE
    image_max_px: int = 25_000_000
    asset_max_total_px: int = 50_000_000
    request_limit: int = 100 * MEBIBYTE  # of one call, whatever the plan
    smallest_chunk: int = 5 * MEBIBYTE  # but the last
    admin_limit: int = 500  # calls an hour
    delivers_documents: bool = False  # PDF, ZIP and other archives

    @property
    def limits(self) -> dict[str, int]:
        """The largest file of each resource type."""
        return {"image": self.image_limit, "video": self.video_limit, "raw": self.raw_limit}

    @property
    def media_limits(self) -> dict[str, int]:
        """As `usage` names them."""
        sizes = {f"{name}_max_size_bytes": size for name, size in self.limits.items()}
        return {**sizes, "image_max_px": self.image_max_px, "asset_max_total_px": self.asset_max_total_px}


class Cloud:
    """A running stand-in."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.folder = folder
        self.url = ""  # http://127.0.0.1:<port>, the `upload_prefix`
        self.calls: list[Call] = []
        self.faults = Faults()
        self.ranges = True  # False: downloads ignore the Range header and answer 200 with everything
        self.cdn_keeps = False  # True: the CDN goes on serving what was destroyed without `invalidate`
        self.errors: list[BaseException | None] = []  # defects of the stand-in itself
        self.closing = threading.Event()
        self.shelf = Shelf(folder)
        self.incomplete = Incomplete(folder)
        self.allowance = Allowance()
        self.first_cursor = 0  # the cursors before it are refused
        self._cursors = 0
        self._ahead = 0.0

    @property
    def cloud_name(self) -> str:
        """The account's."""
        return self.account.cloud_name

    @property
    def api_key(self) -> str:
        """The account's."""
        return self.account.api_key

    @property
    def api_secret(self) -> str:
        """The account's."""
        return self.account.api_secret

    @property
    def assets(self) -> dict[Key, Asset]:
        """What is stored, by (resource type, type, public_id)."""
        return self.shelf.assets

    @property
    def admin_calls(self) -> int:
        """How many calls of the Admin API were counted."""
        return self.allowance.calls

    @property
    def options(self) -> dict[str, str]:
        """What the SDK's functions take, per call."""
        names = ("cloud_name", "api_key", "api_secret")
        return {**{name: getattr(self.account, name) for name in names}, "upload_prefix": self.url}

    @property
    def environment(self) -> dict[str, str]:
        """The same, as variables of the environment."""
        return {f"CLOUDINARY_{name.upper()}": value for name, value in self.options.items()}

    @property
    def address(self) -> str:
        """The same, as CLOUDINARY_URL."""
        return f"cloudinary://{self.api_key}:{self.api_secret}@{self.cloud_name}?upload_prefix={self.url}"

    def named(self, action: str) -> list[Call]:
        """The calls of one action, in the order they came in."""
        return [call for call in self.calls if call.action == action]

    def local(self, url: str) -> str:
        """A delivery address, here instead of at the vendor's CDN."""
        return self.url + urlsplit(url).path

    def fill(self, public_ids: Iterable[str], content: bytes = b"filler", *, kind: str = "upload") -> None:
        """Put raw assets there without a call, for lists that go over many pages."""
        for public_id in public_ids:
            path = self.folder / f"fill-{secrets.token_hex(8)}"
            path.write_bytes(content)
            md5 = hashlib.md5(content).hexdigest()
            asset = Asset("raw", kind, public_id, "", 1, 1, len(content), md5, path)
            self.shelf.add(asset, Incoming(path, "", len(content), md5, content), self.now())

    def new_cursor(self, number: int) -> str:
        """The place after the asset of that number."""
        self._cursors += 1
        return f"{self._cursors:016x}{number:016x}"

    def forget_cursors(self) -> None:
        """Those that were given out are too old now."""
        self.first_cursor = self._cursors + 1

    def now(self) -> float:
        """The time here."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass, here only."""
        self._ahead += seconds


@contextlib.contextmanager
def running(account: Account | None = None, *, port: int = 0) -> Iterator[Cloud]:
    """A cloud that answers until the end of the block, where a defect of the stand-in itself is raised."""
    with tempfile.TemporaryDirectory(prefix="cloudinary-") as folder:
        cloud = Cloud(account or Account(), Path(folder))
        server = Server(cloud, port)
        cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, name="cloudinary")
        thread.start()
        try:
            yield cloud
        finally:
            server.stop()
            thread.join()
    if cloud.errors:
        raise ExceptionGroup("the Cloudinary stand-in failed", [e for e in cloud.errors if isinstance(e, Exception)])

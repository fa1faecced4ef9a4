"""Steps 5 to 7: what a file is, whether its kind takes it and no virus is in it, what is taken out of it."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal, TypeVar

from app.assets.incoming import Incoming
from app.assets.inspection import Inspection, complete
from app.assets.policy import Policies
from app.assets.scan import Scanner
from app.db.records import Draft
from app.errors import NotCleaned
from app.images.metadata import CLEANED_TYPES, Plan, plan
from app.images.svg import sanitise
from app.lanes import Lane
from app.storage.folders import translated
from app.storage.spool import Body

T = TypeVar("T")

Strip = Literal["gps", "all", "none"]

AT_ONCE = 64 * 1024  # bytes that are looked into on the loop: a thread would cost more
APPENDED = ("trailer",)  # what follows the end of an image, in the words of app/images/metadata
PICTURES = frozenset({"logo", "photo"})  # kinds that may be shown to everybody later, if not now


class Cleaner:
    """Looks into files, and makes them fit to be shown. What reads a whole file does so in a thread."""

    def __init__(self, policies: Policies, *, scanner: Scanner | None = None, strip: Strip = "none") -> None:
        self._policies = policies
        self._scanner = scanner
        self._strip: Strip = strip
        self._lane = Lane("clean", threads=2, waiting=256)

    async def admit(self, file: Incoming, kind: str, visibility: str) -> Inspection:
        """What it is, if its kind takes it; afterwards the file's body is the one to keep."""
        policy = self._policies[kind]
        seen = file.inspect()
        policy.check(seen, file.body.size)
        if policy.types:
            seen = await self._look(file.body, lambda stream: complete(seen, stream, max_frames=policy.max_frames))
            policy.check(seen, file.body.size)
        if self._scanner is not None:  # what came: no cleaning shall hide anything
            await self._scanner.check(file)
        if policy.sanitises(seen):
            await self._sanitise(file)
        elif visibility == "public" or kind in PICTURES:
            await self._strip_metadata(file, seen.content_type)
        if file.body.sha256 != file.original_sha256:
            policy.check(seen, file.body.size)
        return seen

    def expect_clean(self, asset: Draft) -> None:
        """Raise `NotCleaned` for an image that nobody has looked into, and that everybody is to see."""
        if self._strip != "none" and asset.uncleaned is None and asset.content_type in CLEANED_TYPES:
            raise NotCleaned

    def close(self) -> None:
        """Wait for what runs."""
        self._lane.close()

    async def _sanitise(self, file: Incoming) -> None:
        harmless = await self._lane.run(_looked, file.body, lambda stream: sanitise(stream.read()))
        await file.become(iter([harmless]), self._lane)

    async def _strip_metadata(self, file: Incoming, content_type: str) -> None:
        if self._strip == "none" or content_type not in CLEANED_TYPES:
            return
        remove = self._strip
        planned = await self._look(file.body, lambda stream: plan(stream, content_type, remove=remove))
        file.uncleaned = list(planned.left)
        if planned.removed == APPENDED:  # nothing of the image is personal: it is kept as it came
            file.uncleaned += APPENDED
        elif planned.changed:
            await file.become(_pieces(planned, file.body), self._lane)

    async def _look(self, body: Body, look: Callable[[BinaryIO], T]) -> T:
        if body.data is not None and body.size <= AT_ONCE:
            return _looked(body, look)
        return await self._lane.run(_looked, body, look)


def _pieces(planned: Plan, body: Body) -> Iterator[bytes]:
    """Opened where the first one is asked for: in a thread."""
    with translated(), body.open() as stream:
        yield from planned.pieces(stream)


def _looked(body: Body, look: Callable[[BinaryIO], T]) -> T:
    with translated(), body.open() as stream:
        return look(stream)

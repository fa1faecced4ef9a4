"""A file at the door, received whole and not yet trusted."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Self

from app.assets.inspection import Inspection, inspect
from app.assets.names import clean_name
from app.lanes import Lane
from app.storage.spool import Body, Spool


@dataclass(slots=True)
class Incoming:
    """What came: the client's name for it, cleaned, and its body, which has one owner at a time."""

    filename: str
    body: Body
    _spool: Spool
    declared: str = ""  # the media type that the client named
    original_sha256: str = field(default="", init=False)  # of what came; the body may become another
    uncleaned: list[str] | None = field(default=None, init=False)  # what stays; None: nobody looked

    def __post_init__(self) -> None:
        self.original_sha256 = self.body.sha256

    @classmethod
    def of(cls, filename: str, body: Body, spool: Spool, *, declared: str = "") -> Self:
        """One received file."""
        return cls(clean_name(filename), body, spool, declared)

    def take(self) -> "Incoming":
        """Change the owner: what is taken is no longer discarded with the form."""
        taken = copy(self)
        self.body = Body(size=0, sha256="", head=b"", data=None, path=None, held=0)
        return taken

    def inspect(self) -> Inspection:
        """What it is, by its first bytes."""
        whole = len(self.body.head) == self.body.size
        return inspect(self.body.head, whole=whole, filename=self.filename, declared=self.declared)

    async def become(self, pieces: Iterator[bytes], lane: Lane) -> None:
        """Another body, made of these pieces, which `lane` fetches; the one that came is given back."""
        writer = self._spool.writer()
        try:
            while piece := await lane.run(next, pieces, b""):
                if writer.feed(piece):
                    await writer.flush()
            made = await writer.finish()
        except BaseException:
            await writer.discard()
            raise
        await self.discard()
        self.body = made

    async def discard(self) -> None:
        """Give back its memory or its spool file; twice is fine."""
        await self._spool.discard(self.body)

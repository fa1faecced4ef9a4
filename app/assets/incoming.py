"""A file at the door, received whole and not yet trusted."""

from dataclasses import dataclass

from app.assets.inspection import Inspection, inspect
from app.assets.names import clean_name
from app.storage.spool import Body, Spool


@dataclass(slots=True)
class Incoming:
    """What came: the client's name for it, cleaned, and its body, which has one owner at a time."""

    filename: str
    body: Body
    _spool: Spool

    @classmethod
    def of(cls, filename: str, body: Body, spool: Spool) -> "Incoming":
        """One received file."""
        return cls(clean_name(filename), body, spool)

    def take(self) -> "Incoming":
        """Change the owner: what is taken is no longer discarded with the form."""
        taken = Incoming(self.filename, self.body, self._spool)
        self.body = Body(size=0, sha256="", head=b"", data=None, path=None, held=0)
        return taken

    def inspect(self) -> Inspection:
        """What it is, by its first bytes."""
        return inspect(self.body.head, whole=len(self.body.head) == self.body.size)

    async def discard(self) -> None:
        """Give back its memory or its spool file; twice is fine."""
        await self._spool.discard(self.body)

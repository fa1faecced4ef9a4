"""A spool for tests: what was finished and never discarded is let go of when the spool closes."""

from app.storage.spool import Body, Spool, Writer


class KeptSpool(Spool):
    """A spool that knows its whole bodies."""

    def writer(self) -> Writer:
        """Take in one body, and remember it."""
        return _KeptWriter(self, self._bodies)

    def close(self) -> None:
        """Wait for what runs, and close the files of what nobody discarded."""
        super().close()
        for body in self._bodies:
            if body.file is not None:
                body.file.close()

    @property
    def _bodies(self) -> list[Body]:
        bodies: list[Body] = self.__dict__.setdefault("bodies", [])
        return bodies


class _KeptWriter(Writer):
    def __init__(self, spool: Spool, bodies: list[Body]) -> None:
        super().__init__(spool)
        self._bodies = bodies

    async def finish(self) -> Body:
        body = await super().finish()
        self._bodies.append(body)
        return body

"""Small objects that were read lately, kept in memory: bytes never change under a key."""

from collections import OrderedDict

LARGEST = 64 * 1024  # bytes of one that is kept
ROOM = 8 * 1024 * 1024  # bytes of all


class Recent:
    """What was read last of each key, the oldest forgotten first. For the event loop alone."""

    def __init__(self, *, largest: int = LARGEST, room: int = ROOM) -> None:
        self._largest, self._room = largest, room
        self._held = 0
        self._ranges: OrderedDict[str, tuple[int, int, bytes]] = OrderedDict()

    def get(self, key: str, start: int, end: int) -> bytes | None:
        """The same range again."""
        found = self._ranges.get(key)
        if found is None or found[:2] != (start, end):
            return None
        self._ranges.move_to_end(key)
        return found[2]

    def keep(self, key: str, start: int, data: bytes) -> None:
        """The bytes from `start` on, if they are few."""
        self.forget(key)
        if 0 < len(data) <= self._largest:
            self._ranges[key] = (start, start + len(data), data)
            self._held += len(data)
        while self._held > self._room:
            self.forget(next(iter(self._ranges)))

    def forget(self, key: str) -> None:
        """It is deleted, or somebody needs its room."""
        if (found := self._ranges.pop(key, None)) is not None:
            self._held -= len(found[2])

"""A set of byte ranges that can be asked whether something touches it."""

from bisect import bisect_right
from collections.abc import Iterable


class Ranges:
    """Sorted and joined."""

    def __init__(self, places: Iterable[range]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for place in sorted(filter(None, places), key=lambda place: place.start):
            if self._stops and place.start <= self._stops[-1]:
                self._stops[-1] = max(self._stops[-1], place.stop)
            else:
                self._starts.append(place.start)
                self._stops.append(place.stop)

    def touches(self, place: range) -> bool:
        """Does it have a byte of the place?"""
        before = bisect_right(self._starts, place.stop - 1) - 1
        return bool(place) and before >= 0 and self._stops[before] > place.start

    def covers(self, place: range) -> bool:
        """Does it have all bytes of the place?"""
        before = bisect_right(self._starts, place.start) - 1
        return before >= 0 and self._stops[before] >= place.stop

"""Decides who makes room: whoever takes up most, with the oldest of what it has.

A caller that sends many writes a second so pushes out its own outcomes, and not those of others.
"""

from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Final

from twinfront_server.outcomes.outcome import Key

_Caller = tuple[str, str]

_SLACK: Final = 64
"""Places in the ranking, beyond two for each caller, that may be out of date."""


class Shares:
    """The things of each caller, with their sizes."""

    def __init__(self) -> None:
        self._held: dict[_Caller, dict[Key, int]] = {}
        self._totals: dict[_Caller, int] = {}
        # The largest first, among equals who was there first. Each caller is in it, once with what it has or more.
        self._ranking: list[tuple[int, int, _Caller]] = []
        self._order = count()
        self._length = 0

    def __len__(self) -> int:
        """Counts what all callers have together."""
        return self._length

    def add(self, key: Key, size: int = 1) -> None:
        """Adds what its caller did not have."""
        caller = key.source, key.principal
        self._length += 1
        self._held.setdefault(caller, {})[key] = size
        total = self._totals[caller] = self._totals.get(caller, 0) + size
        heappush(self._ranking, (-total, next(self._order), caller))
        if len(self._ranking) > 2 * len(self._held) + _SLACK:
            self._ranking = [(-total, next(self._order), caller) for caller, total in self._totals.items()]
            heapify(self._ranking)

    def discard(self, key: Key) -> None:
        """Takes away what its caller has, if it does."""
        caller = key.source, key.principal
        held = self._held.get(caller, {})
        if key not in held:
            return
        self._length -= 1
        self._totals[caller] -= held.pop(key)
        if not held:
            del self._held[caller], self._totals[caller]

    def first_to_go(self) -> Key:
        """Gives the oldest of the caller who has most; there has to be one."""
        while True:
            listed, order, caller = self._ranking[0]
            total = self._totals.get(caller)
            if total is None:
                heappop(self._ranking)
            elif total != -listed:
                heapreplace(self._ranking, (-total, order, caller))
            else:
                return next(iter(self._held[caller]))

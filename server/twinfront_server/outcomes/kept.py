"""Keeps outcomes for a while, in bounds that no caller fills for the others."""

from collections.abc import Callable
from typing import Final

from twinfront_server.outcomes.outcome import KEPT_SECONDS, Key, Outcome
from twinfront_server.outcomes.shares import Shares

MAX_OUTCOMES: Final = 10_000
MAX_BYTES: Final = 64 << 20
"""How many outcomes are kept, and how large they may be together; beyond that those go of whoever has most."""


class Outcomes:
    """The outcomes of the writes of this process, by caller, method and `request_id`.

    Attributes:
        bytes: how large they are together.

    Args:
        clock: the time in seconds.
        max_outcomes: how many are kept.
        max_bytes: how large they may be together.
    """

    def __init__(self, clock: Callable[[], float], *, max_outcomes: int, max_bytes: int) -> None:
        self._clock = clock
        self._max_outcomes = max_outcomes
        self._max_bytes = max_bytes
        self._kept: dict[Key, tuple[float, Outcome]] = {}  # with the time at which each goes; the oldest first
        self._shares = Shares()
        self._least_size = max_bytes // max_outcomes
        self.bytes = 0

    def __len__(self) -> int:
        """Counts the outcomes that are kept."""
        return len(self._kept)

    def recall(self, key: Key) -> Outcome | None:
        """Gives the outcome of a write; None if none is kept."""
        now = self._clock()
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest][0] > now:
                break
            self._forget(oldest)
        kept = self._kept.get(key)
        return kept[1] if kept else None

    def keep(self, key: Key, outcome: Outcome) -> None:
        """Keeps the outcome of a write of which none is kept."""
        if outcome.size > self._max_bytes:
            return
        self._kept[key] = self._clock() + KEPT_SECONDS, outcome
        self._shares.add(key, outcome.size + self._least_size)  # many small ones take up room as well
        self.bytes += outcome.size
        while len(self._kept) > self._max_outcomes or self.bytes > self._max_bytes:
            self._forget(self._shares.first_to_go())

    def _forget(self, key: Key) -> None:
        _, outcome = self._kept.pop(key)
        self._shares.discard(key)
        self.bytes -= outcome.size

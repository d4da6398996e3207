"""Bounds rates: so much a second for each caller, and some of it at once (token buckets)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

MAX_BUCKETS: Final = 10_000
"""Callers that are remembered. One that is forgotten, which is the one seen least recently, has a full bucket again."""


class TokenBuckets:
    """Has a bucket of tokens for each caller, which fills at a rate and starts full.

    A bucket may go below zero: what a query costs is known when it is done. Nothing is taken until that is made up for.

    Args:
        rate: tokens a second; 0 for no bound.
        burst: for how many seconds' worth of tokens a bucket has room; for one token at the least.
        clock: the time in seconds.
        most: how many buckets there are.
    """

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic, most: int = MAX_BUCKETS
    ) -> None:
        self._rate = rate
        self._room = max(rate * burst, 1.0)
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # tokens, and when that was

    def wait(self, caller: Hashable) -> float:
        """Gives the seconds until there is a whole token for a caller; 0 if there is one now."""
        if not self._rate:
            return 0.0
        return max(0.0, (1.0 - self._tokens(caller)) / self._rate)

    def take(self, caller: Hashable, tokens: float = 1.0) -> None:
        """Takes tokens of a caller's, be they there or not."""
        if not self._rate:
            return
        self._buckets[caller] = self._tokens(caller) - tokens, self._clock()
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)

    def _tokens(self, caller: Hashable) -> float:
        tokens, since = self._buckets.get(caller, (self._room, 0.0))
        return min(self._room, tokens + (self._clock() - since) * self._rate)

"""Bounds rates: so much a second for each caller, and some of it at once (token buckets)."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

MAX_BUCKETS: Final = 10_000
"""Callers that are remembered. One that is forgotten, which is the one seen least recently, has a full bucket again."""

_ROUNDING: Final = 1e-6
"""Seconds that nobody waits for: a timer that was set for a token would else come a hair too early, again and again."""


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

    def wait(self, caller: Hashable, tokens: float = 1.0) -> float:
        """Gives the seconds until there are so many tokens for a caller; 0 if there are now."""
        if not self._rate:
            return 0.0
        wait = (tokens - self._tokens(caller, self._clock())) / self._rate
        return wait if wait > _ROUNDING else 0.0

    def take_if_there(self, caller: Hashable) -> bool:
        """Takes a token of a caller's if there is one (`wait` is 0)."""
        if not self._rate:
            return True
        now = self._clock()
        left = self._tokens(caller, now) - 1.0
        if left < -_ROUNDING * self._rate:
            return False
        self._put(caller, left, now)
        return True

    def take(self, caller: Hashable, tokens: float = 1.0) -> None:
        """Takes tokens of a caller's, be they there or not."""
        if self._rate:
            now = self._clock()
            self._put(caller, self._tokens(caller, now) - tokens, now)

    def _put(self, caller: Hashable, tokens: float, now: float) -> None:
        self._buckets[caller] = tokens, now
        self._buckets.move_to_end(caller)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)

    def hold(self, caller: Hashable, seconds: float) -> None:
        """Takes what a caller has, so that there is no token for so many seconds at least."""
        if self.wait(caller) < seconds:
            self.take(caller, self._tokens(caller, self._clock()) + seconds * self._rate - 1.0)

    def _tokens(self, caller: Hashable, now: float) -> float:
        bucket = self._buckets.get(caller)
        if bucket is None:
            return self._room
        tokens, since = bucket
        return min(self._room, tokens + (now - since) * self._rate)

"""Keeps as many requests under way as the upstream takes.

The upstream does not say how much it takes, and that changes with what others ask of it. So the number is found by
trying: additive increase, multiplicative decrease, as TCP does it (RFC 5681). An answer that throttles halves the
number and holds everything back for the time that it names; each request that goes through adds a little.

An example: 8 requests are under way, and 3 of them are throttled with Retry-After 2. That is one decrease and not
three, since all of them began at the same pace: nothing is sent for 2 seconds, then 4 at a time. Each one that goes
through adds a quarter or a little less, so that about five of them make it 5.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from google.rpc.error_details_pb2 import RetryInfo

from twinfront_server.call import is_time_for
from twinfront_server.errors import NO_RETRY, TwinfrontError
from twinfront_server.reasons import Reason

T = TypeVar("T")

OUTAGE_RETRIES: Final = 3
"""How often a request is sent again that did not reach the upstream; each time after twice as long."""

_SHORTEST_HOLD: Final = 0.05
_MOST_DOUBLINGS: Final = 4
"""For how many seconds a throttling answer holds everything back at the least, doubled each time until a request goes
through, and how often it is doubled: an upstream that says "at once" again and again would be asked without pause."""


class Pace:
    """Runs requests, as many at a time as the upstream takes, and those that it throttled again.

    Args:
        limit: the most at a time.
        remaining: seconds until the deadline; None without one.
        clock: the time in seconds.
        sleep: waits for some seconds.

    Attributes:
        allowed: how many requests may be under way now.
    """

    def __init__(
        self,
        limit: int,
        remaining: Callable[[], float | None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.allowed = float(limit)
        self._limit = limit
        self._remaining = remaining
        self._clock = clock
        self._sleep = sleep
        self._active = 0
        self._free = asyncio.Condition()
        self._waiting = 0
        self._held_until = 0.0
        # Requests that began before the last decrease say nothing about the pace after it.
        self._decreases = 0
        self._decreases_in_a_row = 0

    async def run(self, request: Callable[[], Awaitable[T]]) -> T:
        """Runs a request and gives its result.

        One that is throttled is tried again for as long as the deadline allows, one that finds no upstream
        `OUTAGE_RETRIES` times, unless its error says that no retry helps.

        Raises:
            TwinfrontError: what the request raised last.
        """
        outages = 0
        while True:
            await self._begin()
            decreases = self._decreases
            try:
                done = await request()
            except TwinfrontError as error:
                wait = retry_delay(error)
                if error.reason is Reason.UPSTREAM_THROTTLED:
                    wait = max(wait, _SHORTEST_HOLD * 2 ** min(self._decreases_in_a_row, _MOST_DOUBLINGS))
                    if not is_time_for(wait, self._remaining()):
                        raise
                    self._decrease(decreases, wait)
                    wait = 0.0
                elif error.reason is Reason.UPSTREAM_UNAVAILABLE and error.pushback_ms != NO_RETRY:
                    wait *= 2**outages * random.uniform(1.0, 1.5)  # noqa: S311  (jitter, no secret)
                    outages += 1
                    if outages > OUTAGE_RETRIES or not is_time_for(wait, self._remaining()):
                        raise
                else:
                    raise
            else:
                self._increase()
                return done
            finally:
                await self._end()
            if wait:
                await self._sleep(wait)

    async def _begin(self) -> None:
        while True:
            wait = self._held_until - self._clock()
            if wait > 0:
                await self._sleep(wait)
            elif self._active >= int(self.allowed):
                self._waiting += 1
                try:
                    async with self._free:
                        await self._free.wait()
                finally:
                    self._waiting -= 1
            else:
                self._active += 1
                return

    async def _end(self) -> None:
        self._active -= 1
        if self._waiting:  # seldom: there are no more workers than requests that are allowed at first
            async with self._free:
                self._free.notify_all()

    def _increase(self) -> None:
        self._decreases_in_a_row = 0
        self.allowed = min(float(self._limit), self.allowed + 1 / self.allowed)

    def _decrease(self, decreases: int, wait: float) -> None:
        if decreases == self._decreases:
            self._decreases += 1
            self._decreases_in_a_row += 1
            self.allowed = max(1.0, self.allowed / 2)
        self._held_until = max(self._held_until, self._clock() + wait)


def retry_delay(error: TwinfrontError) -> float:
    """Gives the seconds after which an error says that a retry makes sense."""
    for detail in error.details:
        if isinstance(detail, RetryInfo):
            return float(detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9)
    return 1.0

"""Has those who find no token wait in line for one."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from twinfront_server.quotas.token_buckets import TokenBuckets


@dataclass(slots=True)
class _Line:
    """Those who wait for a token of one bucket.

    Attributes:
        waiting: by caller, in the order in which they came; whose turn it is comes first.
        count: how many there are.
        timer: goes off when there is a token for the first.
    """

    timer: asyncio.TimerHandle
    waiting: dict[Hashable, dict[asyncio.Future[None], None]] = field(default_factory=dict)
    count: int = 0

    def enter(self, caller: Hashable, turn: asyncio.Future[None]) -> None:
        self.waiting.setdefault(caller, {})[turn] = None
        self.count += 1

    def leave(self, caller: Hashable, turn: asyncio.Future[None]) -> None:
        theirs = self.waiting[caller]
        del theirs[turn]
        self.count -= 1
        if not theirs:
            del self.waiting[caller]

    def first(self) -> asyncio.Future[None]:
        """Takes out whose turn it is; the caller's next one comes after the other callers'."""
        caller = next(iter(self.waiting))
        turn = next(iter(self.waiting[caller]))
        self.leave(caller, turn)
        if caller in self.waiting:
            self.waiting[caller] = self.waiting.pop(caller)
        return turn


class WaitingLines:
    """Gives out the tokens of buckets, one at a time; there is a line at each bucket that is empty.

    In a line callers take turns (round robin), each with what it has had waiting for longest. Without callers a line is
    served in the order in which it came.

    An example with 10 tokens a second: a has 3 waiting when one of b comes, which will wait for 0.2 seconds. They are
    served as a, b, a, a.

    Args:
        rate: tokens a second of each bucket; 0 for no bound.
        burst: for how many seconds' worth of tokens a bucket has room; for one token at the least.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._buckets = TokenBuckets(rate, burst, clock=lambda: asyncio.get_running_loop().time())
        self._lines: dict[Hashable, _Line] = {}
        self._end: Callable[[], Exception] | None = None

    def take_at_once(self, key: Hashable) -> bool:
        """Takes a token if there is one, and nobody waits for one."""
        return key not in self._lines and self._buckets.take_if_there(key)

    def give_back(self, key: Hashable) -> None:
        """Gives back a token that was taken at once, in the same moment."""
        self._buckets.take(key, -1.0)

    def wait(self, key: Hashable, caller: Hashable = None) -> float:
        """Gives the seconds that one who came now would wait, if nobody came later; it may be fewer."""
        line = self._lines.get(key)
        if line is None:
            return self._buckets.wait(key)
        own = len(line.waiting.get(caller, ()))
        others = len(line.waiting) - (caller in line.waiting)
        return self._buckets.wait(key, 1 + min(line.count, own + others * (own + 1)))

    async def take(self, key: Hashable, caller: Hashable = None) -> None:
        """Takes a token; waits in line if there is none.

        Raises:
            Exception: what `end` was told to raise here.
        """
        if self.take_at_once(key):
            return
        if self._end is not None:
            raise self._end()
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(loop.call_later(self._buckets.wait(key), self._move, key))
        line.enter(caller, turn)
        try:
            await turn
        finally:
            if turn.cancelled() and turn in line.waiting.get(caller, ()):
                line.leave(caller, turn)
                if not line.count:
                    self._close(key)

    def hold(self, key: Hashable, seconds: float) -> None:
        """Has the next token come in so many seconds at the soonest."""
        self._buckets.hold(key, seconds)

    def end(self, error: Callable[[], Exception]) -> None:
        """Ends all waiting, also of those who would have to wait from now on: everybody gets an error of its own."""
        self._end = error
        for key, line in list(self._lines.items()):
            while line.count:
                turn = line.first()
                if not turn.done():
                    turn.set_exception(error())
            self._close(key)

    def _move(self, key: Hashable) -> None:
        """Serves those for whom there are tokens, and comes again for the others."""
        line = self._lines[key]
        while line.count and not (wait := self._buckets.wait(key)):
            turn = line.first()
            if not turn.done():
                self._buckets.take(key)
                turn.set_result(None)
        if line.count:
            line.timer = asyncio.get_running_loop().call_later(wait, self._move, key)
        else:
            del self._lines[key]

    def _close(self, key: Hashable) -> None:
        self._lines.pop(key).timer.cancel()

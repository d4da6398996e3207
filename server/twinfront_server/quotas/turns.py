"""Lets calls be worked on in turns: some at a time, one caller after the other."""

import asyncio
from collections.abc import Hashable


class Turns:
    """Gives out places in which calls are worked on, to callers in turns (round robin).

    No caller holds more places than are left for others: one alone gets half of them, each of two a third (dynamic
    thresholds, Choudhury and Hahne 1998). So a caller that was quiet finds a place at once, however many calls another
    one has waiting and however slow these are.

    An example with 4 places: A has 100 calls. 2 are worked on, since a third would leave 1 place to others. Now B has
    one call, which gets a place at once. When a call of A ends, the next one of A begins; when that of B ends too, the
    place stays free for whoever comes.

    Args:
        places: how many calls are worked on at a time.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._held: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, dict[asyncio.Future[None], None]] = {}  # whose turn is next comes first
        self._count_waiting = 0

    @property
    def waiting(self) -> int:
        """Counts the calls that wait for their turn."""
        return self._count_waiting

    def take_at_once(self, caller: Hashable) -> bool:
        """Takes a place for a call of this caller if it need not wait for one."""
        if caller in self._waiting or not self._may_take(caller):
            return False
        self._take(caller)
        return True

    async def take(self, caller: Hashable) -> None:
        """Takes a place for a call of this caller when its turn comes.

        Raises:
            Exception: what `drop_from_longest` was told to raise here.
        """
        if self.take_at_once(caller):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, {})[turn] = None
        self._count_waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if turn in self._waiting.get(caller, {}):
                    self._leave(caller, turn)
            elif turn.exception() is None:  # it came at the moment at which the call was given up
                self.give_back(caller)
            raise

    def give_back(self, caller: Hashable) -> None:
        """Gives the place of a call back, to whose turn it is."""
        self._free += 1
        held = self._held[caller] - 1
        if held:
            self._held[caller] = held
        else:
            del self._held[caller]
        while (following := self._next()) is not None:
            turn = next(iter(self._waiting[following]))
            self._leave(following, turn, to_the_back=True)
            if not turn.cancelled():
                self._take(following)
                turn.set_result(None)

    def drop_from_longest(self, longer_than: int, error: Exception) -> bool:
        """Ends the wait of the last call of the caller that has most waiting, if these are more than so many."""
        longest = max(self._waiting, key=lambda caller: len(self._waiting[caller]), default=None)
        if longest is None or len(self._waiting[longest]) <= longer_than:
            return False
        turn = next(reversed(self._waiting[longest]))
        self._leave(longest, turn)
        if not turn.cancelled():
            turn.set_exception(error)
        return True

    def _may_take(self, caller: Hashable) -> bool:
        return self._held.get(caller, 0) < self._free

    def _next(self) -> Hashable | None:
        """Gives the caller whose turn it is; of those who hold a place there are no more to pass over than places."""
        return next(filter(self._may_take, self._waiting), None) if self._free else None

    def _take(self, caller: Hashable) -> None:
        self._free -= 1
        self._held[caller] = self._held.get(caller, 0) + 1

    def _leave(self, caller: Hashable, turn: asyncio.Future[None], *, to_the_back: bool = False) -> None:
        waiting = self._waiting[caller]
        del waiting[turn]
        self._count_waiting -= 1
        if not waiting or to_the_back:
            del self._waiting[caller]
            if waiting:
                self._waiting[caller] = waiting

"""Turns: few threads run at a time of those that have something to run, and the one that has run least goes first.

So what takes a moment is done in a moment whatever else is under way, without anybody knowing beforehand how long it
takes; what takes long shares what is left. A thread gives its turn up when it asks whether it may go on, and waits.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

_SLICE_SECONDS: Final = 0.05
"""How much more than another that waits one may have run before it has to let it go first."""

_LOOK_SECONDS: Final = 0.1
"""How often one that waits looks whether it should stop."""


class Turns:
    """Gives `places` threads at a time their turn."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[Turn] = []
        self._lock = threading.Lock()

    def turn(self, stop: Callable[[], bool]) -> "Turn":
        """Gives a thread that has not run yet a place in the order; `stop` tells when it is not to wait."""
        return Turn(self, stop)

    def wants(self, used: float) -> bool:
        """Tells whether one waits that has run for so much less than `used` seconds that it comes first."""
        return any(turn.used + _SLICE_SECONDS < used for turn in self._waiting)

    def take(self, turn: "Turn") -> bool:
        """Waits for a turn; false if it is not to wait any longer."""
        with self._lock:
            turn.granted.clear()
            self._waiting.append(turn)
            self._grant()
        while not turn.granted.wait(_LOOK_SECONDS):
            if turn.stop():
                with self._lock:
                    if turn in self._waiting:
                        self._waiting.remove(turn)
                        return False
        return True

    def give(self) -> None:
        """Lets the next one have a turn."""
        with self._lock:
            self._free += 1
            self._grant()

    def _grant(self) -> None:
        while self._free and self._waiting:
            turn = min(self._waiting, key=lambda turn: turn.used)  # of equals, the one that has waited longer
            self._waiting.remove(turn)
            self._free -= 1
            turn.granted.set()


class Turn:
    """Counts the time that one thread has run so far, and tells whether it runs now."""

    def __init__(self, turns: Turns, stop: Callable[[], bool]) -> None:
        self._turns = turns
        self._since: float | None = None
        self.stop = stop
        self.used = 0.0
        self.granted = threading.Event()

    def begin(self) -> bool:
        """Waits for the turn; false if it is time to stop instead."""
        if not self._turns.take(self):
            return False
        self._since = time.monotonic()
        return True

    def go_on(self) -> bool:
        """Lets others go first that have run less; false if it is time to stop.

        It is called often. It waits while others have the turn.
        """
        if self.stop():
            return False
        if self._since is None or not self._turns.wants(self.used + time.monotonic() - self._since):
            return True
        self.end()
        return self.begin()

    def end(self) -> None:
        """Gives the turn up, if it is there."""
        if self._since is not None:
            self.used += time.monotonic() - self._since
            self._since = None
            self._turns.give()

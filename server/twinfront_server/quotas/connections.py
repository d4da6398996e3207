"""Knows since when there are connections, as far as calls tell: grpc tells it to nobody.

grpc asks for a connection to be made anew when it is of age, and cuts it some time after that. A stream without an end
of its own has to end before. A connection that was idle before its first call is older than it is taken for.
"""

import time
from collections.abc import Callable
from typing import Final

_MOST: Final = 100_000
"""How many connections are known; beyond that the oldest are forgotten."""

_EARLIEST: Final = 0.9
_LATEST: Final = 1.1
"""Between which shares of the age grpc asks for a new connection."""


class Connections:
    """The connections of the last minutes.

    Args:
        max_age: seconds after which a connection is asked to be made anew, give or take 10 %.
        grace: seconds until it is cut then.
        clock: the time in seconds.
    """

    def __init__(self, max_age: float, grace: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_age = max_age
        self._grace = grace
        self._clock = clock
        self._since: dict[str, float] = {}
        """By the other end, the oldest first."""

    def saw(self, peer: str) -> None:
        """Notes a call on the connection with this other end."""
        if peer not in self._since and not peer.startswith("unix:"):  # all of those have one name
            self._forget()
            self._since[peer] = self._clock()

    def seconds_for_stream(self, peer: str, share_of_grace: float) -> float:
        """Gives the seconds that a stream may go on which begins now, so that it is not cut.

        Args:
            peer: the other end of its connection.
            share_of_grace: how much of the grace it may use up, between 0 and 1.
        """
        now = self._clock()
        asked_anew = max(self._since.get(peer, now) + self._max_age * _EARLIEST, now)
        return asked_anew - now + self._grace * share_of_grace

    def _forget(self) -> None:
        gone = self._clock() - self._max_age * _LATEST - self._grace
        while self._since:
            peer, since = next(iter(self._since.items()))
            if since > gone and len(self._since) < _MOST:
                return
            del self._since[peer]

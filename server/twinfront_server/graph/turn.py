"""Giving others their turn in the event loop."""

import asyncio
from typing import Final

TURN_SECONDS: Final = 0.005
"""How long a stream works on what it has at hand while others wait."""


class Turn:
    """A stretch of work in the event loop that is interrupted when it has gone on for long enough."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + TURN_SECONDS

    async def share(self) -> None:
        """Lets others go first if it is their turn; to be awaited between small pieces of work."""
        if self._time() >= self._end:
            await asyncio.sleep(0)
            self._end = self._time() + TURN_SECONDS

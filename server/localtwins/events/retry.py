"""Waits between attempts to deliver: exponential backoff with jitter, and a word in the log."""

import asyncio
import logging
import random
from typing import Final

_log = logging.getLogger(__name__)
_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 60.0


class Retry:
    """Counts the failed attempts of one delivery.

    Args:
        what: names the endpoint in the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._failures = 0

    async def wait(self, reason: str) -> None:
        """Waits after an attempt that failed: 0.1 s at first, twice as long each time, at most a minute."""
        if self._failures == 0:
            _log.warning("%s: delivery fails and is tried again: %s", self._what, reason)
        seconds = min(_FIRST_SECONDS * 2 ** min(self._failures, 16), _LONGEST_SECONDS)
        self._failures += 1
        await asyncio.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311  (jitter, no secret)

    def succeeded(self) -> None:
        """Tells the log that the failures are over."""
        if self._failures:
            _log.warning("%s: delivery works again after %d failed attempts", self._what, self._failures)

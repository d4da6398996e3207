"""Waits between attempts to deliver: exponential backoff with jitter, and a word in the log."""

import asyncio
import random
from typing import Final

from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)
_FIRST_SECONDS: Final = 0.1
_LONGEST_SECONDS: Final = 60.0


class Retry:
    """Counts the failed attempts of one delivery.

    Args:
        endpoint: its name, for the log; a URL may have a secret in it.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._failures = 0

    async def wait(self, reason: str) -> None:
        """Waits after an attempt that failed: 0.1 s at first, twice as long each time, at most a minute."""
        if self._failures == 0:
            _log.warning("delivery fails and is tried again", endpoint=self._endpoint, reason=reason)
        seconds = min(_FIRST_SECONDS * 2 ** min(self._failures, 16), _LONGEST_SECONDS)
        self._failures += 1
        await asyncio.sleep(seconds * random.uniform(0.5, 1))  # noqa: S311  (jitter, no secret)

    def succeeded(self) -> None:
        """Tells the log that the failures are over."""
        if self._failures:
            _log.warning("delivery works again", endpoint=self._endpoint, failures=self._failures)

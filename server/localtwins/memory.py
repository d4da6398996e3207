"""Memory that large requests took and that is given back: glibc's allocator would keep it for the next of them."""

import asyncio
import ctypes
from collections.abc import Callable
from contextlib import suppress
from typing import Final

LARGE_BYTES: Final = 256 * 1024
"""Bodies beyond this make it worth while."""

_DELAY_SECONDS: Final = 0.25


def _find_trim() -> Callable[[int], int] | None:
    with suppress(OSError, AttributeError):
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
        return trim
    return None  # another C library, which has ways of its own


_malloc_trim = _find_trim()


class Trimming:
    """Gives memory back a moment after large requests, once for all that end in that moment."""

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None
        self._running: asyncio.Future[int] | None = None

    def soon(self) -> None:
        """Gives memory back in a moment, when the request has let go of what it held."""
        if self._due is None and _malloc_trim is not None:
            self._due = asyncio.get_running_loop().call_later(_DELAY_SECONDS, self._trim)

    def _trim(self) -> None:
        self._due = None
        if _malloc_trim is not None:  # on a thread, without the interpreter: it takes a few milliseconds
            self._running = asyncio.get_running_loop().run_in_executor(None, _malloc_trim, 0)

    async def stop(self) -> None:
        """Gives nothing back any more."""
        if self._due is not None:
            self._due.cancel()
        if self._running is not None:
            await self._running

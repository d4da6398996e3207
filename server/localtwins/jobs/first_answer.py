"""The wait for a blob to answer for the first time, during which no other job can start."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

PATIENCE_SECONDS: Final = 10.0
"""How long a blob may take."""
PATIENCE_BESIDE_OTHERS: Final = 1.0
"""How long it may take when another job is asked for meanwhile."""
_GRACE_SECONDS: Final = 0.5

T = TypeVar("T")


class FirstAnswer:
    """Waits for the blobs of one job after the other."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._place_wanted = asyncio.Event()

    def forget(self) -> None:
        """Begins anew, with the next job."""
        self._place_wanted.clear()

    def ask_for_place(self) -> bool:
        """Ends the wait if it has lasted long enough, and tells whether it has."""
        if self._since is not None and time.monotonic() - self._since >= PATIENCE_BESIDE_OTHERS:
            self._place_wanted.set()
        return self._place_wanted.is_set()

    async def wait(self, asking: Coroutine[Any, Any, T]) -> T:
        """Waits for an answer and gives it.

        Raises:
            TimeoutError: there is none in time.
        """
        self._since = time.monotonic()
        task = asyncio.ensure_future(asking)
        wanted = asyncio.ensure_future(self._place_wanted.wait())
        try:
            await asyncio.wait({task, wanted}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if wanted.done() and not task.done():
                # The other blob of the job may be well, and is to get the log.
                await asyncio.wait({task}, timeout=_GRACE_SECONDS)
            if not task.done():
                raise TimeoutError(f"it did not answer within {time.monotonic() - self._since:.1f} seconds")
            return task.result()
        finally:
            self._since = None
            wanted.cancel()
            task.cancel()
            await asyncio.wait({task, wanted})

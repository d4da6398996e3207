"""Waits for the messages of an import's caller, for as long as the stream is to go on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from twinfront.v1.graph_service_pb2 import ImportGraphRequest

DRAIN_SECONDS: Final = 1.0
DRAIN_PAUSE_SECONDS: Final = 0.05
"""How long a caller is heard out that is still sending when the stream is to end, and how long a pause it may make:
some clients make INTERNAL of whatever meets them while they send."""


class Incoming:
    """Reads what a caller sends; to be closed.

    Args:
        requests: the messages.
        stop: set when the stream is to end, and no more of them are wanted.
    """

    def __init__(self, requests: AsyncIterator[ImportGraphRequest], stop: asyncio.Event) -> None:
        self._requests = requests
        self._stop = stop
        self._stopped = asyncio.ensure_future(stop.wait())
        # The message that is waited for; it is waited for on when the stream is to end.
        self._reading: asyncio.Future[ImportGraphRequest | None] | None = None

    async def comes(self, seconds: float | None = None) -> bool:
        """Tells whether the next message comes, or the stream is to end, within so many seconds; None for any time."""
        if self._stop.is_set():
            return True
        waited_for: set[asyncio.Future[Any]] = {self._next(), self._stopped}
        done, _ = await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def message(self) -> ImportGraphRequest | None:
        """Gives the next message; None after the last one, or when the stream is to end."""
        await self.comes()
        reading = self._reading
        if reading is None or not reading.done():
            return None
        self._reading = None
        return reading.result()

    async def drain(self) -> None:
        """Reads off what the caller still sends when the stream is to end, for a while."""
        time = asyncio.get_running_loop().time
        end = time() + DRAIN_SECONDS
        while self._stop.is_set():
            reading = self._next()
            await asyncio.wait({reading}, timeout=min(DRAIN_PAUSE_SECONDS, max(0.0, end - time())))
            if not reading.done() or reading.exception() is not None or reading.result() is None:
                return
            self._reading = None

    def close(self) -> None:
        """Waits for nothing any more."""
        self._stopped.cancel()
        if self._reading is not None:
            self._reading.cancel()

    def _next(self) -> "asyncio.Future[ImportGraphRequest | None]":
        self._reading = self._reading or asyncio.ensure_future(anext(self._requests, None))
        return self._reading

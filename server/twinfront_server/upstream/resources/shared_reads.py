"""Makes one read of identical ones that are under way at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from time import perf_counter

from twinfront_server.adt.answer import Answer
from twinfront_server.call import current_call


class SharedReads:
    """Reads by key: who asks for what is being read already gets that answer.

    The reading belongs to no call: it has neither the deadline nor the figures of the one that began it, and ends when
    the last one that waits for it goes away.
    """

    def __init__(self) -> None:
        self._reading: dict[str, asyncio.Task[Answer]] = {}
        self._waiting: dict[str, int] = {}

    async def read(self, key: str, fetch: Callable[[], Awaitable[Answer]]) -> Answer:
        """Gives the answer of `fetch`, or of one for the same key that is under way; raises what that raises."""
        reading = self._reading.get(key)
        if reading is None:
            reading = asyncio.get_running_loop().create_task(_read(fetch), context=Context())
            self._reading[key] = reading
            self._waiting[key] = 0
            reading.add_done_callback(lambda done: self._forget(key, done))
        self._waiting[key] += 1
        call = current_call()
        call.upstream_asked(perf_counter())
        try:
            return await asyncio.shield(reading)
        finally:
            call.upstream_left(perf_counter())
            if self._reading.get(key) is reading:
                self._waiting[key] -= 1
                if not self._waiting[key] and not reading.done():
                    self._forget(key, reading)
                    reading.cancel()

    def _forget(self, key: str, reading: asyncio.Task[Answer]) -> None:
        if self._reading.get(key) is reading:
            del self._reading[key], self._waiting[key]


async def _read(fetch: Callable[[], Awaitable[Answer]]) -> Answer:
    return await fetch()

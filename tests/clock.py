"""Lets time pass on an event loop without waiting for it: a deadline passes when a test says so, and not before."""

import asyncio
from typing import Any

import pytest


class Clock:
    """The clock of the running loop, and so of all that waits on it: timers, timeouts, the deadlines of a server.

    A caller's own deadline is kept by grpc, which has another clock. So a call that may take 20 seconds is ended by
    the server alone, however busy the machine is:

        call = start(timeout=20)
        await entered.wait()
        await clock.advance(20)
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop: Any = asyncio.get_running_loop()
        self._real = self._loop.time
        self._ahead = 0.0
        monkeypatch.setattr(self._loop, "time", lambda: self._real() + self._ahead)

    def stand_still(self) -> None:
        """Has no time pass by itself any more, for a test that counts what happens in a time.

        The test may await nothing then but what is ready.
        """
        now = self._real()
        self._real = lambda: now

    async def advance(self, seconds: float) -> None:
        """Has all that was to happen within this time happen now, in order.

        What a timer brings about is done before the next one goes off, as far as it waits for nothing.
        """
        end = self._loop.time() + seconds
        while (due := min((timer.when() for timer in self._timers()), default=end)) < end:
            await self._at(due)
        await self._at(end)

    def _timers(self) -> list[asyncio.TimerHandle]:
        return [timer for timer in self._loop._scheduled if not timer.cancelled()]

    async def _at(self, moment: float) -> None:
        self._ahead = max(self._ahead, moment - self._real())
        await asyncio.sleep(0)
        while self._loop._ready:
            await asyncio.sleep(0)

"""Asks a service that calls can do without, for as long as it answers and no longer than it is worth."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from prometheus_client import Counter

from twinfront_program.log import Log

PAUSE: Final = 1.0
"""Seconds after a failure in which nothing is asked."""

_Answer = TypeVar("_Answer")


class ShortCircuit:
    """Bounds what a service that fails costs: one call in a second waits for it, the others do not ask.

    Args:
        name: of the service, for the log, which is told once when it fails and once when it is back.
        timeout: seconds that an answer is waited for.
        failures: the exceptions by which the service fails, besides those of the network.
        unanswered: counts what was not asked, or not answered.
        log: the log.
    """

    def __init__(self, name: str, timeout: float, failures: type[Exception], unanswered: Counter, log: Log) -> None:
        self._name = name
        self._timeout = timeout
        self._failures = (failures, OSError)
        self._unanswered = unanswered
        self._log = log
        self._quiet_until = 0.0
        self._is_failing = False

    async def ask(self, question: Callable[[], Awaitable[_Answer]]) -> _Answer | None:
        """Gives the answer; None for none."""
        loop = asyncio.get_running_loop()
        if self._is_failing:
            if loop.time() < self._quiet_until:
                self._unanswered.inc()
                return None
            self._quiet_until = loop.time() + PAUSE  # for all others, while this one finds out
        try:
            async with asyncio.timeout(self._timeout):
                answer = await question()
        except self._failures as error:
            self._unanswered.inc()
            self._quiet_until = loop.time() + PAUSE
            if not self._is_failing:
                self._is_failing = True
                self._log.warning(f"{self._name} fails", error=type(error).__name__, message=str(error))
            return None
        if self._is_failing:
            self._is_failing = False
            self._log.info(f"{self._name} is back")
        return answer

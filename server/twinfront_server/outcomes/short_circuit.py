"""Asks a service that calls can do without, for as long as it answers."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from prometheus_client import Counter

from twinfront_program.log import Log

FIRST_PAUSE: Final = 0.1
PAUSE: Final = 1.0
"""Seconds after a failure in which nothing is asked: at first, and at the most, as it goes on failing."""

_Answer = TypeVar("_Answer")


class ShortCircuit:
    """Bounds what a service that fails costs: one call waits for it now and then, the others do not ask.

    One answer that is late says little, so the first pause is short; each time that the service is found to fail still,
    it is twice as long.

    Args:
        name: of the service, for the log, which is told once when it fails and once when it is back.
        failures: the exceptions by which the service fails.
        unanswered: counts what was not asked, or not answered.
        log: the log.
    """

    def __init__(self, name: str, failures: tuple[type[Exception], ...], unanswered: Counter, log: Log) -> None:
        self._loop = asyncio.get_running_loop()
        self._name = name
        self._failures = failures
        self._unanswered = unanswered
        self._log = log
        self._quiet_until = 0.0
        self._pause = FIRST_PAUSE
        self._is_failing = False

    async def ask(
        self, question: Callable[[], Awaitable[_Answer]], require: Callable[[_Answer], None] = lambda _answer: None
    ) -> _Answer | None:
        """Gives the answer to what ends in time by itself; None for none.

        Args:
            question: asks.
            require: raises one of the failures for what is no answer.
        """
        finds_out = self._is_failing
        if finds_out:
            if self._loop.time() < self._quiet_until:
                self._unanswered.inc()
                return None
            self._quiet_until = math.inf  # for all others
        try:
            answer = await question()
            require(answer)
        except self._failures as error:
            self._fail(error, goes_on=finds_out)
            return None
        finally:
            if self._quiet_until == math.inf:  # whoever was to find out is gone
                self._quiet_until = self._loop.time()
        if self._is_failing:
            self._is_failing = False
            self._log.info(f"{self._name} is back")
        return answer

    def begin(self, question: Callable[[], "asyncio.Future[Any] | None"]) -> bool:
        """Asks what nobody waits for; False if that cannot be done at once, and `ask` has to."""
        answer = None if self._is_failing else question()
        if answer is not None:
            answer.add_done_callback(self._take)
        return answer is not None

    def _take(self, answer: "asyncio.Future[Any]") -> None:
        error = answer.exception()
        if isinstance(error, self._failures):
            self._fail(error)

    def _fail(self, error: Exception, *, goes_on: bool = False) -> None:
        self._unanswered.inc()
        if self._is_failing and not goes_on:  # it was asked before it was known to fail
            return
        self._pause = min(2 * self._pause, PAUSE) if self._is_failing else FIRST_PAUSE
        self._quiet_until = self._loop.time() + self._pause
        if not self._is_failing:
            self._is_failing = True
            self._log.warning(f"{self._name} fails", error=type(error).__name__, message=str(error))

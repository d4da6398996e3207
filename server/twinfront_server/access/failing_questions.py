"""Says when not to ask a service that fails: nobody is kept waiting for what is as good as dead."""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

GIVEN_UP_AFTER: Final = 20
"""How many questions in a row may fail; after that each caller has one a second asked."""

_MOST_OF_ONE: Final = GIVEN_UP_AFTER // 2
"""How many of them may be one caller's, if it is to be the service that fails and not what this caller asks."""

REST_SECONDS: Final = 1.0
"""How far apart those are."""

_MAX_CALLERS: Final = 1000
"""Callers of whom it is known that their questions fail; beyond that the one known for longest is forgotten."""


class FailingQuestions:
    """Counts the questions that fail in a row: of each caller, and of all together.

    A caller whose questions all fail, because the service takes too long for them, say, is given up alone.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._own: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()  # how many, and the last try
        self._of_all: Counter[Hashable] = Counter()

    def may_ask(self, caller: Hashable) -> bool:
        """Tells whether a caller's question is to be asked."""
        failures, asked = self._own.get(caller, (0, -math.inf))
        if failures < GIVEN_UP_AFTER and not self._is_service_failing:
            return True
        now = self._clock()
        if now < asked + REST_SECONDS:
            return False
        self._note(caller, failures, now)
        return True

    def failed(self, caller: Hashable) -> None:
        """Notes that a question of a caller was not answered."""
        failures, asked = self._own.get(caller, (0, -math.inf))
        self._note(caller, failures + 1, asked)
        if not self._is_service_failing:
            self._of_all[caller] += 1

    def answered(self, caller: Hashable) -> None:
        """Notes that a question of a caller was answered."""
        self._own.pop(caller, None)
        self._of_all.clear()

    @property
    def _is_service_failing(self) -> bool:
        return sum(min(failures, _MOST_OF_ONE) for failures in self._of_all.values()) >= GIVEN_UP_AFTER

    def _note(self, caller: Hashable, failures: int, asked: float) -> None:
        self._own[caller] = failures, asked
        if len(self._own) > _MAX_CALLERS:
            self._own.popitem(last=False)

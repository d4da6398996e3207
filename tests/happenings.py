"""Things that happen to servers while a test of long loads runs."""

import random
from collections import Counter
from collections.abc import Callable, Sequence

Happening = Callable[[], None]


class Happenings:
    """Has one of several things happen at a time, in an order of chance: each does before one does again.

    Attributes:
        times: how often what happened, in the words of the functions' names.
    """

    def __init__(self, chance: random.Random, things: Sequence[Happening]) -> None:
        self.times: Counter[str] = Counter()
        self._chance = chance
        self._things = things
        self._to_come: list[Happening] = []

    def next(self) -> None:
        """Has the next thing happen, and returns when it has."""
        if not self._to_come:
            self._to_come = self._chance.sample(self._things, len(self._things))
        thing = self._to_come.pop()
        thing()
        self.times[thing.__name__.replace("_", " ").strip()] += 1

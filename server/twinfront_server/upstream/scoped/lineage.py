"""Knows which models descend from which."""

import time
from collections.abc import Callable, Collection
from typing import Any, Final

from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.reads import Reads, document

KEPT_SECONDS: Final = 60.0
"""How long it is believed what a model extends. Models are immutable, but one can be deleted and made anew."""

MAX_KEPT: Final = 20_000
"""Of how many models it is known; an instance has 10,000 at the most."""

MAX_ANCESTORS: Final = 1000
"""How many ancestors of a model are looked at; DTDL allows for a thousand elements in all of them together."""


class Lineage:
    """The models that models extend, read when they are first asked for.

    Args:
        reads: reads models.
        clock: the time in seconds.
    """

    def __init__(self, reads: Reads, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._clock = clock
        self._parents: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def descends(self, model_id: str, ancestors: Collection[str], *, if_gone: bool = False) -> bool:
        """Tells whether a model is one of these or extends one.

        Args:
            model_id: the model.
            ancestors: these.
            if_gone: what to tell of a model that is none of these and is not there any more, or that extends such a
                one.
        """
        reached = [model_id]
        is_gone = False
        for each in reached:
            if each in ancestors:
                return True
            parents = await self._parents_of(each)
            is_gone = is_gone or parents is None
            for parent in parents or ():
                if parent not in reached and len(reached) < MAX_ANCESTORS:
                    reached.append(parent)
        return is_gone and if_gone

    def learn(self, model_id: str, definition: Any) -> None:
        """Notes what a model extends, as its definition says."""
        extended = definition.get("extends") if isinstance(definition, dict) else None
        listed = extended if isinstance(extended, list) else [extended]
        named = [each.get("@id") if isinstance(each, dict) else each for each in listed]
        self._parents.pop(model_id, None)
        while len(self._parents) >= MAX_KEPT:
            del self._parents[next(iter(self._parents))]
        self._parents[model_id] = self._clock(), tuple(each for each in named if isinstance(each, str))

    async def _parents_of(self, model_id: str) -> tuple[str, ...] | None:
        known = self._parents.get(model_id)
        if known is None or self._clock() - known[0] > KEPT_SECONDS:
            try:
                answer = await self._reads.model(model_id, include_model_definition=True)
            except TwinfrontError as error:
                if error.reason in {Reason.MODEL_NOT_FOUND, Reason.INVALID_ARGUMENT}:
                    return None
                raise
            self.learn(model_id, document(answer).get("model"))
            known = self._parents[model_id]
        return known[1]

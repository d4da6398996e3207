"""Cuts the graph to the part that a caller may do something in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self


@dataclass(frozen=True, slots=True)
class Limit:
    """One part of the graph: the twins that fit both, each empty for all.

    Attributes:
        ids: beginnings of twins' ids.
        models: of which models, or their descendants, twins are.
    """

    ids: tuple[str, ...] = ()
    models: frozenset[str] = frozenset()


EVERYWHERE: Final = Limit()
"""No limit."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The parts of the graph that a permission is for, together.

    Attributes:
        limits: the parts; none for the whole graph.
    """

    limits: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, limits: Iterable[Limit]) -> Self:
        """Puts parts together: the whole graph, if one of them is that."""
        given = tuple(dict.fromkeys(limits))
        return cls(() if EVERYWHERE in given else given)

    @property
    def is_limited(self) -> bool:
        """Tells whether it is less than the whole graph."""
        return bool(self.limits)

    def models_of(self, digital_twin_id: str) -> frozenset[str] | None:
        """Gives the models, or their descendants, that a twin of this id has to be of.

        None stands for any model, and no models for a twin that lies outside whatever its model is.
        """
        models: frozenset[str] = frozenset()
        if not self.limits:
            return None
        for limit in self.limits:
            if not limit.ids or digital_twin_id.startswith(limit.ids):
                if not limit.models:
                    return None
                models |= limit.models
        return models

    @property
    def models(self) -> frozenset[str] | None:
        """The models, or their descendants, that any twin inside is of; None for any model."""
        if not all(limit.models for limit in self.limits) or not self.limits:
            return None
        return frozenset().union(*(limit.models for limit in self.limits))


WHOLE: Final = Scope()
"""The whole graph."""

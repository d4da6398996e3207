"""Knows which models descend from which, of those that a cache has met."""

from collections.abc import Iterable, Mapping
from typing import Any

from twinfront._models import Model


class Lineage:
    """Keeps the models that each model extends, directly or not, with itself among them.

    Models never change, but one can be deleted, and another one be made in its place.
    """

    def __init__(self) -> None:
        self._ancestors: dict[str, frozenset[str]] = {}
        self._known: set[str] = set()

    def unknown(self, model_ids: Iterable[str]) -> list[str]:
        """Picks the models that nothing is known of yet, or may be others by now."""
        return sorted({one for one in model_ids if one and one not in self._known})

    def may_be_others(self) -> None:
        """Notes that all models may be others by now; what was known is kept until it is learnt anew."""
        self._known.clear()

    def learn(self, wanted: Iterable[str], models: Iterable[Model]) -> None:
        """Notes what models extend.

        Args:
            wanted: models that were asked for; one that is not there any more has nobody but itself.
            models: the definitions of them and of all that they depend on.
        """
        bases = {model.id: _bases(model.dtdl_model or {}) for model in models}
        for model_id in (*wanted, *bases):
            found, open_ = {model_id}, [model_id]
            while open_:
                new = bases.get(open_.pop(), frozenset()) - found
                found |= new
                open_ += new
            self._ancestors[model_id] = frozenset(found)
            self._known.add(model_id)

    def descends(self, model_id: str, ancestor: str) -> bool:
        """Tells whether a model is another one, or extends it."""
        return ancestor in self._ancestors.get(model_id, {model_id})


def _bases(interface: Mapping[str, Any]) -> frozenset[str]:
    """Reads the ids of the models that an interface extends: one, several, or interfaces in place."""
    extends = interface.get("extends", ())
    bases = extends if isinstance(extends, list | tuple) else [extends]
    return frozenset(base["@id"] if isinstance(base, Mapping) else base for base in bases)

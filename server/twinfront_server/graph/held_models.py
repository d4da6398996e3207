"""Models of an import that follow each other, held until those that they need may have come."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from twinfront_server.graph.item import Item, ModelWrite
from twinfront_server.graph.model_order import mentioned_ids

MAX_RUN_MODELS: Final = 10_000
MAX_RUN_BYTES: Final = 32 << 20
"""How many models that follow each other can refer to each other in any order: as many as an instance may have."""

HeldModel = tuple[Item, ModelWrite]


class HeldModels:
    """Models by id, each once.

    Some may have been tried in vain, because of others that had not come. They are worth another try when one comes
    that they mention, and not before: a caller that sends a model now and then would have all of them tried each time.
    """

    def __init__(self) -> None:
        self._models: dict[str, HeldModel] = {}
        self._bytes = 0
        self._new: list[str] = []
        self._waiting_for: defaultdict[str, set[str]] = defaultdict(set)

    def __bool__(self) -> bool:
        """Tells whether there are any."""
        return bool(self._models)

    def has_room_for(self, model: ModelWrite) -> bool:
        """Tells whether another model can be held with these."""
        return (
            model.model_id not in self._models
            and len(self._models) < MAX_RUN_MODELS
            and self._bytes + len(model.text) <= MAX_RUN_BYTES
        )

    def add(self, item: Item, model: ModelWrite) -> None:
        """Holds a model that has just come."""
        self._put(item, model)
        self._new.append(model.model_id)

    def put_back(self, tried: Iterable[HeldModel]) -> None:
        """Holds models on that were tried in vain."""
        for item, model in tried:
            self._put(item, model)
            for mentioned in mentioned_ids(model):
                self._waiting_for[mentioned].add(model.model_id)

    def take(self) -> list[HeldModel]:
        """Gives all of them up."""
        held = list(self._models.values())
        self._models, self._bytes = {}, 0
        self._new = []
        self._waiting_for.clear()
        return held

    def take_promising(self) -> list[HeldModel]:
        """Gives up those that have just come, and those that mention them, or others that do."""
        promising = dict.fromkeys(self._new)
        reached = list(promising)
        for model_id in reached:
            for waiting in self._waiting_for.pop(model_id, ()):
                if waiting not in promising:
                    promising[waiting] = None
                    reached.append(waiting)
        self._new = []
        held = [self._models.pop(model_id) for model_id in promising]
        self._bytes -= sum(len(model.text) for _, model in held)
        return held

    def _put(self, item: Item, model: ModelWrite) -> None:
        self._models[model.model_id] = item, model
        self._bytes += len(model.text)

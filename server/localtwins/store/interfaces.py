"""Interfaces of stored models: parsed on a thread that has the time, remembered for the writer, which has none."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from localtwins import dtdl
from localtwins.store.reader import Reader
from localtwins.store.sized_cache import SizedCache
from localtwins.workers import checkpoint

REMEMBERED_BYTES: Final = 64 * 1024 * 1024
"""Definitions of the models that are remembered parsed, which takes several times as much memory."""

MOST_BYTES_FOR_A_WRITE: Final = 64 * 1024 * 1024
"""Definitions of the models that one write may need: far more than the largest ontologies hold in all."""


class ModelsNotLoadedError(Exception):
    """Ends a write that needs models which nobody has parsed yet; once they are, it runs again."""

    def __init__(self, model_ids: Iterable[str]) -> None:
        super().__init__()
        self.model_ids = tuple(dict.fromkeys(model_ids))


@dataclass(frozen=True, slots=True)
class Loaded:
    """An interface, and the place in the order of upload of the model that it was parsed from.

    No other model ever has that place, so with it a change of the model in the meantime shows.
    """

    interface: "dtdl.Interface"
    position: int

    def at(self, position: int) -> "dtdl.Interface | None":
        """Gives the interface if it is that of the model at this place."""
        return self.interface if self.position == position else None


@dataclass(slots=True)
class Needed:
    """Holds the interfaces that were loaded for one write: in the cache they might not stay until it runs."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    bytes_left: int = MOST_BYTES_FOR_A_WRITE

    def get(self, model_id: str, position: int) -> "dtdl.Interface | None":
        """Gives the interface of the model at a place in the order of upload, or None."""
        found = self.loaded.get(model_id)
        return None if found is None else found.at(position)


class Interfaces:
    """Remembers interfaces of stored models for all threads, those that were used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._remembered: SizedCache[Loaded] = SizedCache(REMEMBERED_BYTES)

    def get(self, model_id: str, position: int) -> "dtdl.Interface | None":
        """Gives the interface of the model at a place in the order of upload, or None."""
        with self._lock:
            found = self._remembered.get(model_id)
        return None if found is None else found.at(position)

    def remember(self, loaded: Loaded, size: int) -> None:
        """Keeps the interface of a model whose definition has so many bytes."""
        with self._lock:
            self._remembered.put(loaded.interface.id, loaded, size)

    def forget(self, model_id: str) -> None:
        """Drops the interface of a model that is not stored after all."""
        with self._lock:
            self._remembered.forget(model_id)

    def load(self, read: Reader, model_ids: Iterable[str], needed: Needed) -> None:
        """Adds the interfaces of stored models to those that a write needs, with those of their components. Blocks.

        One that is not there, or lacks one that it extends, is left out, and so are those beyond what a write may need.
        """
        for model_id in model_ids:
            interface = self._interface(read, model_id, needed)
            for component in interface.components.values() if interface else ():
                self._interface(read, component.schema, needed)

    def _interface(self, read: Reader, model_id: str, needed: Needed) -> "dtdl.Interface | None":
        try:
            return self._loaded(read, model_id, needed)
        except LookupError:
            return None

    def _loaded(self, read: Reader, model_id: str, needed: Needed) -> "dtdl.Interface":
        checkpoint()
        row = read.model(model_id) if needed.bytes_left > 0 else None
        if row is None:
            raise LookupError(model_id)
        interface = needed.get(model_id, row.position) or self.get(model_id, row.position)
        definition = row.definition or b""
        if interface is None:
            interface = dtdl.load_on(
                orjson.loads(definition), lambda base: self._loaded(read, base, needed), checkpoint
            )
            self.remember(Loaded(interface, row.position), len(definition))
        if model_id not in needed.loaded:
            needed.bytes_left -= len(definition)
        needed.loaded[model_id] = Loaded(interface, row.position)
        return interface

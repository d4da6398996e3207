"""The one door for changes: what a write operation can read and change inside the transaction it runs in."""

import sqlite3
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import orjson

from localtwins import dtdl
from localtwins.engine.clock import Clock
from localtwins.engine.relationship import sort_key
from localtwins.store.reader import Reader


@dataclass(frozen=True, slots=True)
class Model:
    """A stored model, parsed."""

    interface: dtdl.Interface
    decommissioned: bool


class Transaction(Reader):
    """Lives on the writer thread; its changes are visible to itself at once and to others after the commit."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        """Write over `connection`, on which a transaction is open whenever an operation runs."""
        super().__init__(connection, nullcontext())
        self._clock = clock
        self._parsed: dict[str, Model] = {}
        self._models_changed = False

    def now(self) -> int:
        """Give the time of this change in ticks, later than all before."""
        return self._clock.now()

    def rolled_back(self, *, whole_group: bool) -> None:
        """Forget parsed models that may not be stored after all."""
        if whole_group or self._models_changed:
            self._parsed.clear()
        self._models_changed = False

    def parsed_model(self, model_id: str) -> Model | None:
        """Give a model with its interface, parsed once and remembered."""
        model = self._parsed.get(model_id)
        if model is None:
            row = self.model(model_id)
            if row is None:
                return None
            interface = dtdl.load(orjson.loads(row.definition or b""), self.definition)
            model = Model(interface, orjson.loads(row.data)["decommissioned"])
            self._parsed[model_id] = model
        return model

    def definition(self, model_id: str) -> dict[str, object] | None:
        """Give a model's definition, or None."""
        row = self.model(model_id)
        return orjson.loads(row.definition) if row and row.definition else None

    def insert_model(self, model_id: str, data: bytes, definition: bytes, references: Iterable[str]) -> None:
        """Store a new model; `references` are the models that it extends or has as components."""
        self._models_changed = True
        self._connection.execute(
            "INSERT INTO models (id, data, definition) VALUES (?, ?, ?)", (model_id, data.decode(), definition.decode())
        )
        self._connection.executemany(
            "INSERT INTO model_references (referrer, referenced) VALUES (?, ?)",
            [(model_id, referenced) for referenced in references],
        )

    def decommission_model(self, model_id: str, data: bytes) -> None:
        """Mark a model as decommissioned, with its data saying so."""
        self._models_changed = True
        self._parsed.pop(model_id, None)
        self._connection.execute(
            "UPDATE models SET decommissioned = 1, data = ? WHERE id = ?", (data.decode(), model_id)
        )

    def delete_model(self, model_id: str) -> None:
        """Remove a model."""
        self._models_changed = True
        self._parsed.pop(model_id, None)
        self._connection.execute("DELETE FROM models WHERE id = ?", (model_id,))
        self._connection.execute("DELETE FROM model_references WHERE referrer = ?", (model_id,))

    def put_digital_twin(self, twin_id: str, model_id: str, etag: str, document: bytes) -> None:
        """Store a new twin or a new version."""
        self._connection.execute(
            "INSERT INTO digital_twins (id, model_id, etag, document) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET"
            " model_id = excluded.model_id, etag = excluded.etag, document = excluded.document",
            (twin_id, model_id, etag, document.decode()),
        )

    def delete_digital_twin(self, twin_id: str) -> None:
        """Remove a twin."""
        self._connection.execute("DELETE FROM digital_twins WHERE id = ?", (twin_id,))

    def put_relationship(
        self, source_id: str, relationship_id: str, *, target_id: str, name: str, etag: str, document: bytes
    ) -> None:
        """Store a new relationship or a new version."""
        self._connection.execute(
            "INSERT INTO relationships (source_id, id, target_id, name, sort_key, etag, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, id) DO UPDATE SET"
            " target_id = excluded.target_id, name = excluded.name, etag = excluded.etag, document = excluded.document",
            (source_id, relationship_id, target_id, name, sort_key(relationship_id), etag, document.decode()),
        )

    def delete_relationship(self, source_id: str, relationship_id: str) -> None:
        """Remove a relationship."""
        self._connection.execute(
            "DELETE FROM relationships WHERE source_id = ? AND id = ?", (source_id, relationship_id)
        )

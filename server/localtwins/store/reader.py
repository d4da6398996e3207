"""Reads the database. Documents come as the bytes that answers are made of."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import starmap
from typing import Final

from localtwins.store.change_reader import ChangeReader

_MODELS: Final = """
SELECT position, data, iif(?, definition, NULL) FROM models WHERE position > ? ORDER BY position LIMIT ?
"""
_ENDS: Final = """
SELECT source.model_id, target.model_id, from_source.outgoing, to_target.incoming, etag, name, document
FROM (SELECT 1) LEFT JOIN (SELECT model_id FROM digital_twins WHERE id = ?1) AS source
LEFT JOIN (SELECT model_id FROM digital_twins WHERE id = ?3) AS target
LEFT JOIN (SELECT outgoing FROM relationship_counts WHERE twin_id = ?1) AS from_source
LEFT JOIN (SELECT incoming FROM relationship_counts WHERE twin_id = ?3) AS to_target
LEFT JOIN (SELECT etag, name, document FROM relationships WHERE source_id = ?1 AND id = ?2)
"""
_MODELS_NEEDED: Final = """
WITH RECURSIVE closure (id) AS (
    SELECT value FROM json_each(?)
    UNION SELECT referenced FROM model_references JOIN closure ON referrer = closure.id
)
SELECT position, data, iif(?, definition, NULL) FROM models
WHERE position > ? AND id IN (SELECT id FROM closure) ORDER BY position LIMIT ?
"""


@dataclass(slots=True)  # not frozen, which takes longer to make: each read of a twin has one
class StoredTwin:
    """A digital twin."""

    etag: str
    model_id: str
    document: bytes


@dataclass(slots=True)  # not frozen, which takes longer to make: each write reads one
class StoredRelationship:
    """A relationship."""

    etag: str
    name: str
    document: bytes


@dataclass(slots=True)  # not frozen, which takes longer to make: each relationship written has them
class Ends:
    """Holds what a new relationship has to fit to: the models of its ends, None for a twin that is not there.

    Attributes:
        outgoing: how many relationships leave the source.
        incoming: how many reach the target.
        current: the relationship itself, if it is there already.
    """

    source_model: str | None
    target_model: str | None
    outgoing: int
    incoming: int
    current: StoredRelationship | None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in a list: its place in the order of upload, its data, and its definition if that was asked for."""

    position: int
    data: bytes
    definition: bytes | None

    @property
    def size(self) -> int:
        """Counts its bytes."""
        return len(self.data) + len(self.definition or b"")


@dataclass(frozen=True, slots=True)
class EventRoute:
    """An event route: its number in the order of creation, and the position of the last change that it delivered."""

    number: int
    id: str
    endpoint_name: str
    filter: str
    position: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A relationship as seen from its target."""

    id: str
    source_id: str
    name: str


class Reader(ChangeReader):
    """Reads what is in the graph, and the log of its changes; each method is one statement there as well."""

    def digital_twin(self, twin_id: str) -> StoredTwin | None:
        """Gives a twin, or None."""
        row = self._row("SELECT etag, model_id, document FROM digital_twins WHERE id = ?", (twin_id,))
        return StoredTwin(row[0].decode(), row[1].decode(), row[2]) if row else None

    def digital_twin_exists(self, twin_id: str) -> bool:
        """Tells whether there is such a twin."""
        return self._row("SELECT 1 FROM digital_twins WHERE id = ?", (twin_id,)) is not None

    def relationship(self, source_id: str, relationship_id: str) -> StoredRelationship | None:
        """Gives a relationship, or None."""
        row = self._row(
            "SELECT etag, name, document FROM relationships WHERE source_id = ? AND id = ?",
            (source_id, relationship_id),
        )
        return StoredRelationship(row[0].decode(), row[1].decode(), row[2]) if row else None

    def ends(self, source_id: str, relationship_id: str, target_id: str) -> Ends:
        """Gives in one statement all that a relationship that is put is checked against."""
        ((source, target, outgoing, incoming, etag, name, document),) = self._rows(
            _ENDS, (source_id, relationship_id, target_id)
        )
        return Ends(
            None if source is None else source.decode(),
            None if target is None else target.decode(),
            outgoing or 0,
            incoming or 0,
            None if etag is None else StoredRelationship(etag.decode(), name.decode(), document),
        )

    def outgoing(
        self, source_id: str, after: tuple[str, str], limit: int, name: str | None = None
    ) -> list[tuple[str, bytes]]:
        """Lists the ids and documents of a twin's relationships in order, from behind (sort key, id) `after`."""
        rows = self._rows(
            "SELECT id, document FROM relationships WHERE source_id = ? AND (sort_key, id) > (?, ?)"
            " AND (? IS NULL OR name = ?) ORDER BY sort_key, id LIMIT ?",
            (source_id, *after, name, name, limit),
        )
        return [(row[0].decode(), row[1]) for row in rows]

    def incoming(self, target_id: str, after: tuple[str, str, str], limit: int) -> list[Incoming]:
        """Lists the relationships that end at a twin in order, from behind (sort key, id, source) `after`."""
        rows = self._rows(
            "SELECT id, source_id, name FROM relationships"
            " WHERE target_id = ? AND (sort_key, id, source_id) > (?, ?, ?) ORDER BY sort_key, id, source_id LIMIT ?",
            (target_id, *after, limit),
        )
        return [Incoming(row[0].decode(), row[1].decode(), row[2].decode()) for row in rows]

    def relationship_counts(self, twin_id: str) -> tuple[int, int]:
        """Counts the relationships that leave and that reach a twin."""
        row = self._row("SELECT outgoing, incoming FROM relationship_counts WHERE twin_id = ?", (twin_id,))
        return (row[0], row[1]) if row else (0, 0)

    def total(self, kind: str) -> int:
        """Counts all `digital_twins` or `relationships`."""
        (count,) = self._rows("SELECT count FROM totals WHERE kind = ?", (kind,))[0]
        return int(count)

    def model_position(self, model_id: str) -> int | None:
        """Gives the place of a model in the order of upload, which no other ever has, or None."""
        row = self._row("SELECT position FROM models WHERE id = ?", (model_id,))
        return row[0] if row else None

    def model(self, model_id: str) -> ModelRow | None:
        """Gives a model with its definition, or None."""
        row = self._row("SELECT position, data, definition FROM models WHERE id = ?", (model_id,))
        return ModelRow(*row) if row else None

    def models(
        self,
        after: int,
        limit: int,
        *,
        with_definition: bool,
        dependencies_for: bytes | None = None,
        most_bytes: int = sys.maxsize,
    ) -> list[ModelRow]:
        """Lists models in the order of upload, from behind position `after`, up to the one that passes `most_bytes`.

        `dependencies_for`, a JSON array of ids, restricts the list to these and the models that they need.
        """
        needed = () if dependencies_for is None else (dependencies_for.decode(),)
        sql = _MODELS if dependencies_for is None else _MODELS_NEEDED
        rows: list[ModelRow] = []
        with self._guard, closing(self._connection.execute(sql, (*needed, with_definition, after, limit))) as cursor:
            for row in starmap(ModelRow, cursor):
                rows.append(row)
                most_bytes -= row.size
                if most_bytes < 0:
                    break
        return rows

    def models_missing(self, model_ids: Sequence[str]) -> list[str]:
        """Gives those of the ids that no model has."""
        return [model_id for model_id in model_ids if not self._row("SELECT 1 FROM models WHERE id = ?", (model_id,))]

    def model_count(self) -> int:
        """Counts the models."""
        (count,) = self._rows("SELECT count(*) FROM models", ())[0]
        return int(count)

    def referrers(self, model_id: str, *, in_commission: bool = False) -> list[str]:
        """Lists the models that extend a model or have it as a component, in the order of upload."""
        rows = self._rows(
            "SELECT id FROM model_references JOIN models ON id = referrer"
            " WHERE referenced = ? AND decommissioned <= ? ORDER BY position",
            (model_id, 0 if in_commission else 1),
        )
        return [row[0].decode() for row in rows]

    def event_route(self, route_id: str) -> EventRoute | None:
        """Gives an event route, or None."""
        routes = self._event_routes("WHERE id = ?", (route_id,))
        return routes[0] if routes else None

    def event_routes(self, after: int = 0, limit: int = -1) -> list[EventRoute]:
        """Lists event routes in the order of creation, from behind number `after`."""
        return self._event_routes("WHERE number > ? ORDER BY number LIMIT ?", (after, limit))

    def event_route_count(self) -> int:
        """Counts the event routes."""
        (count,) = self._rows("SELECT count(*) FROM event_routes", ())[0]
        return int(count)

    def _event_routes(self, condition: str, parameters: Sequence[object]) -> list[EventRoute]:
        columns = "number, id, endpoint_name, filter, position"
        rows = self._rows(f"SELECT {columns} FROM event_routes {condition}", parameters)  # noqa: S608  (our own pieces)
        return [EventRoute(row[0], row[1].decode(), row[2].decode(), row[3].decode(), row[4]) for row in rows]

    def job(self, kind: str, job_id: str, now: int) -> bytes | None:
        """Gives the state of a job that is not to be purged by `now`, or None."""
        row = self._row(
            "SELECT state FROM jobs WHERE kind = ? AND id = ? AND NOT (finished AND purge_time <= ?)",
            (kind, job_id, now),
        )
        return row[0] if row else None

    def jobs(self, kind: str, now: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Lists positions and states of jobs in the order of creation, from behind position `after`."""
        return self._rows(
            "SELECT position, state FROM jobs"
            " WHERE kind = ? AND NOT (finished AND purge_time <= ?) AND position > ? ORDER BY position LIMIT ?",
            (kind, now, after, limit),
        )

    def unfinished_job(self) -> tuple[str, bytes] | None:
        """Gives kind and state of the job that is not finished, or None; there is at most one."""
        row = self._row("SELECT kind, state FROM jobs WHERE NOT finished", ())
        return (row[0].decode(), row[1]) if row else None

    def job_log(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Lists positions and texts of lines that are kept for the log of the running job, from behind `after`."""
        return self._rows(
            "SELECT position, line FROM job_log WHERE position > ? ORDER BY position LIMIT ?", (after, limit)
        )

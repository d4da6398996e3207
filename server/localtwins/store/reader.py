"""Reads the database. Documents come as the bytes that answers are made of."""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import starmap
from typing import Any, Final

from localtwins.store.change import Change

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

_CHANGES: Final = """
SELECT position, message_id, data, logged, type, twin_id, subject, model_id, time,
    etag, previous_model_id, target_id, relationship_name, previous_target_id, previous_relationship_name, traceparent
FROM changes WHERE position > ? ORDER BY position LIMIT ?
"""
_NEWEST: Final = "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0)"
_EXTENT: Final = f"""
SELECT lost_position, {_NEWEST}, coalesce((SELECT max(next_position) - 1 FROM change_gaps), 0),
    (SELECT logged FROM changes WHERE position > lost_position ORDER BY position LIMIT 1),
    (SELECT logged FROM changes WHERE position > lost_position ORDER BY position DESC LIMIT 1)
FROM change_log
"""  # noqa: S608  (our own pieces)
# Of a gap, both ends are places: the last position before it, and the one that the first position behind it follows.
_LEADS_ON: Final = f"""
SELECT ?1 BETWEEN lost_position AND {_NEWEST}
    AND NOT EXISTS (SELECT 1 FROM change_gaps WHERE last_position < ?1 AND next_position - 1 > ?1)
FROM change_log
"""  # noqa: S608  (our own pieces)
# One statement, so that the position and the items are of one state of the database.
_TWINS_WITH_POSITION: Final = f"""
SELECT {_NEWEST}, NULL, NULL
UNION ALL SELECT * FROM (SELECT NULL, document, id FROM digital_twins WHERE id > ? ORDER BY id LIMIT ?)
"""  # noqa: S608  (our own pieces)
_RELATIONSHIPS_WITH_POSITION: Final = f"""
SELECT {_NEWEST}, NULL, NULL, NULL
UNION ALL SELECT * FROM (
    SELECT NULL, document, source_id, id FROM relationships
    WHERE (source_id, id) > (?, ?) ORDER BY source_id, id LIMIT ?
)
"""  # noqa: S608  (our own pieces)


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
class ChangesLost:
    """Tells what the log of changes does not have any more, or never had: all up to a position, and up to a time."""

    position: int
    ticks: int


@dataclass(frozen=True, slots=True)
class ItemsWithPosition:
    """A page of all twins or relationships, with the position of the last change that was there when it was read.

    Attributes:
        last: the key of the last item, which `more` follow; empty if there is none.
    """

    documents: list[bytes]
    last: Sequence[str]
    more: bool
    position: int


@dataclass(frozen=True, slots=True)
class Incoming:
    """A relationship as seen from its target."""

    id: str
    source_id: str
    name: str


class Reader:
    """Reads over one connection, each in a snapshot of its own unless a transaction is open on it.

    Every method is one statement and reads few pages, so the event loop may call them directly.

    Args:
        connection: nobody else uses it without the guard.
        guard: held while something is read.
    """

    def __init__(self, connection: sqlite3.Connection, guard: AbstractContextManager[Any]) -> None:
        connection.text_factory = bytes
        self._connection = connection
        self._guard = guard

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

    def changes(self, after: int, limit: int, max_bytes: int = 1 << 20) -> list[Change]:
        """Lists changes in order, from behind position `after`; fewer than `limit` when their data passes `max_bytes`.

        A first one that does not follow `after` tells that those between are trimmed; see `changes_between`.
        """
        changes: list[Change] = []
        with self._guard, closing(self._connection.execute(_CHANGES, (after, limit))) as cursor:
            for position, message_id, data, logged, *texts in cursor:
                kind, twin_id, subject, model_id, time, etag, previous, target_id, name, *more = texts
                previous_target_id, previous_name, traceparent = more
                changes.append(
                    Change(
                        position,
                        kind.decode(),
                        twin_id.decode(),
                        subject.decode(),
                        model_id.decode(),
                        time.decode(),
                        None if message_id is None else message_id.decode(),
                        data,
                        etag.decode(),
                        previous.decode(),
                        target_id.decode(),
                        name.decode(),
                        previous_target_id.decode(),
                        previous_name.decode(),
                        traceparent.decode(),
                        logged,
                    )
                )
                max_bytes -= len(data)
                if max_bytes <= 0:
                    break
        return changes

    def changes_between(self, after: int, before: int) -> int:
        """Counts the changes between two positions, those included that are trimmed."""
        row = self._row(
            "SELECT coalesce(sum(next_position - 1 - last_position), 0) FROM change_gaps"
            " WHERE last_position >= ? AND next_position <= ?",
            (after, before),
        )
        return before - after - 1 - int(row[0])

    def leads_on(self, position: int) -> bool:
        """Tells whether the log has all changes behind a position, and there is or can be a change at that position."""
        ((leads_on,),) = self._rows(_LEADS_ON, (position,))
        return bool(leads_on)

    def changes_lost(self) -> ChangesLost:
        """Tells what the log does not have any more."""
        ((position, ticks),) = self._rows("SELECT lost_position, lost_ticks FROM change_log", ())
        return ChangesLost(position, ticks)

    def changes_extent(self) -> tuple[int, int, int, int | None, int | None]:
        """Gives the positions before the oldest change, of the newest one, and before the first of this process.

        Then come the times at which the oldest and the newest were logged, in ticks.
        """
        ((oldest, newest, begun, oldest_ticks, newest_ticks),) = self._rows(_EXTENT, ())
        return oldest, newest, begun, oldest_ticks, newest_ticks

    def change_logged(self, position: int) -> tuple[int, int] | None:
        """Gives the first position from this one on that has a change, and when it was logged, in ticks."""
        row = self._row(
            "SELECT position, logged FROM changes WHERE position >= ? ORDER BY position LIMIT 1", (position,)
        )
        return (row[0], row[1]) if row else None

    def jobs_abandoned_in_changes(self) -> list[tuple[str, str]]:
        """Gives kinds and ids of the jobs whose end the log has still to tell although nobody runs them any more."""
        rows = self._rows(
            "SELECT kind, id FROM jobs_in_changes AS told WHERE NOT EXISTS"
            " (SELECT 1 FROM jobs WHERE jobs.kind = told.kind AND jobs.id = told.id AND NOT finished)",
            (),
        )
        return [(kind.decode(), job_id.decode()) for kind, job_id in rows]

    def digital_twins_with_position(self, after: str, limit: int, max_bytes: int) -> ItemsWithPosition:
        """Lists twins by id, from behind id `after`, up to the one that passes `max_bytes`."""
        return self._items(_TWINS_WITH_POSITION, (after,), limit, max_bytes)

    def relationships_with_position(
        self, source_id: str, relationship_id: str, limit: int, max_bytes: int
    ) -> ItemsWithPosition:
        """Lists relationships by source and id, from behind such a one, up to the one that passes `max_bytes`."""
        return self._items(_RELATIONSHIPS_WITH_POSITION, (source_id, relationship_id), limit, max_bytes)

    def _items(self, sql: str, after: tuple[str, ...], limit: int, max_bytes: int) -> ItemsWithPosition:
        documents: list[bytes] = []
        key: Sequence[bytes] = ()
        more = False
        with self._guard, closing(self._connection.execute(sql, (*after, limit + 1))) as cursor:
            ((position, *_),) = cursor.fetchmany(1)
            for _, document, *row_key in cursor:
                if len(documents) == limit or max_bytes <= 0:
                    more = True
                    break
                documents.append(document)
                key = row_key
                max_bytes -= len(document)
        return ItemsWithPosition(documents, [part.decode() for part in key], more, position)

    def last_position(self) -> int:
        """Gives the position of the last change, trimmed or not; 0 if there was none."""
        row = self._row("SELECT seq FROM sqlite_sequence WHERE name = 'changes'", ())
        return int(row[0]) if row else 0

    def change_log_id(self) -> str:
        """Gives an id that tells this change log, for as long as the database lives, from all others."""
        (log_id,) = self._rows("SELECT id FROM change_log", ())[0]
        return str(log_id.decode())

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

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[Any]:
        with self._guard:
            return self._connection.execute(sql, parameters).fetchall()

    def _row(self, sql: str, parameters: Sequence[object]) -> Any:
        with self._guard:
            return self._connection.execute(sql, parameters).fetchone()

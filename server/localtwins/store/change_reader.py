"""Reads the log of changes, and states of the graph with their place in it."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from typing import Any, Final

from localtwins.store.change import Change

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


class ChangeReader:
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

    def change_from(self, position: int) -> tuple[int, int] | None:
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

    def _rows(self, sql: str, parameters: Sequence[object]) -> list[Any]:
        with self._guard:
            return self._connection.execute(sql, parameters).fetchall()

    def _row(self, sql: str, parameters: Sequence[object]) -> Any:
        with self._guard:
            return self._connection.execute(sql, parameters).fetchone()

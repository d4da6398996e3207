"""Appends to the log of changes, and trims its far end now and then: for the number of changes, their age and size."""

import math
import sqlite3
from dataclasses import dataclass
from typing import Final

from localtwins.engine.clock import TICKS_PER_SECOND, Clock
from localtwins.store.change import Notification

_TRIM_EVERY: Final = 64
_TRIMMED_AT_ONCE: Final = 4 * _TRIM_EVERY
"""A log that was allowed to be longer is brought down little by little."""
_LARGE_CHANGE: Final = 64 * 1024
_LOOKS_PER_AGE: Final = 16
_UNKNOWN: Final = 1 << 62
_APPEND: Final = """
INSERT INTO changes (type, twin_id, subject, model_id, time, message_id, data,
    etag, previous_model_id, target_id, relationship_name, previous_target_id, previous_relationship_name,
    traceparent, logged)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """Bounds the log of changes; it may have a few more for a while.

    Attributes:
        changes: how many changes it keeps.
        bytes: how many bytes of data they have; fewer changes stay if they have more.
        seconds: how old they are when the log is written; None for any age.
    """

    changes: int = 100_000
    bytes: int = 256 * 1024 * 1024
    seconds: float | None = None


KEEP_ALL: Final = Retention(changes=_UNKNOWN, bytes=2 * _UNKNOWN)


class ChangeAppender:
    """Appends changes inside the transactions of a writer.

    Args:
        connection: the writer's.
        clock: gives the times of changes.
        retention: what the log keeps.

    Attributes:
        newest: the position of the newest change that is committed.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, retention: Retention) -> None:
        self._connection = connection
        self._clock = clock
        self._retention = retention
        self._max_age = 0.0 if retention.seconds is None else retention.seconds * TICKS_PER_SECOND
        self._look_at_age = math.inf if retention.seconds is None else 0.0
        # At least what the log has: writes that are taken back, and changes that are trimmed for their number, are not
        # subtracted. Beyond the limit it is looked up, as it is in the beginning and when trimming was taken back.
        self._bytes = _UNKNOWN
        self._trimmed_by_size = False
        self._logged = clock.latest
        self.newest = self._look_up()
        self._appended: int | None = self.newest  # None if it has to be looked up

    def append(self, notification: Notification, traceparent: str) -> None:
        """Appends a change, which is logged at the time that the clock has read last for it."""
        logged = self._clock.latest
        if logged == self._logged:  # the write has had no need of the time
            logged = self._clock.now()
        self._logged = logged
        position = self._connection.execute(
            _APPEND,
            (
                notification.type,
                notification.twin_id,
                notification.subject,
                notification.model_id,
                notification.time,
                notification.message_id,
                notification.data,
                notification.etag,
                notification.previous_model_id,
                notification.target_id,
                notification.relationship_name,
                notification.previous_target_id,
                notification.previous_relationship_name,
                traceparent,
                logged,
            ),
        ).lastrowid
        self._appended = position
        size = len(notification.data)
        self._bytes += size
        if position and (position % _TRIM_EVERY == 0 or size > _LARGE_CHANGE or logged > self._look_at_age):
            self._trim(position, logged)

    def rolled_back(self) -> None:
        """Takes note that some of what was appended may not be there."""
        self._appended = None
        if self._trimmed_by_size:
            self._bytes = _UNKNOWN

    def complete(self) -> None:
        """Takes note that nothing is appended or taken back any more before a commit."""
        if self._appended is None:
            self._appended = self._look_up()

    def committed(self) -> None:
        """Takes note that what was appended is stored."""
        self._trimmed_by_size = False
        self.newest = self._appended or 0

    def _look_up(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
        return int(row[0]) if row else 0

    def _trim(self, newest: int, now: int) -> None:
        kept = self._retention
        ((oldest,),) = self._connection.execute("SELECT min(position) FROM changes").fetchall()
        last = newest - kept.changes
        if kept.seconds is not None:
            self._look_at_age = now + self._max_age / _LOOKS_PER_AGE
            last = max(last, self._last_before(now - self._max_age))
        self._forget(min(last, oldest + _TRIMMED_AT_ONCE - 1))
        if self._bytes <= kept.bytes:
            return
        size = "length(CAST(data AS BLOB))"
        ((self._bytes,),) = self._connection.execute(f"SELECT coalesce(sum({size}), 0) FROM changes").fetchall()  # noqa: S608  (ours)
        sizes = self._connection.execute(
            f"SELECT position, {size} FROM changes ORDER BY position LIMIT ?",  # noqa: S608  (ours)
            (_TRIMMED_AT_ONCE,),
        )
        last = 0
        for position, length in sizes.fetchall():
            if self._bytes <= kept.bytes - kept.bytes // 8:
                break
            last = position
            self._bytes -= length
        if last:
            self._forget(last)
            self._trimmed_by_size = True

    def _last_before(self, time: float) -> int:
        """Gives the last of the oldest changes that was logged before a time, in ticks; 0 if none was."""
        ((last,),) = self._connection.execute(
            "SELECT coalesce(max(position), 0) FROM (SELECT position, logged FROM changes ORDER BY position LIMIT ?)"
            " WHERE logged < ?",
            (_TRIMMED_AT_ONCE, time),
        ).fetchall()
        return int(last)

    def _forget(self, last: int) -> None:
        """Forgets the changes up to a position, if any of them is there."""
        if not self._connection.execute("SELECT 1 FROM changes WHERE position <= ?", (last,)).fetchone():
            return
        self._connection.execute(
            "UPDATE change_log SET lost_position = max(lost_position, ?1),"
            " lost_ticks = max(lost_ticks, (SELECT logged FROM changes WHERE position = ?1))",
            (last,),
        )
        self._connection.execute("DELETE FROM changes WHERE position <= ?", (last,))

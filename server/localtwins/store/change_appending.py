"""Appends to the log of changes, and trims its far end now and then: for the number of changes, their age and size.

Positions count up by one while a process runs. The next process begins further on, at the time in microseconds, which
no process before can have reached. So a position means one change for ever: if an older state of the database was put
in place of a later one, what was lost in between has positions that no change will have again, and whoever is at one of
them is told.
"""

import math
import sqlite3
from dataclasses import dataclass
from typing import Final

from localtwins.engine.clock import TICKS_PER_MICROSECOND, TICKS_PER_SECOND, Clock
from localtwins.store.change import Notification

_TRIM_EVERY: Final = 64
_TRIMMED_AT_ONCE: Final = 4 * _TRIM_EVERY
"""A log that was allowed to be longer is brought down little by little."""
_LARGE_CHANGE: Final = 64 * 1024
_LOOKS_PER_AGE: Final = 16
_UNKNOWN: Final = 1 << 62
_MOST_GAPS: Final = 1_000
"""So many starts are remembered; who is further behind is told that changes are lost."""
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
"""Never looks up how many bytes there are: even an unknown number is fewer."""


class ChangeAppender:
    """Appends changes inside the transactions of a writer.

    Args:
        connection: the writer's.
        clock: gives the times of changes.
        retention: what the log keeps.
        is_new: the log is no older than this process.

    Attributes:
        newest: the position of the newest change that is committed.
    """

    def __init__(
        self, connection: sqlite3.Connection, clock: Clock, retention: Retention, *, is_new: bool = True
    ) -> None:
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
        self._gaps: list[tuple[int, int]] | None = None  # None if they have to be looked up
        self._begun = is_new
        self._begun_for_good = is_new  # committed

    def begin(self) -> None:
        """Begins the positions of this process, unless it has; the first change does so, too."""
        if self._begun:
            return
        self._begun = True
        last = self._look_up()
        following = max(last + 2, self._clock.now() // TICKS_PER_MICROSECOND)
        self._connection.execute("INSERT INTO change_gaps VALUES (?, ?)", (last, following))
        self._connection.execute("DELETE FROM sqlite_sequence WHERE name = 'changes'")
        self._connection.execute("INSERT INTO sqlite_sequence VALUES ('changes', ?)", (following - 1,))
        self._appended = following - 1
        self._gaps = None
        forgotten = self._known_gaps()[_MOST_GAPS:]
        if forgotten:
            self._lose(forgotten[0][1] - 1)
            self._connection.execute("DELETE FROM change_gaps WHERE last_position <= ?", (forgotten[0][0],))
            self._gaps = None

    def append(self, notification: Notification, traceparent: str) -> None:
        """Appends a change, which is logged at the time that the clock has read last for it."""
        self.begin()
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
        self._gaps = None
        self._begun = self._begun_for_good
        if self._trimmed_by_size:
            self._bytes = _UNKNOWN

    def complete(self) -> None:
        """Takes note that nothing is appended or taken back any more before a commit."""
        if self._appended is None:
            self._appended = self._look_up()

    def committed(self) -> None:
        """Takes note that what was appended is stored."""
        self._trimmed_by_size = False
        self._begun_for_good = self._begun
        self.newest = self._appended or 0

    def _look_up(self) -> int:
        row = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
        return int(row[0]) if row else 0

    def _trim(self, newest: int, now: int) -> None:
        kept = self._retention
        ((oldest,),) = self._connection.execute("SELECT min(position) FROM changes").fetchall()
        last = self._counted_back(newest, kept.changes)
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

    def _counted_back(self, newest: int, count: int) -> int:
        """Gives the position behind which so many positions of changes are, up to the newest."""
        for last, following in self._known_gaps():
            if newest - count >= following - 1:
                break
            count -= newest - following + 1
            newest = last
        return newest - count

    def _known_gaps(self) -> list[tuple[int, int]]:
        """Gives the gaps, the latest first, each as the last position before it and the first behind it."""
        if self._gaps is None:
            sql = "SELECT last_position, next_position FROM change_gaps ORDER BY last_position DESC"
            self._gaps = self._connection.execute(sql).fetchall()
        return self._gaps

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
        sql = "SELECT max(position) FROM changes WHERE position <= ?"
        ((there,),) = self._connection.execute(sql, (last,)).fetchall()
        if there is not None:
            self._lose(there)
            self._connection.execute("DELETE FROM changes WHERE position <= ?", (there,))

    def _lose(self, last: int) -> None:
        """Takes note that followers do not find the changes up to a position any more."""
        self._connection.execute(
            "UPDATE change_log SET lost_position = max(lost_position, ?1), lost_ticks = max(lost_ticks, coalesce("
            "(SELECT logged FROM changes WHERE position <= ?1 ORDER BY position DESC LIMIT 1), 0))",
            (last,),
        )

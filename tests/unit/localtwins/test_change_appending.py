"""What the log of changes keeps: by number, by bytes and by age."""

import sqlite3
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from localtwins.engine.clock import TICKS_PER_SECOND, Clock
from localtwins.events.notifications import TELEMETRY
from localtwins.store.change import Notification
from localtwins.store.change_appending import KEEP_ALL, ChangeAppender, Retention
from localtwins.store.change_reader import ChangesLost
from localtwins.store.reader import Reader

HOUR = 3600 * TICKS_PER_SECOND


class Log:
    """A log whose clock goes only as the test says."""

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self.read = Reader(connection, nullcontext())
        self.clock = Clock()
        self.appender = ChangeAppender(connection, self.clock, retention)

    def append(self, count: int = 1, *, every: int = 1, size: int = 2) -> None:
        """Appends changes, each `every` ticks after the one before."""
        for _ in range(count):
            self.clock.latest += every
            self.appender.append(Notification(TELEMETRY, "twin", "", "model", "", None, "x" * size), "")
        self.appender.complete()
        self.appender.committed()

    @property
    def positions(self) -> range:
        """The positions of the changes that are there, without a gap."""
        positions = [change.position for change in self.read.changes(0, 1_000_000, 1 << 40)]
        assert positions == list(range(positions[0], positions[-1] + 1))
        return range(positions[0], positions[-1] + 1)


Open = Callable[[Retention], Log]


@pytest.fixture
def log(connection: sqlite3.Connection) -> Open:
    return lambda retention: Log(connection, retention)


def test_the_log_keeps_as_many_changes_as_it_may_and_at_times_a_few_more(log: Open):
    kept = log(Retention(changes=100))
    for _ in range(50):
        kept.append(10)
        assert min(kept.positions.stop - 1, 100) <= len(kept.positions) < 100 + 64


def test_what_is_lost_is_told_by_its_last_position_and_time(log: Open):
    kept = log(Retention(changes=64))
    kept.append(640, every=1000)
    lost = kept.read.changes_lost()
    assert lost == ChangesLost(kept.positions.start - 1, 1000 * (kept.positions.start - 1))
    assert lost.position > 500


def test_changes_of_an_age_leave_the_log_with_the_next_that_are_written(log: Open):
    kept = log(Retention(seconds=3600))
    kept.append(30, every=60 * TICKS_PER_SECOND)
    assert kept.positions == range(1, 31)
    kept.clock.latest += HOUR
    kept.append()
    assert kept.positions == range(31, 32)
    kept.append(600, every=60 * TICKS_PER_SECOND)
    assert 60 <= len(kept.positions) <= 60 + 60 // 16 + 2, "an hour, and the sixteenth in which it is not looked at"


def test_without_an_age_old_changes_stay(log: Open):
    kept = log(Retention())
    kept.append(100, every=1000 * HOUR)
    assert kept.positions == range(1, 101)


def test_a_log_that_is_much_too_long_is_brought_down_little_by_little(connection: sqlite3.Connection):
    Log(connection, KEEP_ALL).append(5000)
    kept = Log(connection, Retention(changes=64))
    kept.append(64)
    assert 4000 < len(kept.positions) < 5000
    kept.append(64 * 30)
    assert len(kept.positions) < 2 * 64


def test_a_log_that_keeps_all_is_never_trimmed(log: Open):
    kept = log(KEEP_ALL)
    kept.append(1000, size=1000)
    kept.append(size=1 << 20)
    assert kept.positions == range(1, 1002)


@pytest.mark.parametrize("taken_back", range(1, 6))
def test_bytes_whose_trimming_is_taken_back_still_count(connection: sqlite3.Connection, log: Open, taken_back: int):
    kept = log(Retention(bytes=1_000_000))
    kept.append(9, size=100_000)
    large = Notification(TELEMETRY, "twin", "", "model", "", None, "x" * 100_000)
    for _ in range(taken_back):
        connection.execute("SAVEPOINT write")
        for _ in range(2):
            kept.appender.append(large, "")
        connection.execute("ROLLBACK TO write")
        connection.execute("RELEASE write")
        kept.appender.rolled_back()
    kept.append(2, size=100_000)
    assert sum(len(change.data) for change in kept.read.changes(0, 100, 1 << 40)) <= 1_000_000


def test_the_newest_position_is_that_of_what_is_committed(connection: sqlite3.Connection, log: Open):
    kept = log(Retention())
    kept.append(3)
    assert kept.appender.newest == 3
    connection.execute("SAVEPOINT write")
    kept.appender.append(Notification(TELEMETRY, "twin", "", "model", "", None, "{}"), "")
    assert kept.appender.newest == 3
    connection.execute("ROLLBACK TO write")
    kept.appender.rolled_back()
    kept.appender.complete()
    kept.appender.committed()
    assert kept.appender.newest == 3
    kept.append()
    assert kept.appender.newest == 4


def test_a_change_without_a_time_of_its_own_is_logged_later_than_the_one_before(log: Open):
    kept = log(Retention())
    kept.append(2, every=0)
    first, second = (change.logged for change in kept.read.changes(0, 10))
    assert 0 < first < second

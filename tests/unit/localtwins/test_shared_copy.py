"""Long queries of a database in memory read one copy, which follows what is written."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from localtwins.store.shared_copy import SharedCopy

Made = tuple[sqlite3.Connection, SharedCopy, list[Path]]


@pytest.fixture
def made() -> Iterator[Made]:
    """A database in memory, its copy, and the files to which queries were connected."""
    opened: list[Path] = []

    def connect(path: Path) -> sqlite3.Connection:
        opened.append(path)
        return sqlite3.connect(path, check_same_thread=False)

    with closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as source:
        source.execute("CREATE TABLE twins (id)")
        source.execute("INSERT INTO twins VALUES ('a')")
        copy = SharedCopy(source, threading.RLock(), connect)
        yield source, copy, opened
        copy.close()


def ids(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT id FROM twins ORDER BY id")]


def test_queries_that_begin_at_the_same_state_read_the_same_file(made: Made):
    _, copy, opened = made
    connections = [copy.connection() for _ in range(32)]
    assert [ids(connection) for connection in connections] == [["a"]] * 32
    assert len(set(opened)) == 1
    for connection in connections:
        connection.close()


def test_a_query_sees_what_was_written_before_it_began(made: Made):
    source, copy, _ = made
    with closing(copy.connection()):
        source.execute("INSERT INTO twins VALUES ('b')")
    with closing(copy.connection()) as later:
        assert ids(later) == ["a", "b"]


def test_a_query_that_is_under_way_goes_on_with_the_state_at_which_it_began(made: Made):
    source, copy, opened = made
    with closing(copy.connection()) as earlier:
        source.execute("DELETE FROM twins")
        with closing(copy.connection()) as later:
            assert ids(later) == []
        assert ids(earlier) == ["a"]
    assert [path.exists() for path in opened] == [False, True]


def test_nothing_is_left_of_the_copies(made: Made):
    _, copy, opened = made
    copy.connection().close()
    folder = opened[0].parent
    assert folder.stat().st_mode & 0o077 == 0
    copy.close()
    assert not folder.exists()

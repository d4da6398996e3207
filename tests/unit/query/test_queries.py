"""Where queries run, how long they may, and what stops them."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import pytest

from localtwins.errors import AdtError
from localtwins.query import Statement, compile_query
from localtwins.store import schema
from localtwins.store.queries import Queries

SLOW = "SELECT x FROM DIGITALTWINS MATCH (a)-[*9..10]-(x) WHERE a.$dtId = 't0'"


def connect(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "graph.db", isolation_level=None, check_same_thread=False)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a dense graph, in which there are too many paths to walk."""
    connection = connect(tmp_path)
    schema.migrate(connection)
    twins = [f"t{number}" for number in range(30)]
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO digital_twins (id, model_id, etag, document) VALUES (?, 'm', 'e', json_object('$dtId', ?1))",
        [(twin,) for twin in twins],
    )
    connection.executemany(
        "INSERT INTO relationships (source_id, id, target_id, name, sort_key, etag, document)"
        " VALUES (?1, ?1 || ?2, ?2, 'n', ?1 || ?2, 'e', '{}')",
        [(source, target) for source in twins for target in twins if source != target],
    )
    connection.execute("COMMIT")
    yield connection
    connection.close()


@pytest.fixture
def queries(connection: sqlite3.Connection, tmp_path: Path) -> Iterator[Queries]:
    queries = Queries(connection, partial(connect, tmp_path), nullcontext())
    yield queries
    queries.close()


def compiled(query: str) -> Statement:
    return compile_query(query)


async def test_a_quick_query_is_answered(queries: Queries):
    page = await queries.page(compiled("SELECT COUNT() FROM DIGITALTWINS"), size=10, time_limit=60)
    assert page.rows == [b'{"COUNT":30}']


async def test_a_query_that_takes_longer_is_answered(queries: Queries):
    statement = compiled("SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[*2..3]-(x) WHERE a.$dtId = 't0'")
    page = await queries.page(statement, size=10, time_limit=60)
    assert page.rows[0].startswith(b'{"COUNT":')


async def test_a_query_over_the_time_limit(queries: Queries):
    with pytest.raises(AdtError) as raised:
        await queries.page(compiled(SLOW), size=10, time_limit=0.05)
    assert (raised.value.status, raised.value.code) == (400, "TimeoutError")
    assert "0.05 seconds" in raised.value.message


async def test_the_event_loop_goes_on_meanwhile(queries: Queries):
    slow = asyncio.create_task(queries.page(compiled(SLOW), size=10, time_limit=30))
    await asyncio.sleep(0)
    page = await queries.page(compiled("SELECT COUNT() FROM RELATIONSHIPS"), size=10, time_limit=60)
    assert page.rows == [b'{"COUNT":870}']
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_a_cancelled_query_makes_room(queries: Queries):
    for _ in range(3):
        slow = asyncio.create_task(queries.page(compiled(SLOW), size=10, time_limit=600))
        await asyncio.sleep(0.02)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
    with pytest.raises(AdtError, match="TimeoutError"):
        await queries.page(compiled(SLOW), size=10, time_limit=0.1)


async def test_closing_stops_what_runs(connection: sqlite3.Connection, tmp_path: Path):
    queries = Queries(connection, partial(connect, tmp_path), nullcontext())
    slow = asyncio.create_task(queries.page(compiled(SLOW), size=10, time_limit=600))
    await asyncio.sleep(0.02)
    await asyncio.to_thread(queries.close)
    with pytest.raises(AdtError, match="ServiceUnavailable"):
        await slow
    assert not any(thread.name.startswith("localtwins-query") for thread in threading.enumerate())


async def test_errors_of_the_database_are_raised(queries: Queries, connection: sqlite3.Connection):
    connection.execute("DROP TABLE relationships")
    with pytest.raises(sqlite3.Error, match="relationships"):
        await queries.page(compiled("SELECT * FROM RELATIONSHIPS"), size=10, time_limit=60)

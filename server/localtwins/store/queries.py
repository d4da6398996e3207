"""Decides where queries run: quick ones in the event loop, each other one on a thread with a connection of its own.

To hand a query to a thread costs more than most queries. So each gets a few milliseconds in the loop first, which is as
long as anything may hold the loop up, and begins again on a thread if that was not enough. There they take turns, so
that no number of long queries keeps short ones waiting.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from typing import Any, Final

from localtwins.errors import storage_unavailable
from localtwins.query.continuation import Position
from localtwins.query.errors import query_timeout, too_many_queries
from localtwins.query.properties import indexed_properties
from localtwins.query.running import Interrupted, Page, run
from localtwins.query.statement import Statement
from localtwins.store.turns import Turns

_SECONDS_IN_LOOP: Final = 0.005
_PLACES: Final = 2
"""How many run at a time on threads."""
_MOST: Final = 32
"""How many may be under way on threads, those that wait for their turn included."""
_RETRY_AFTER: Final = 1
_STEPS_ON_THREAD: Final = 100_000
"""A thread has to wait for the interpreter whenever it asks, so it asks more rarely than the default."""


class Queries:
    """Runs queries for one event loop.

    Args:
        in_loop: the connection for queries in the loop; its owner closes it, after this object.
        connect: gives a connection for queries on threads, and is called there.
        guard: held while a query runs in the loop.

    Attributes:
        indexed: the properties of twins that have an index.
    """

    def __init__(
        self,
        in_loop: sqlite3.Connection,
        connect: Callable[[], sqlite3.Connection],
        guard: AbstractContextManager[Any],
    ) -> None:
        self._guard = guard
        self._in_loop = _prepared(in_loop)
        self._connect = connect
        self._threads = ThreadPoolExecutor(_MOST, thread_name_prefix="localtwins-query")
        self._under_way: set[Future[Page]] = set()
        self._turns = Turns(_PLACES)
        self._closing = threading.Event()
        self.indexed = indexed_properties(in_loop)

    async def page(
        self, statement: Statement, *, size: int, time_limit: float, position: Position | None = None
    ) -> Page:
        """Reads a page of at most `size` rows in at most `time_limit` seconds; see `run`.

        A query whose caller is cancelled stops.

        Raises:
            AdtError: BadRequest for the position of another query; TimeoutError; TooManyRequests when too many are
                under way; ServiceUnavailable on closing.
            sqlite3.Error: the database cannot be read.
        """
        try:
            with self._guard:
                stop = _at(min(_SECONDS_IN_LOOP, time_limit))
                return run(statement, self._in_loop, size=size, position=position, stop=stop)
        except Interrupted:
            pass
        if len(self._under_way) >= _MOST:
            raise too_many_queries(_RETRY_AFTER)
        cancelled = threading.Event()
        stop_in_time = _at(time_limit)
        turn = self._turns.turn(lambda: cancelled.is_set() or self._closing.is_set() or stop_in_time())

        def on_thread() -> Page:
            if not turn.begin():
                raise Interrupted
            try:
                with closing(_prepared(self._connect())) as connection:
                    return run(
                        statement,
                        connection,
                        size=size,
                        position=position,
                        stop=lambda: not turn.go_on(),
                        steps=_STEPS_ON_THREAD,
                    )
            finally:
                turn.end()

        running = self._threads.submit(on_thread)
        self._under_way.add(running)
        running.add_done_callback(self._under_way.discard)  # when it has ended, not when its caller has gone
        try:
            return await asyncio.wrap_future(running)
        except Interrupted:
            if self._closing.is_set():
                raise storage_unavailable("the service stops") from None
            raise query_timeout(time_limit) from None
        finally:
            cancelled.set()

    def close(self) -> None:
        """Stops what is running and ends the threads. Blocks for a moment."""
        self._closing.set()
        self._threads.shutdown()


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.text_factory = bytes
    # what a query that finds too much puts aside must not fill the memory
    connection.execute("PRAGMA temp_store = FILE")
    return connection


def _at(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end

"""A copy for queries with `--query-lag`, which follows the database at a distance.

Triggers note each row that is written, in tables that the writing connection keeps for itself and that its transactions
cover too. What has been noted for long enough is done again on the copy, in the same order, a state of the database at
a time. The copy is made anew at each start.
"""

# ruff: noqa: S608  (the SQL is put together from our own pieces, and values are bound)

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localtwins.files import make_database_private
from localtwins.store.transaction import Transaction
from localtwins.store.writer import Writer
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)

_TABLES: Final = ("digital_twins", "relationships", "model_bases")
_STEPS_PER_LAG: Final = 8
_LONGEST_STEP: Final = 1.0

Rows = list[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class _Table:
    """Names a table that the copy has, with its columns and those that are its key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]

    @classmethod
    def read(cls, name: str, connection: sqlite3.Connection) -> "_Table":
        columns = connection.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)).fetchall()
        return cls(name, tuple(column for column, _ in columns), tuple(column for column, pk in columns if pk))

    @property
    def noting(self) -> str:
        """Gives the SQL that makes a connection's notes about this table, each with the step that it belongs to."""
        triggers = (
            f"CREATE TEMP TRIGGER noted_{self.name}_{event} AFTER {event} ON main.{self.name} BEGIN"
            f" INSERT INTO noted_{self.name} SELECT number, {', '.join(values)} FROM noted_step; END;"
            for event, values in (
                ("INSERT", ("0", *(f"NEW.{column}" for column in self.columns))),
                ("UPDATE", ("0", *(f"NEW.{column}" for column in self.columns))),
                ("DELETE", ("1", *(f"OLD.{column}" if column in self.key else "NULL" for column in self.columns))),
            )
        )
        return (
            f"CREATE TEMP TABLE noted_{self.name} (step, deleted, {', '.join(self.columns)});"
            f"CREATE INDEX temp.noted_{self.name}_by_step ON noted_{self.name} (step);{''.join(triggers)}"
        )

    @property
    def put(self) -> str:
        """Gives the SQL that stores a row."""
        return (
            f"INSERT INTO {self.name} VALUES ({', '.join(f':{column}' for column in self.columns)})"
            f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE"
            f" SET {', '.join(f'{column} = excluded.{column}' for column in self.columns)}"
        )

    @property
    def delete(self) -> str:
        """Gives the SQL that deletes a row."""
        return f"DELETE FROM {self.name} WHERE {' AND '.join(f'{column} = :{column}' for column in self.key)}"


class Replica:
    """Follows the database of a writer, `lag` seconds behind it and at most an eighth more.

    To make one copies the database.

    Args:
        path: where the copy is made.
        source: the connection that the writer is going to write over.
        lag: the distance in seconds.
        clock: the time in seconds.

    Raises:
        sqlite3.Error: the database cannot be copied.
        OSError: the copy cannot be made there.
    """

    def __init__(
        self, path: Path, source: sqlite3.Connection, lag: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self._source = source
        self._lag = lag
        self._clock = clock
        self._remove()
        make_database_private(path)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._copy()
        except BaseException:
            self._connection.close()
            self._remove()
            raise
        self._step = 0
        self._done = 0  # the last step that the copy has seen
        self._ended: deque[tuple[float, int]] = deque()  # steps, each with the time at which all of it was on disk
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def _copy(self) -> None:
        self._source.backup(self._connection)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")  # a crash costs nothing: the next start copies again
        for (trigger,) in self._connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            self._connection.execute(f"DROP TRIGGER {trigger}")
        self._tables = [_Table.read(name, self._connection) for name in _TABLES]
        self._source.execute("PRAGMA temp_store = FILE")  # the notes of an import must not fill the memory
        self._source.executescript("CREATE TEMP TABLE noted_step (number); INSERT INTO noted_step VALUES (1);")
        for table in self._tables:
            self._source.executescript(table.noting)

    def start(self, writer: Writer) -> None:
        """Follows what `writer` writes, as a task of the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._follow(writer))

    async def _follow(self, writer: Writer) -> None:
        while not self._closing.is_set():
            try:
                await self.step(writer)
            except sqlite3.Error:
                _log.exception("queries fall behind: their copy of the database cannot be brought up to date")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), min(self._lag / _STEPS_PER_LAG, _LONGEST_STEP))

    async def step(self, writer: Writer) -> None:
        """Ends a step of the database, and lets the copy see those that ended `lag` seconds ago.

        Raises:
            sqlite3.Error: a later step brings the copy to where it should be by now.
        """
        seen = self._clock() - self._lag
        due = max((step for ended, step in self._ended if ended <= seen), default=self._done)
        step, changes = await writer.run(lambda transaction: self._next_step(transaction, due))
        self._ended.append((self._clock(), step))
        if due > self._done:
            await asyncio.to_thread(self._apply, changes)
            self._done = due
        while self._ended[0][1] <= self._done:
            self._ended.popleft()

    def _next_step(self, _transaction: Transaction, due: int) -> tuple[int, list[Rows]]:
        """Begins a step; gives the one that ends, and the notes up to the one that is due. On the writer thread."""
        changes: list[Rows] = []
        for table in self._tables:
            self._source.execute(f"DELETE FROM noted_{table.name} WHERE step <= ?", (self._done,))
            notes = f"SELECT * FROM noted_{table.name} WHERE step <= ? ORDER BY step, rowid"
            changes.append(self._source.execute(notes, (due,)).fetchall())
        ((step,),) = self._source.execute("SELECT number FROM noted_step").fetchall()
        self._source.execute("UPDATE noted_step SET number = number + 1")
        return step, changes

    def _apply(self, changes: list[Rows]) -> None:
        self._connection.execute("BEGIN")
        try:
            for table, rows in zip(self._tables, changes, strict=True):
                put, delete = table.put, table.delete
                for _step, deleted, *values in rows:
                    texts = (value.decode() if isinstance(value, bytes) else value for value in values)
                    row = dict(zip(table.columns, texts, strict=True))
                    self._connection.execute(delete if deleted else put, row)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    async def close(self) -> None:
        """Stops following and removes the copy. The writer must still run, and queries no longer."""
        self._closing.set()
        if self._task is not None:
            await self._task
        self._connection.close()
        self._remove()

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

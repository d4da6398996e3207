"""Opening and closing the database: a file in a data directory, or memory."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self, TypeVar

from localtwins.engine.clock import Clock
from localtwins.errors import StartupError
from localtwins.query import Queries
from localtwins.store import schema
from localtwins.store.data_dir import DATABASE_NAME, DataDir
from localtwins.store.reader import Reader
from localtwins.store.transaction import MAX_CHANGES, Transaction
from localtwins.store.writer import Writer

MEMORY = ":memory:"
_OLDEST_SQLITE = (3, 38, 0)

T = TypeVar("T")


class Database:
    """The store: `read` for the event loop, `write` through the writer thread.

    On disk the two have a connection each, over a write-ahead log: a read sees every acknowledged write and never
    waits for one. In memory they share one connection in turns.
    """

    def __init__(
        self,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        clock: Clock,
        data_dir: DataDir | None,
        max_changes: int = MAX_CHANGES,
    ) -> None:
        guard: AbstractContextManager[Any] = threading.RLock() if writing is reading else nullcontext()
        self.read = Reader(reading, guard)
        # The last to be closed folds the log into the database, so that is the one that may write.
        self._connections = dict.fromkeys((reading, writing))
        self._data_dir = data_dir
        self._writer = Writer(writing, Transaction(writing, clock, max_changes), guard)
        self.queries = Queries(lambda: self._connect_for_queries(reading), guard)

    @classmethod
    def open(cls, data_dir: str | Path, *, max_changes: int = MAX_CHANGES) -> Self:
        """Open the database in `data_dir`, or a new one in memory for `:memory:`. Raises StartupError.

        `max_changes` is how many changes the log keeps.
        """
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            oldest = ".".join(map(str, _OLDEST_SQLITE))
            raise StartupError(f"SQLite {oldest} or later is needed, and this Python has {sqlite3.sqlite_version}.")
        if str(data_dir) == MEMORY:
            connection = _connect(MEMORY)
            schema.migrate(connection)
            return cls(connection, connection, Clock(), None, max_changes)
        claimed = DataDir.claim(Path(data_dir))
        try:
            writing, reading, clock = _open_file(claimed.path / DATABASE_NAME)
        except BaseException:
            claimed.release()
            raise
        return cls(writing, reading, clock, claimed, max_changes)

    def _connect_for_queries(self, shared: sqlite3.Connection) -> sqlite3.Connection:
        if self._data_dir is None:
            return shared
        connection = _connect(str(self._data_dir.path / DATABASE_NAME))
        connection.execute("PRAGMA query_only = ON")
        self._connections = {connection: None, **self._connections}
        return connection

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Run a write operation; see `Writer.run`."""
        return await self._writer.run(operation)

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Have `listener` called in the event loop after each commit, for the time of a block."""
        self._writer.listeners.add(listener)
        try:
            yield
        finally:
            self._writer.listeners.discard(listener)

    async def close(self) -> None:
        """Finish the writes that are waiting and close the files."""
        await asyncio.to_thread(self.queries.close)
        await asyncio.to_thread(self._writer.close)
        for connection in self._connections:
            connection.close()
        if self._data_dir is not None:
            self._data_dir.release()


def _open_file(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection, Clock]:
    writing: sqlite3.Connection | None = None
    try:
        writing = _connect(str(path))
        check_ours(writing, path)
        _use_write_ahead_log(writing, path)
        schema.migrate(writing)
        writing.execute("UPDATE clock SET latest = latest WHERE false")  # tells now if the file cannot be written
        (latest,) = writing.execute("SELECT latest FROM clock").fetchone()
        reading = _connect(str(path))
        reading.execute("PRAGMA query_only = ON")
    except (sqlite3.Error, StartupError) as error:
        if writing is not None:
            writing.close()
        if isinstance(error, StartupError):
            raise
        raise StartupError(f"The database {path} cannot be opened: {error}. {_advice(error)}") from error
    return writing, reading, Clock(latest)


def _advice(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without what tells more about it
    if code == sqlite3.SQLITE_BUSY:
        return "Another program has it locked: close that program first."
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return "See whether the disk is full or failing, or choose another directory with --data-dir."
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return "Give this user the right to write it and its directory, or choose another directory with --data-dir."
    return "Restore it from a backup, or choose another directory with --data-dir."


def _use_write_ahead_log(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StartupError(
            f"The file system of {path} cannot hold a write-ahead log. Choose another directory with --data-dir."
        )
    connection.execute("PRAGMA synchronous = FULL")  # the log reaches the disk before a commit returns


def _connect(database: str) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def check_ours(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application_id != schema.APPLICATION_ID:
        raise StartupError(
            f"{path} is a SQLite database of another application. Choose another directory with --data-dir."
        )
    if version > len(schema.MIGRATIONS):
        message = (
            f"The database {path} was written by a later version of localtwins (schema {version}, "
            f"this one knows {len(schema.MIGRATIONS)}). Use that version, or another directory with --data-dir."
        )
        raise StartupError(message)

"""Opens and closes the database: a file in a data directory, or memory."""

import asyncio
import math
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self, TypeVar

from localtwins.engine.clock import Clock
from localtwins.errors import models_change
from localtwins.files import make_database_private
from localtwins.query import index_properties
from localtwins.store import schema
from localtwins.store.change_appending import Retention
from localtwins.store.data_dir import DATABASE_NAME, DataDir
from localtwins.store.interfaces import Interfaces, ModelsNotLoadedError, Needed
from localtwins.store.queries import Queries
from localtwins.store.reader import Reader
from localtwins.store.replica import Replica
from localtwins.store.shared_copy import SharedCopy
from localtwins.store.transaction import Transaction
from localtwins.store.writability import Writability
from localtwins.store.writer import Writer
from localtwins.workers import Workers
from twinfront_program.startup_error import StartupError

MEMORY: Final = ":memory:"
_REPLICA_NAME: Final = "queries.db"
_QUERY_CACHE_KIB: Final = 8_192
"""Holds the indexes of 100,000 twins, which SQLite's own 2 MB do not.

A COUNT copied them from the system each time, in 0.9 ms in place of 0.04.
"""
_OLDEST_SQLITE: Final = (3, 38, 0)
_LOADS: Final = 8
"""How often a write is run anew: first for the model of a source, then of a target, and while others change them."""

T = TypeVar("T")


class Database:
    """Reads for the event loop with `read`, and writes through the writer thread with `write`.

    On disk the two have a connection each, over a write-ahead log: a read sees every acknowledged write and never
    waits for one. In memory they share one connection in turns, and queries that take longer read a copy in a file.

    Args:
        writing: the connection for writes.
        reading: the connection for reads.
        clock: gives the times of changes.
        file: where the database is; None for one in memory.
        replica: the copy that queries read, if there is one.
        retention: what the log of changes keeps.
        is_new: the database is no older than this object.
        resources: closed by `close` in the end.
    """

    def __init__(
        self,
        writing: sqlite3.Connection,
        reading: sqlite3.Connection,
        clock: Clock,
        *,
        file: Path | None,
        replica: Replica | None,
        retention: Retention,
        is_new: bool,
        resources: ExitStack,
    ) -> None:
        guard: AbstractContextManager[Any] = threading.RLock() if writing is reading else nullcontext()
        self.read = Reader(reading, guard)
        queried = replica.path if replica else file
        if queried is None:
            copy = SharedCopy(reading, guard, _connect_to_read)
            resources.callback(copy.close)
            self.queries = Queries(reading, copy.connection, guard)
        else:
            querying = _connect_to_read(queried)
            querying.execute(f"PRAGMA cache_size = -{_QUERY_CACHE_KIB}")
            resources.callback(querying.close)
            self.queries = Queries(querying, partial(_connect_to_read, queried), nullcontext())
        self._file = file
        self._interfaces = Interfaces()
        # Whoever waits has a request of its own, and mostly finds that the one before has loaded the same model.
        self._loading = Workers(most_waiting=None)
        transaction = Transaction(writing, clock, retention, self._interfaces, is_new=is_new)
        self._transaction = transaction
        self._writer = Writer(writing, transaction, guard)
        self._writability = Writability(self._writer.run)
        self._replica = replica
        if replica is not None:
            replica.start(self._writer)
        self._resources = resources

    @classmethod
    def open(
        cls,
        data_dir: str | Path,
        *,
        retention: Retention | None = None,
        indexed: Collection[str] | None = None,
        query_lag: float = 0,
    ) -> Self:
        """Opens the database in `data_dir`, or a new one in memory for `:memory:`.

        Args:
            data_dir: the data directory.
            retention: what the log of changes keeps.
            indexed: the properties of twins that have an index; None for those that have one already.
            query_lag: queries see the state of that many seconds ago; more than 0 needs a running event loop.

        Raises:
            StartupError: the database cannot be opened, or is not of this service.
        """
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            oldest = ".".join(map(str, _OLDEST_SQLITE))
            raise StartupError(f"SQLite {oldest} or later is needed, and this Python has {sqlite3.sqlite_version}.")
        with ExitStack() as resources:
            file = None
            if str(data_dir) == MEMORY:
                writing = reading = _connect(MEMORY)
                resources.callback(writing.close)
                is_new = schema.migrate(writing)
                clock = Clock()
            else:
                claimed = DataDir.claim(Path(data_dir))
                resources.callback(claimed.release)
                file = claimed.path / DATABASE_NAME
                writing, reading, clock, is_new = _open_file(file)
                # The last to be closed folds the log into the database, so that is the one that may write.
                resources.callback(writing.close)
                resources.callback(reading.close)
            try:
                if indexed is not None:
                    index_properties(writing, indexed)
                replica = _replica(file, writing, query_lag, resources) if query_lag else None
            except (sqlite3.Error, OSError) as error:
                message = f"The database in {data_dir} cannot be made ready for queries: {error}. {_advice(error)}"
                raise StartupError(message) from error
            return cls(
                writing,
                reading,
                clock,
                file=file,
                replica=replica,
                retention=retention or Retention(),
                is_new=is_new,
                resources=resources.pop_all(),
            )

    async def write(self, operation: Callable[[Transaction], T], *, keep: bool = True, traceparent: str = "") -> T:
        """Runs a write operation, once the models that it needs are loaded; see `Writer.run`.

        Raises:
            AdtError: ServiceUnavailable if these models are being changed again and again.
        """
        needed = Needed()
        for _ in range(_LOADS):
            try:
                return await self._writer.run(operation, keep=keep, needed=needed, traceparent=traceparent)
            except ModelsNotLoadedError as error:
                model_ids = error.model_ids
            except sqlite3.Error:
                self._writability.note_refusal()
                raise
            await self._loading.run(partial(self._load, model_ids, needed), expected=math.inf)
        raise models_change()

    def _load(self, model_ids: Sequence[str], needed: Needed) -> None:
        with self.reading() as read:
            self._interfaces.load(read, model_ids, needed)

    @property
    def refuses_writes(self) -> bool:
        """Tells whether the last write met a storage error, and no trial has succeeded since."""
        return self._writability.refused

    @property
    def newest_change(self) -> int:
        """Gives the position of the newest change that is committed, which a read finds."""
        return self._transaction.newest_change

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Gives a way to read on another thread than the event loop's, for the time of a block."""
        if self._file is None:
            yield self.read
            return
        with closing(_connect_to_read(self._file)) as connection:
            yield Reader(connection, nullcontext())

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Lets `listener` be called in the event loop after each commit, for the time of a block."""
        self._writer.listeners.add(listener)
        try:
            yield
        finally:
            self._writer.listeners.discard(listener)

    async def close(self) -> None:
        """Finishes the writes that are waiting and closes the files."""
        await self._writability.close()
        await asyncio.to_thread(self.queries.close)
        if self._replica is not None:
            await self._replica.close()
        await asyncio.to_thread(self._loading.close)
        await asyncio.to_thread(self._writer.close)
        self._resources.close()


def _replica(file: Path | None, source: sqlite3.Connection, lag: float, resources: ExitStack) -> Replica:
    """Copies the database to a file beside it, or to a temporary one if it is in memory."""
    folder = file.parent if file else Path(resources.enter_context(TemporaryDirectory(prefix="localtwins-")))
    return Replica(folder / _REPLICA_NAME, source, lag)


def _open_file(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection, Clock, bool]:
    writing: sqlite3.Connection | None = None
    try:
        make_database_private(path)
        writing = _connect(str(path))
        check_ours(writing, path)
        _use_write_ahead_log(writing, path)
        is_new = schema.migrate(writing)
        writing.execute("UPDATE clock SET latest = latest WHERE false")  # tells now if the file cannot be written
        (latest,) = writing.execute("SELECT latest FROM clock").fetchone()
        reading = _connect_to_read(path)
    except (sqlite3.Error, OSError, UnicodeDecodeError, StartupError) as error:  # a damaged schema may spoil its text
        if writing is not None:
            writing.close()
        if isinstance(error, StartupError):
            raise
        raise StartupError(f"The database {path} cannot be opened: {error}. {_advice(error)}") from error
    return writing, reading, Clock(latest), is_new


def _advice(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # without what tells more about it
    if code == sqlite3.SQLITE_BUSY:
        return "Another program has it locked: close that program first."
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return "See whether the disk is full or failing, or choose another directory with --data-dir."
    if isinstance(error, OSError) or code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
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


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(str(path))
    connection.execute("PRAGMA query_only = ON")
    return connection


def check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses a database of another application, or of a later version.

    Raises:
        StartupError: it is one.
    """
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

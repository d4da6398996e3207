"""Copies of a database in memory, for queries that take longer than the event loop can wait.

A connection to memory cannot be used by two threads at a time, so such queries read a copy. It is a file, and one for
all queries that begin at the same state: however many are under way, they take no memory of their own.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


class SharedCopy:
    """Keeps the latest copy of a database in memory, made when somebody asks for it.

    Args:
        source: the connection to the database.
        guard: held while it is copied.
        connect: opens a copy for reading.
    """

    def __init__(
        self,
        source: sqlite3.Connection,
        guard: AbstractContextManager[Any],
        connect: Callable[[Path], sqlite3.Connection],
    ) -> None:
        self._source = source
        self._guard = guard
        self._connect = connect
        self._folder = TemporaryDirectory(prefix="localtwins-", ignore_cleanup_errors=True)
        self._lock = threading.Lock()
        self._copied: int | None = None  # the changes that the source had seen
        self._path = Path()

    def connection(self) -> sqlite3.Connection:
        """Connects to a copy of the present state, on whatever thread; copying takes some milliseconds a MiB."""
        with self._lock:
            with self._guard:
                if self._copied != self._source.total_changes:
                    self._copy()
            return self._connect(self._path)

    def close(self) -> None:
        """Removes the copies."""
        self._folder.cleanup()

    def _copy(self) -> None:
        changes = self._source.total_changes
        path = Path(self._folder.name) / f"{changes}.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA synchronous = OFF")
            self._source.backup(copy)
        if self._copied is not None:
            with suppress(PermissionError):  # where a file that is open keeps its name, it goes with the folder
                self._path.unlink(missing_ok=True)
        self._copied, self._path = changes, path

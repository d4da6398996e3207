"""The writer thread: all writes of the process, one after another, many of them under one commit.

A commit has to reach the disk, which takes much longer than a write itself. So whatever is waiting when the writer is
free runs as one group: one write after another, then one commit, then every caller is answered. A write that fails
takes back nothing but its own.

Mostly it has nothing to take back, since it is checked before it stores anything. A savepoint keeps a copy of each page
that is changed, for a tenth of the time of a write and a sixth of that of an import. So there is one only for a write
that is not to be kept. Where another one fails half-way, the group is taken back and runs again, in savepoints.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from localtwins import errors
from localtwins.store.interfaces import ModelsNotLoadedError, Needed
from localtwins.store.transaction import Transaction
from twinfront_program.log import library_logger

_log: Final = library_logger(__name__)

T = TypeVar("T")
_MAX_GROUP: Final = 256


@dataclass(slots=True)
class _Write:
    """Carries a write on its way; exactly one of `result` and `error` counts once it has run."""

    operation: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    keep: bool
    needed: Needed
    traceparent: str
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        """Tells the caller, and lets go of the error, whose frames have this object."""
        error, self.error = self.error, None
        if self.future.done():  # the caller has gone
            return
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(error)
            del error


class _HalfDoneError(Exception):
    """Tells that a write failed which has stored something, and has no savepoint to go back to."""


class Writer:
    """Runs write operations on a thread of its own.

    Args:
        connection: nothing else writes to it.
        transaction: given to the operations.
        guard: held while a group runs.
    """

    def __init__(
        self, connection: sqlite3.Connection, transaction: Transaction, guard: AbstractContextManager[Any]
    ) -> None:
        self._connection = connection
        self._transaction = transaction
        self._guard = guard
        self._waiting: SimpleQueue[_Write | None] = SimpleQueue()
        self._closed = False
        self.listeners: set[Callable[[], None]] = set()  # called in the event loop of the writes after each commit
        self._thread = threading.Thread(target=self._work, name="localtwins-writer", daemon=True)
        self._thread.start()

    async def run(
        self,
        operation: Callable[[Transaction], T],
        *,
        keep: bool = True,
        needed: Needed | None = None,
        traceparent: str = "",
    ) -> T:
        """Runs a write and returns its result once it is on disk; with `keep` false, once it is taken back.

        If `operation` raises, nothing of it is stored. It may run more than once, so it must change nothing but the
        transaction. In `needed` it finds interfaces of models. The log of changes has the `traceparent`.

        Raises:
            sqlite3.Error: the database cannot be written.
            Exception: what `operation` raised.
        """
        if self._closed:
            raise RuntimeError("the store is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Write(operation, future, keep, needed or Needed(), traceparent))
        try:
            return await future
        finally:
            del future  # which has the error, which has this frame

    def close(self) -> None:
        """Finishes the writes that are waiting, then stops. Blocks."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            group, last = self._next_group()
            if group:
                self._run_group(group)
                self._acknowledge(group)
            del group  # it would be kept until the next write comes
            if last:
                return

    def _next_group(self) -> tuple[list[_Write], bool]:
        group: list[_Write] = []
        write = self._waiting.get()
        while write is not None:
            if not write.future.cancelled():
                group.append(write)
            if len(group) == _MAX_GROUP or self._waiting.empty():
                return group, False
            write = self._waiting.get_nowait()
        return group, True

    def _run_group(self, group: list[_Write], *, in_savepoints: bool = False) -> None:
        begun = False
        try:
            with self._guard:
                self._begin()
                begun = True
                self._commit(group, in_savepoints=in_savepoints)
        except _HalfDoneError:
            if len(group) > 1:  # one alone has failed, and that is all
                self._run_group(group, in_savepoints=True)
        except Exception as error:  # noqa: BLE001  (the thread outlives whatever happens, and the callers get it)
            if begun and isinstance(error, sqlite3.Error) and len(group) > 1:
                # One write may be at fault: each gets a commit of its own, and only those that fail again fail.
                for write in group:
                    self._run_group([write])
                return
            for write in group:
                write.error = error

    def _begin(self) -> None:
        if self._connection.in_transaction:  # an earlier group failed so badly that it could not even be taken back
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")

    def _commit(self, group: list[_Write], *, in_savepoints: bool) -> None:
        try:
            for write in group:
                self._run_one(write, in_savepoint=in_savepoints or not write.keep)
            self._transaction.complete()
            self._connection.execute("COMMIT")
            self._transaction.committed()
        except BaseException:
            self._transaction.rolled_back()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _run_one(self, write: _Write, *, in_savepoint: bool) -> None:
        if in_savepoint:
            self._connection.execute("SAVEPOINT write")
        changes = self._connection.total_changes
        self._transaction.bring(write.needed, write.traceparent)
        try:
            write.result, write.error = write.operation(self._transaction), None
        except sqlite3.Error:
            raise
        except (errors.AdtError, ModelsNotLoadedError) as error:
            write.error = error.with_traceback(None)  # nobody looks where it came from, and its frames are large
        except Exception as error:  # noqa: BLE001  (the caller gets it)
            write.error = error
        is_kept = write.error is None and write.keep
        if in_savepoint:
            if not is_kept:
                self._connection.execute("ROLLBACK TO write")
                self._transaction.rolled_back()
            self._connection.execute("RELEASE write")
        elif not is_kept and self._connection.total_changes != changes:
            raise _HalfDoneError

    def _acknowledge(self, group: list[_Write]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[_Write]] = {}
        for write in group:
            by_loop.setdefault(write.future.get_loop(), []).append(write)
        for loop, writes in by_loop.items():
            try:
                loop.call_soon_threadsafe(self._answer_all, writes)
            except RuntimeError:
                _log.warning("an event loop is closed; its writes are stored all the same", writes=len(writes))

    def _answer_all(self, writes: list[_Write]) -> None:
        for write in writes:
            write.answer()
        for listener in tuple(self.listeners):
            listener()

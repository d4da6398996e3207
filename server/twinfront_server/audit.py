"""Says who changed what: one line of JSON for every write that was sent to the upstream, whatever became of it.

Each item of a batch or an import is a write, and so is each relationship that a delete detaches. A line names what was
written and by whom; values of properties are in none. Lines are written by a thread, for a disk may be slow.
"""

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from threading import Event, Thread
from typing import Final, TextIO, TypeAlias

import grpc
from prometheus_client import Counter

from twinfront_program.gathered_lines import as_json
from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError
from twinfront_server.call import Call

MAX_WAITING: Final = 10_000
"""Lines that may wait for the disk; further ones are lost, and counted."""

_GATHERING: Final = 0.05
"""Seconds that a line waits at the most for others, to be written with them."""

NO_FILE: Final = "none"
STDOUT: Final = "stdout"


_Said: TypeAlias = str | Mapping[str, str] | list[str]

_Write: TypeAlias = tuple[float, str, str, str, str, Mapping[str, _Said], grpc.StatusCode, tuple[str, str, str]]
"""A write, until a thread makes a line of it: the arguments of `_line`."""


class Audit:
    """Takes down nothing. What does is `AuditLog`."""

    def wrote(self, call: Call, operation: str, code: grpc.StatusCode, **said: _Said) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Has nothing to close."""


NO_AUDIT: Final = Audit()


def open_audit(destination: str, log: Log, lost: Counter) -> Audit:
    """Opens what the setting names: nothing, stdout, or a file to add to.

    A file that is moved away, as logrotate does, is begun anew.

    Args:
        destination: `none`, `stdout` or the path of a file.
        log: is told when lines begin to get lost.
        lost: counts lines that could not be written.

    Raises:
        StartupError: the file cannot be written to.
    """
    if destination == NO_FILE:
        return NO_AUDIT
    if destination == STDOUT:
        return AuditLog(_Stdout(sys.stdout), log, lost)
    try:
        return AuditLog(_File(destination), log, lost)
    except OSError as error:
        raise StartupError(f"{destination} cannot be written to (--audit-log): {error.strerror}") from error


class _Losing(logging.Handler):
    """Tells of lines that it could not pass on, where the library would print a traceback."""

    on_loss: Callable[[], None]

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802  (the library's name)
        """Tells of one; the exception is being handled."""
        self.on_loss()


class _Stdout(_Losing, logging.StreamHandler[TextIO]):
    pass


class _File(_Losing, WatchedFileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        """Writes, or loses: a file that cannot be opened anew is no reason to end, for it may be possible later."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def _open(self) -> TextIOWrapper:
        """Opens the file, or makes it, for its owner alone to read."""
        return open(self.baseFilename, "a", encoding="utf-8", opener=lambda path, how: os.open(path, how, 0o600))


class AuditLog(Audit):
    """Writes the lines.

    They are written together, those of `_GATHERING` seconds: to wake a thread for each would cost a call more than all
    else that is done for its line.

    Args:
        handler: writes some.
        log: is told when lines begin to get lost.
        lost: counts those that could not be written.
        max_waiting: how many may wait for it.
    """

    def __init__(self, handler: _Losing, log: Log, lost: Counter, max_waiting: int = MAX_WAITING) -> None:
        self._log = log
        self._lost = lost
        self._losing = False
        self._max_waiting = max_waiting
        self._waiting: deque[_Write] = deque()
        self._taken: list[_Write] = []
        self._are_there = Event()
        self._is_closing = Event()
        self._handler = handler
        handler.on_loss = self._lose_taken
        self._writer = Thread(target=self._write, name="audit log", daemon=True)
        self._writer.start()

    def wrote(self, call: Call, operation: str, code: grpc.StatusCode, **said: _Said) -> None:
        """Takes down a write.

        Args:
            call: on whose behalf.
            operation: the upstream's.
            code: how it ended.
            said: what else is to be said of it; what is empty is left out.
        """
        if len(self._waiting) >= self._max_waiting:
            self._lose(1, "too many wait to be written")
            return
        # Not the call: its metadata would take up memory where the disk hangs, and have a token in them.
        who = call.principal
        ids = (call.call_id, call.request_id, call.trace_id)
        self._waiting.append((time.time(), who.name, who.source, call.method, operation, said, code, ids))
        if not self._are_there.is_set():
            self._are_there.set()

    def close(self) -> None:
        """Writes what waits, and closes the file."""
        self._is_closing.set()
        self._are_there.set()
        self._writer.join()
        with suppress(OSError):  # of the last lines, which were counted as lost
            self._handler.close()

    def _write(self) -> None:
        is_last = False
        while not is_last:
            self._are_there.wait()
            self._is_closing.wait(_GATHERING)
            self._are_there.clear()
            # Only now: whoever closes after the line above wakes this thread once more.
            is_last = self._is_closing.is_set()
            self._taken = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if self._taken:
                text = "\n".join([_line(*each) for each in self._taken])
                self._handler.emit(logging.LogRecord("twinfront.audit", logging.INFO, "", 0, text, None, None))

    def _lose_taken(self) -> None:
        error = sys.exception()
        self._lose(len(self._taken), f"{type(error).__name__}: {error}")

    def _lose(self, lines: int, cause: str) -> None:
        self._lost.inc(lines)
        if not self._losing:
            self._losing = True
            self._log.error("lines of the audit log are lost", cause=cause)


def _line(
    seconds: float,
    principal: str,
    source: str,
    method: str,
    operation: str,
    said: Mapping[str, _Said],
    code: grpc.StatusCode,
    ids: tuple[str, str, str],
) -> str:
    call_id, request_id, trace_id = ids
    line = {
        "time": datetime.fromtimestamp(seconds, UTC).isoformat(),
        "event": "write",
        "principal": principal,
        "source": source,
        "method": method,
        "operation": operation,
        **{name: each for name, each in said.items() if each},
        "code": code.name,
        "call_id": call_id,
    }
    if request_id:
        line["request_id"] = request_id
    if trace_id:
        line["trace_id"] = trace_id
    return as_json(line)

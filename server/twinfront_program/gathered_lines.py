"""Writes the lines of frequent events together: a line at a time costs a call to the operating system each.

Whatever else is written comes after all that waits, so lines are in the order of their events. Nobody waits for another
to write: that one writes what came meanwhile, too. So a line may come from anywhere, such as from a task that is
collected, with an exception that nobody saw, while lines are written.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Final, TextIO

import orjson

GATHERING: Final = 0.05
"""Seconds that a line waits at the most, while the event loop turns."""

MAX_WAITING: Final = 256
"""Lines that wait at the most."""

_LEVELS: Final = {level: name.lower() for name, level in logging.getLevelNamesMapping().items()}


class GatheredLines:
    """A stream of text to which other lines are added as events, and written as JSON a little later.

    Args:
        stream: what it is written to. Where that cannot be written to, since nobody reads any more, nothing is raised.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str | tuple[float, int, str, Mapping[str, Any]]] = deque()
        self._writing = Lock()

    def add(self, event: str, level: int, fields: Mapping[str, Any]) -> None:
        """Adds an event; has to be called within an event loop.

        Args:
            event: what happened.
            level: how grave it is.
            fields: what else is to be said, not to be changed any more.
        """
        self._waiting.append((time.time(), level, event, fields))
        waiting = len(self._waiting)
        if waiting == 1:
            asyncio.get_running_loop().call_later(GATHERING, self.flush)
        elif waiting >= MAX_WAITING:
            self.finish()

    def write(self, text: str) -> int:
        """Writes a text, after what waits."""
        self._waiting.append(text)
        self.flush()
        return len(text)

    def flush(self) -> None:
        """Writes what waits, or leaves it to who is writing."""
        while self._waiting and self._writing.acquire(blocking=False):
            try:
                self._write_out()
            finally:
                self._writing.release()

    def finish(self) -> None:
        """Writes what waits, when nobody else is writing any more."""
        with self._writing:
            self._write_out()
        self.flush()

    def _write_out(self) -> None:
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        text = "".join([each if isinstance(each, str) else _line(*each) for each in taken])
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


def as_json(said: Mapping[str, Any]) -> str:
    """Gives the line of an event without its end; what is no JSON is told in words."""
    try:
        return orjson.dumps(said, default=str, option=orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError:  # of half a character (a lone surrogate), which no UTF-8 has
        return json.dumps(said, default=str)


def _line(seconds: float, level: int, event: str, fields: Mapping[str, Any]) -> str:
    timestamp = datetime.fromtimestamp(seconds, UTC)
    return as_json({**fields, "event": event, "level": _LEVELS[level], "timestamp": timestamp}) + "\n"

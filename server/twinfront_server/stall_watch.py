"""A watch over the event loop: what holds it up holds up every call, and none of them could tell."""

import asyncio
import sys
import threading
import traceback
from typing import Final

from prometheus_client import Counter

from twinfront_program.log import Log

_LOOKS: Final = 5
"""How often the watch looks in the time that makes a stall."""


class StallWatch:
    """Notices from a thread of its own that the event loop stands still, and logs what it is at, once for each stall.

    It counts its own looks and not the time between them, so that a process that was itself stopped has not stalled.

    Args:
        seconds: how long the loop may be held up.
        log: gets the stack of the loop's thread.
        stalls: counts them.
    """

    def __init__(self, seconds: float, log: Log, stalls: Counter) -> None:
        self._seconds = seconds
        self._pause = seconds / _LOOKS
        self._log = log
        self._stalls = stalls
        self._beats = 0
        self._looks_without_beat = 0
        self._ended = threading.Event()
        self._beating: asyncio.TimerHandle
        self._thread: threading.Thread

    @property
    def is_stalled(self) -> bool:
        """Tells, on any thread, whether the loop is held up for too long."""
        return self._looks_without_beat > _LOOKS

    def start(self) -> None:
        """Watches the running loop."""
        loop, watched = asyncio.get_running_loop(), threading.get_ident()

        def beat() -> None:
            self._beats += 1
            self._beating = loop.call_later(self._pause / 2, beat)

        beat()
        self._thread = threading.Thread(target=self._watch, args=(watched,), name="twinfront-stall-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the watch."""
        self._beating.cancel()
        self._ended.set()
        self._thread.join()

    def _watch(self, watched: int) -> None:
        seen = self._beats
        while not self._ended.wait(self._pause):
            was_stalled = self.is_stalled
            self._looks_without_beat = self._looks_without_beat + 1 if self._beats == seen else 0
            seen = self._beats
            if self.is_stalled and not was_stalled:
                self._stalls.inc()
                self._log.error("the event loop stalls", seconds=self._seconds, stack=_stack(watched))
            elif was_stalled and not self.is_stalled:
                self._log.warning("the event loop goes on")


def _stack(thread: int) -> str:
    """Gives the stack of a thread as a traceback has it."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001  (the documented way to another thread's frames)
    return "".join(traceback.format_stack(frame)) if frame is not None else ""

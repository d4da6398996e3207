"""Worker threads, for work that would hold the event loop up.

To hand work to a thread costs some 100 µs, more than most requests need in all. So small work stays in the loop, and
only what is expected to take longer leaves it, by an estimate that costs nothing, such as the size of a body.

The interpreter lets the loop go on between the steps of Python code on a thread, but not during a single call into C:
while one parses 4 MB of JSON, everything waits for some 20 ms. Work is small enough for that by the limits on bodies.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Final, TypeVar

from localtwins import errors

T = TypeVar("T")

LOOP_SECONDS: Final = 0.005
"""How long work may be expected to take and still be done in the event loop."""

PARSING_SECONDS: Final = 50e-9
"""Seconds that it takes to parse a byte of dense JSON, so that an estimate is `len(body) * PARSING_SECONDS`."""

_THREADS: Final = 1
"""Threads share the interpreter: a second one would gain no time, and let two large requests hold memory at once."""
_MOST_WAITING: Final = 32

_caller_gone: ContextVar[threading.Event | None] = ContextVar("caller_gone", default=None)


class CallerGoneError(Exception):
    """Stops work for which nobody waits any more."""


def checkpoint() -> None:
    """Stops work whose caller was cancelled; long work calls it now and then.

    It may be called anywhere and does nothing in the event loop.

    Raises:
        CallerGoneError: the caller was cancelled.
    """
    gone = _caller_gone.get()
    if gone is not None and gone.is_set():
        raise CallerGoneError


class Workers:
    """Runs the work of an instance, large work one after another.

    Args:
        most_waiting: how much large work may be under way; None if something else bounds it.
    """

    def __init__(self, most_waiting: int | None = _MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="localtwins-worker")
        self._waiting = 0

    async def run(self, work: Callable[[], T], *, expected: float) -> T:
        """Runs `work`, which is expected to take so many seconds, and gives its result.

        Cancelled, it does not begin, or stops at its next `checkpoint`.

        Raises:
            AdtError: ServiceUnavailable if too much is waiting.
            Exception: what the work raises.
        """
        if expected <= LOOP_SECONDS:
            return work()
        if self._most_waiting is not None and self._waiting >= self._most_waiting:
            raise errors.busy()
        gone = threading.Event()

        def on_thread() -> T:
            token = _caller_gone.set(gone)
            try:
                checkpoint()
                return work()
            finally:
                _caller_gone.reset(token)

        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, on_thread)
        finally:
            self._waiting -= 1
            gone.set()

    def close(self) -> None:
        """Ends the threads; what waits is left undone. Blocks until what runs has ended."""
        self._threads.shutdown(cancel_futures=True)

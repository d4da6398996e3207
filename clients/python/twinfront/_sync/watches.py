# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Watches that are under way: what they tell, item by item."""

from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Self

from twinfront._changes import WatchItem
from twinfront._for_threads import Stop


class Watch(Iterator[WatchItem]):
    """Iterates over what a watch tells: `for item in client.watch()`; it has no end of its own.

    Attributes:
        resume_token: The token of the last item that was given; before the first, the one that `watch` was given.
    """

    def __init__(self, messages: Generator[list[WatchItem]], stop: Stop, resume_token: str) -> None:
        self.resume_token = resume_token
        self._messages = messages
        self._stop = stop
        self._items: list[WatchItem] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> WatchItem:
        while not self._items:
            self._items = (next(self._messages))[::-1]
        if self._stop.is_set():
            raise StopIteration
        item = self._items.pop()
        self.resume_token = item.resume_token
        return item

    def close(self) -> None:
        """Ends the watch, and the loop that reads it, in whichever task or thread that runs."""
        self._stop.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

"""Watches that are under way: what they tell, item by item."""

from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self

from twinfront._changes import WatchItem
from twinfront._for_asyncio import Stop


class AsyncWatch(AsyncIterator[WatchItem]):
    """Iterates over what a watch tells: `async for item in client.watch()`; it has no end of its own.

    Attributes:
        resume_token: The token of the last item that was given; before the first, the one that `watch` was given.
    """

    def __init__(self, messages: AsyncGenerator[list[WatchItem]], stop: Stop, resume_token: str) -> None:
        self.resume_token = resume_token
        self._messages = messages
        self._stop = stop
        self._items: list[WatchItem] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchItem:
        while not self._items:
            self._items = (await anext(self._messages))[::-1]
        if self._stop.is_set():
            raise StopAsyncIteration
        item = self._items.pop()
        self.resume_token = item.resume_token
        return item

    async def aclose(self) -> None:
        """Ends the watch, and the loop that reads it, in whichever task or thread that runs."""
        self._stop.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

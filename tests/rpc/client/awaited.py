"""The sync client with the face of the async one, so that a test can show both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

from twinfront import AsyncTwinfrontClient, ImportReports, TwinCache, TwinfrontClient, Watch

Connect = Callable[..., AsyncTwinfrontClient]
"""Makes a client of the kind that the test runs with; it is closed after the test."""


STREAMS = {"stream_query", "import_graph", "import_graph_text", "export_graph_text", "watch"}


class Awaited:
    """The sync client with the face of the async one: its calls run in threads."""

    def __init__(self, client: TwinfrontClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name.startswith("list_") or name == "query":
            return lambda *args, **kwargs: AwaitedPager(method(*args, **kwargs))
        if name in STREAMS:
            return lambda *args, **kwargs: AwaitedStream(method(*args, **kwargs))

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await asyncio.to_thread(method, *args, **kwargs)

        return call


class AwaitedStream:
    """An iterator with the face of an asynchronous one; an import has a `run` as well."""

    def __init__(self, items: Any) -> None:
        self._items = items
        self._reading = _awaited(items)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._reading)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._items.close)

    async def run(self) -> Any:
        return await asyncio.to_thread(self._items.run)


class AwaitedCache:
    """A `TwinCache` with the face of an `AsyncTwinCache`."""

    def __init__(self, client: Awaited, **arguments: Any) -> None:
        self._cache = TwinCache(client._client, **arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def __len__(self) -> int:
        return len(self._cache)

    def __contains__(self, digital_twin_id: object) -> bool:
        return digital_twin_id in self._cache

    async def synced(self, *args: float) -> None:
        await asyncio.to_thread(self._cache.synced, *args)

    async def __aenter__(self) -> Any:
        await asyncio.to_thread(self._cache.start)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.to_thread(self._cache.close)


class AwaitedPager:
    """A `Pager` with the face of an `AsyncPager`."""

    def __init__(self, pager: Any) -> None:
        self._pager = pager

    def __aiter__(self) -> AsyncIterator[Any]:
        return _awaited(iter(self._pager))

    def pages(self, *args: str) -> AsyncIterator[Any]:
        return _awaited(self._pager.pages(*args))


async def _awaited(items: Iterator[Any]) -> AsyncIterator[Any]:
    done = object()
    try:
        while (item := await asyncio.to_thread(next, items, done)) is not done:
            yield item
    finally:
        if isinstance(items, Generator | ImportReports | Watch):
            await asyncio.to_thread(items.close)

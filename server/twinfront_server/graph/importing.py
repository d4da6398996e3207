"""Importing a stream of models, digital twins and relationships.

    messages ─▶ items ─▶ Ordering ─▶ workers ─▶ Pace ─▶ upstream
                                        └─▶ Report ─▶ messages

Nothing in between holds more than a bounded part of the stream: a caller that does not take in results is not read
from, and neither is one that is faster than the upstream.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Final

from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportGraphResponse
from twinfront_server.background import end_unheard
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, invalid_argument, server_draining
from twinfront_server.graph.incoming import Incoming
from twinfront_server.graph.item import Item
from twinfront_server.graph.item_writing import ItemWriter, PutTwin
from twinfront_server.graph.ordering import Ordering
from twinfront_server.graph.reading import ItemReader
from twinfront_server.graph.reporting import Report
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Upstream
from twinfront_server.wire.limits import MAX_UNREADABLE

PAUSE_SECONDS: Final = 0.2
LONG_PAUSE_SECONDS: Final = 5.0
"""How long models wait for others that they may need. After a pause those that need none are created, after a long one
the others are given up: a caller may be waiting for their results before it goes on."""

_PENDING_FACTOR: Final = 16
_MAX_PENDING_BYTES: Final = 8 << 20
"""How far reading is ahead of writing: this many items for each write at a time, and bytes of them."""

TURN_SECONDS: Final = 0.005
"""How long a stream works on what it has at hand while others wait."""


async def import_graph(
    upstream: Upstream, put_twin: PutTwin, concurrency: int, requests: AsyncIterator[ImportGraphRequest]
) -> AsyncGenerator[ImportGraphResponse]:
    """Gives the messages of one stream; to be closed, which ends the import.

    Args:
        upstream: where the items are written to.
        put_twin: writes a twin there.
        concurrency: how many writes are under way at a time.
        requests: what the caller sends.

    Raises:
        TwinfrontError: if the stream cannot be gone on with. What was read before has then been written, and the
            results sent.
    """
    report = Report()
    importing = asyncio.create_task(_Import(upstream, put_twin, concurrency, report).run(requests))
    try:
        async for message in report.messages():
            yield message
        await importing
    finally:
        await end_unheard(importing)


class _Import:
    """Reads what the caller sends, to its end or until the stream has to end, and has it written."""

    def __init__(self, upstream: Upstream, put_twin: PutTwin, concurrency: int, report: Report) -> None:
        self._upstream = upstream
        self._concurrency = concurrency
        self._call = current_call()
        self._report = report
        self._ordering = Ordering(_PENDING_FACTOR * concurrency, _MAX_PENDING_BYTES)
        self._writer = ItemWriter(upstream, put_twin, concurrency, self._ordering, report, self._end)
        self._items = ItemReader()
        self._unreadable = 0  # items beyond as many as could be read
        self._turn = _Turn()
        self._stop = asyncio.Event()
        self._error: TwinfrontError | None = None

    async def run(self, requests: AsyncIterator[ImportGraphRequest]) -> None:
        incoming = Incoming(requests, self._stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = [tasks.create_task(self._ordering.work()) for _ in range(self._concurrency)]
                watching = tasks.create_task(self._watch_server())
                await self._read(incoming)
                watching.cancel()
                draining = tasks.create_task(incoming.drain())
                await self._ordering.idle()
                self._report.close()
                await draining
                for worker in workers:
                    worker.cancel()
        except BaseExceptionGroup as group:
            # The first one is why the others were cancelled.
            raise group.exceptions[0] from None
        finally:
            self._report.close()
            incoming.close()
        if self._error is not None:
            raise self._error

    def _end(self, error: TwinfrontError) -> None:
        """Has the stream end with an error: nothing more is read, what was read is still written."""
        if error.reason is Reason.SERVER_DRAINING:  # it may be told of one item
            error = _stopping()
        self._error = self._error or error.renewed()  # what was raised keeps alive the message that it was about
        self._stop.set()

    async def _watch_server(self) -> None:
        if self._call.stopping is not None:
            await self._call.stopping.wait()
            self._end(_stopping())

    async def _read(self, incoming: Incoming) -> None:
        try:
            await self._read_items(incoming)
        except TwinfrontError as error:
            self._end(error)
        await self._writer.create_models()

    async def _read_items(self, incoming: Incoming) -> None:
        message = await self._next(incoming)
        if message is None:
            return
        options = self._items.begin(message)
        self._report.begin(options)
        if options.validate_only:
            self._call.validate_only = True
            await self._upstream.require_validation()
        while message is not None:
            parts = await asyncio.to_thread(self._items.take_apart, message)
            del message
            await self._take(self._items.read(parts))
            message = await self._next(incoming)
        if not self._stop.is_set():
            await self._take(self._items.end())

    async def _next(self, incoming: Incoming) -> ImportGraphRequest | None:
        """Gives the next message; models that are held are created meanwhile if it does not come soon."""
        for seconds, all_came in ((PAUSE_SECONDS, False), (LONG_PAUSE_SECONDS, True)):
            if self._writer.holds_models and not await incoming.comes(seconds):
                await self._writer.create_models(all_came=all_came)
        return await incoming.message()

    async def _take(self, items: Iterator[Item | None]) -> None:
        for item in items:
            if self._stop.is_set():
                return
            if item is not None:
                self._count_unreadable(item)
                await self._writer.take(item)
            await self._turn.share()

    def _count_unreadable(self, item: Item) -> None:
        """Ends the stream when its items can no more be meant as such: to answer each of them would be many answers."""
        self._unreadable += 1 if item.write is None else -1
        if self._unreadable > MAX_UNREADABLE:
            field, place = ("chunk", f"line {item.line}") if item.line else ("items", f"item {item.index}")
            raise invalid_argument(
                field,
                f"has {self._unreadable} more items that cannot be read than ones that can, and may have "
                f"{MAX_UNREADABLE}; {place} is the last that was looked at",
            )


def _stopping() -> TwinfrontError:
    return server_draining("What was acknowledged is written; go on with resume_from.")


class _Turn:
    """A stretch of work in the event loop that is interrupted when it has gone on for long enough."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._end = self._time() + TURN_SECONDS

    async def share(self) -> None:
        """Lets others go first if it is their turn; to be awaited between small pieces of work."""
        if self._time() >= self._end:
            await asyncio.sleep(0)
            self._end = self._time() + TURN_SECONDS

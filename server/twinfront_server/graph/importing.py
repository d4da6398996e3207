"""Importing a stream of models, digital twins and relationships.

    messages ─▶ items ─▶ Ordering ─▶ workers ─▶ Pace ─▶ upstream
                                        └─▶ Report ─▶ messages

Nothing in between holds more than a bounded part of the stream: a caller that does not take in results is not read
from, and neither is one that is faster than the upstream.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from functools import partial
from typing import Any, Final

from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportGraphResponse
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, invalid_argument, rename_fields, server_draining
from twinfront_server.graph.held_models import HeldModel, HeldModels
from twinfront_server.graph.item import (
    DigitalTwinWrite,
    Item,
    ModelWrite,
    RelationshipWrite,
    Write,
    item_field,
)
from twinfront_server.graph.model_upload import upload_models
from twinfront_server.graph.ordering import Ordering
from twinfront_server.graph.reading import ItemReader
from twinfront_server.graph.reporting import Report
from twinfront_server.graph.turn import Turn
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Answer, Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.wire.limits import MAX_UNREADABLE

PAUSE_SECONDS: Final = 0.2
LONG_PAUSE_SECONDS: Final = 5.0
"""How long models wait for others that they may need. After a pause those that need none are created, after a long one
the others are given up: a caller may be waiting for their results before it goes on."""

_PENDING_FACTOR: Final = 16
_MAX_PENDING_BYTES: Final = 8 << 20
"""How far reading is ahead of writing: this many items for each write at a time, and bytes of them."""

DRAIN_SECONDS: Final = 1.0
DRAIN_PAUSE_SECONDS: Final = 0.05
"""How long a caller is heard out that is still sending when the stream is to end, and how long a pause it may make:
some clients make INTERNAL of whatever meets them while they send."""

_HOPELESS: Final = frozenset({Reason.UPSTREAM_CREDENTIALS_REJECTED, Reason.VALIDATE_ONLY_UNSUPPORTED})
"""Reasons that hold for every item, and end the stream."""


async def import_graph(
    upstream: Upstream, concurrency: int, requests: AsyncIterator[ImportGraphRequest]
) -> AsyncGenerator[ImportGraphResponse]:
    """Gives the messages of one stream; to be closed, which ends the import.

    Args:
        upstream: where the items are written to.
        concurrency: how many writes are under way at a time.
        requests: what the caller sends.

    Raises:
        TwinfrontError: if the stream cannot be gone on with. What was read before has then been written, and the
            results sent.
    """
    report = Report()
    importing = asyncio.create_task(_Import(upstream, concurrency, report).run(requests))
    try:
        async for message in report.messages():
            yield message
        await importing
    finally:
        importing.cancel()
        await asyncio.wait({importing})
        if not importing.cancelled():
            importing.exception()  # nobody is left to be told of it


class _Import:
    def __init__(self, upstream: Upstream, concurrency: int, report: Report) -> None:
        self._upstream = upstream
        self._concurrency = concurrency
        self._call = current_call()
        self._pace = Pace(concurrency, self._call.remaining)
        self._ordering = Ordering(_PENDING_FACTOR * concurrency, _MAX_PENDING_BYTES)
        self._report = report
        self._items = ItemReader()
        self._models = HeldModels()
        self._error: TwinfrontError | None = None
        self._hopeless = False
        self._unreadable = 0  # items beyond as many as could be read
        # The message that is waited for; it is waited for on when the stream is to end.
        self._reading: asyncio.Future[ImportGraphRequest | None] | None = None
        self._turn = Turn()
        self._stop = asyncio.Event()
        self._stopped: asyncio.Task[Any]

    async def run(self, requests: AsyncIterator[ImportGraphRequest]) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = [tasks.create_task(self._ordering.work()) for _ in range(self._concurrency)]
                self._stopped = tasks.create_task(self._stop.wait())
                watching = tasks.create_task(self._watch_server())
                await self._read(requests)
                watching.cancel()
                draining = tasks.create_task(self._drain(requests))
                await self._ordering.idle()
                self._report.close()
                await draining
                for task in (*workers, self._stopped):
                    task.cancel()
        except BaseExceptionGroup as group:
            # The first one is why the others were cancelled.
            raise group.exceptions[0] from None
        finally:
            self._report.close()
            if self._reading is not None:
                self._reading.cancel()
        if self._error is not None:
            raise self._error

    def _end(self, error: TwinfrontError) -> None:
        """Has the stream end with an error: nothing more is read, what was read is still written."""
        self._error = self._error or error.renewed()  # what was raised keeps alive the message that it was about
        self._stop.set()

    async def _watch_server(self) -> None:
        if self._call.stopping is not None:
            await self._call.stopping.wait()
            self._end(server_draining("What was acknowledged is written; go on with resume_from."))

    async def _read(self, requests: AsyncIterator[ImportGraphRequest]) -> None:
        try:
            await self._read_items(requests)
        except TwinfrontError as error:
            self._end(error)
        await self._create_models()

    async def _read_items(self, requests: AsyncIterator[ImportGraphRequest]) -> None:
        message = await self._next(requests)
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
            message = await self._next(requests)
        if not self._stop.is_set():
            await self._take(self._items.end())

    async def _next(self, requests: AsyncIterator[ImportGraphRequest]) -> ImportGraphRequest | None:
        """The next message; None at the end, or when the stream is to end."""
        if self._stop.is_set():
            return None
        reading = self._reading = asyncio.ensure_future(anext(requests, None))
        for seconds, all_came in ((PAUSE_SECONDS, False), (LONG_PAUSE_SECONDS, True)):
            if self._models and not await self._comes(reading, seconds):
                await self._create_models(all_came=all_came)
        await self._comes(reading, None)
        if not reading.done():
            return None
        self._reading = None
        return reading.result()

    async def _drain(self, requests: AsyncIterator[ImportGraphRequest]) -> None:
        """Reads off what the caller still sends when the stream is to end, for a while."""
        time = asyncio.get_running_loop().time
        end = time() + DRAIN_SECONDS
        while self._stop.is_set():
            reading = self._reading = self._reading or asyncio.ensure_future(anext(requests, None))
            await asyncio.wait({reading}, timeout=min(DRAIN_PAUSE_SECONDS, max(0.0, end - time())))
            if not reading.done() or reading.exception() is not None or reading.result() is None:
                return
            self._reading = None

    async def _comes(self, reading: asyncio.Future[Any], seconds: float | None) -> bool:
        """Tells whether a message comes, or the stream is to end, within so many seconds."""
        done, _ = await asyncio.wait({reading, self._stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def _take(self, items: Iterator[Item | None]) -> None:
        for item in items:
            if self._stop.is_set():
                return
            if item is not None:
                self._count_unreadable(item)
                await self._take_item(item)
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

    async def _take_item(self, item: Item) -> None:
        match item.write:
            case None:
                await self._report.add(item, item.error)
            case ModelWrite() as model:
                if not self._models.has_room_for(model):
                    await self._create_models()
                self._models.add(item, model)
            case DigitalTwinWrite(digital_twin_id, body) as write:
                await self._create_models()
                await self._ordering.submit(
                    partial(self._write, item, write), size=len(body.content), alone=[digital_twin_id]
                )
            case RelationshipWrite(source_id, relationship_id, target_id, body) as write:
                await self._create_models()
                await self._ordering.submit(
                    partial(self._write, item, write),
                    size=len(body.content),
                    alone=[(source_id, relationship_id)],
                    shared={source_id, target_id},
                )

    async def _write(self, item: Item, write: DigitalTwinWrite | RelationshipWrite) -> None:
        if self._hopeless:
            return
        try:
            answer = await self._pace.run(partial(self._put, write))
        except TwinfrontError as error:
            await self._fail(item, write, error)
        else:
            await self._report.add(item, etag="" if self._call.validate_only else answer.etag)

    async def _put(self, write: DigitalTwinWrite | RelationshipWrite) -> Answer:
        if isinstance(write, DigitalTwinWrite):
            return await self._upstream.twins.put(write.digital_twin_id, write.body, if_none_match=False)
        return await self._upstream.relationships.put(
            write.source_id, write.relationship_id, write.body, if_none_match=False
        )

    async def _create_models(self, *, all_came: bool = True) -> None:
        """Creates the models that are held.

        Args:
            all_came: whether none can come any more that these need; else those that seem to need one are held on to,
                and those that seemed to before are not tried again for nothing.
        """
        if not self._models or self._hopeless:
            return
        await self._ordering.idle()
        held = self._models.take() if all_came else self._models.take_promising()
        in_vain: list[HeldModel] = []
        outcomes = await upload_models(
            self._upstream, self._pace, [model for _, model in held], validate_only=self._call.validate_only
        )
        for (item, model), error in zip(held, outcomes, strict=True):
            if error is None:
                await self._report.add(item)
            elif error.reason is Reason.DTDL_INVALID and not all_came:
                in_vain.append((item, model))
            else:
                await self._fail(item, model, error)
        if in_vain:
            await asyncio.to_thread(self._models.put_back, in_vain)

    async def _fail(self, item: Item, write: Write, error: TwinfrontError) -> None:
        if error.reason in _HOPELESS:
            self._hopeless = True
            self._end(error)
        else:
            rename_fields(error, partial(item_field, write))
            await self._report.add(item, error)

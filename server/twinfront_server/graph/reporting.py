"""Reports to the caller of an import: how items ended, and how far the import is."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from google.rpc.status_pb2 import Status

from twinfront.v1.graph_service_pb2 import ImportGraphResponse, ImportOptions, ImportProgress, ImportResult
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.graph.item import DigitalTwinWrite, Item, ModelWrite, RelationshipWrite

MAX_RESULTS: Final = 500
MAX_BYTES: Final = 64 << 10
"""When a message is full."""

FLUSH_SECONDS: Final = 0.1
"""How long a message that is not full waits for more."""

_COUNTS: Final = {
    ModelWrite: "models_imported",
    DigitalTwinWrite: "digital_twins_imported",
    RelationshipWrite: "relationships_imported",
}
_OK: Final = Status()


class Report:
    """Gathers results into messages, one at a time: while a full one is not taken nobody can add to it."""

    def __init__(self) -> None:
        self._failures_only = False
        self._progress = ImportProgress()
        self._ended: set[int] = set()
        self._results: list[ImportResult] = []
        self._bytes = 0
        self._closed = False
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def begin(self, options: ImportOptions) -> None:
        """Takes over what the caller wants: where to begin to count, and which results to leave out."""
        self._failures_only = options.failures_only
        self._progress.acknowledged_count = options.resume_from

    async def add(self, item: Item, error: TwinfrontError | None = None, etag: str = "") -> None:
        """Notes that an item has ended; waits while the message is full."""
        while not self._room.is_set():
            await self._room.wait()
        progress = self._progress
        if error is None:
            count = _COUNTS[type(item.write)]
            setattr(progress, count, getattr(progress, count) + 1)
        else:
            progress.failed += 1
        current_call().item_ended(None if error is None else error.reason)
        self._acknowledge(item.index)
        if error is not None or not self._failures_only:
            status = _OK if error is None else error.status()
            result = ImportResult(index=item.index, status=status, resource=item.resource, etag=etag, line=item.line)
            self._results.append(result)
            self._bytes += result.ByteSize()
        self._news.set()
        if len(self._results) >= MAX_RESULTS or self._bytes >= MAX_BYTES:
            self._room.clear()
            self._urgent.set()

    def close(self) -> None:
        """Has the last message sent."""
        self._closed = True
        self._news.set()
        self._urgent.set()

    async def messages(self) -> AsyncGenerator[ImportGraphResponse]:
        """Gives each message once it is due, up to the last one."""
        while True:
            message, last = await self._next_message()
            yield message
            if last:
                return

    async def _next_message(self) -> tuple[ImportGraphResponse, bool]:
        await self._news.wait()
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._urgent.wait()
        except TimeoutError:
            pass
        message = ImportGraphResponse(results=self._results, progress=self._progress)
        self._results = []
        self._bytes = 0
        self._room.set()
        if not self._closed:
            self._news.clear()
            self._urgent.clear()
        return message, self._closed

    def _acknowledge(self, index: int) -> None:
        progress, ended = self._progress, self._ended
        ended.add(index)
        while progress.acknowledged_count in ended:
            ended.remove(progress.acknowledged_count)
            progress.acknowledged_count += 1

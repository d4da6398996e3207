"""A log of changes in memory, of any partitions."""

import asyncio
from datetime import datetime

from twinfront_server.adt.change import Change, Kind
from twinfront_server.upstream.changes.source import Batch, Extent, Items, ItemsPage, Order, Position


class LogInMemory:
    """A source of changes.

    Attributes:
        changes: all of them, as they came in.
        reads: how often it was read.
    """

    order = Order.PARTITION

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.reads = 0
        self._more = asyncio.Event()

    def add(self, digital_twin_id: str, partition: str = "0", kind: Kind = Kind.TWIN_UPDATED) -> Change:
        sequence = sum(change.partition == partition for change in self.changes)
        data = b'{"modelId": "m", "patch": []}'
        change = Change(
            partition,
            sequence,
            f"{partition}-{sequence}",
            kind,
            "2026-01-01T00:00:00Z",
            digital_twin_id,
            "",
            "",
            "m",
            data,
        )
        self.changes.append(change)
        self._more.set()
        self._more = asyncio.Event()
        return change

    @property
    def end(self) -> dict[str, int]:
        return {change.partition: change.sequence for change in self.changes}

    async def log_id(self) -> str:
        return "memory"

    async def extent(self) -> Extent:
        return Extent({}, self.end, None, None)

    async def newest(self) -> Position:
        return self.end

    async def at_time(self, time: datetime) -> Position:  # noqa: ARG002  (a log without times)
        return {}

    async def read(self, after: Position, limit: int) -> Batch:
        self.reads += 1
        behind = [change for change in self.changes if change.sequence > after.get(change.partition, -1)][:limit]
        return Batch(behind, {**after, **{change.partition: change.sequence for change in behind}})

    async def wait(self, after: Position, seconds: float) -> None:
        if not (await self.read(after, 1)).changes:
            async with asyncio.timeout(seconds):
                await self._more.wait()

    async def before_items(self) -> Position:
        return self.end

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:  # noqa: ARG002  (a log without a state)
        return ItemsPage((), None, None)

    async def close(self) -> None:
        await asyncio.sleep(0)

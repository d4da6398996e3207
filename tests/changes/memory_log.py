"""A log in partitions that is in memory, and fails when it is told to."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.changes.events import updated

from twinfront_server.adt.cloud_event import Event, change_of
from twinfront_server.errors import upstream_unavailable
from twinfront_server.upstream.changes.partitioned_log import Bounds, Entry, OutOfRangeError, Portion
from twinfront_server.upstream.changes.source import Order

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)

DELAY = timedelta(milliseconds=250)
LEAST = timedelta(milliseconds=1)


class MemoryLog:
    """Holds entries, one a second, each of something that happened a little before."""

    order = Order.PARTITION

    def __init__(self, *partitions: str) -> None:
        self._partitions: dict[str, list[Entry | None]] = {name: [] for name in partitions or ("0",)}
        self._firsts = dict.fromkeys(self._partitions, 0)
        self._grown = asyncio.Event()
        self.readers: list[MemoryReader] = []
        self.opened = 0
        self.is_down = False
        self.is_closed = False

    def add(self, twin_id: str = "room", partition: str = "0") -> int:
        made = self._time() - DELAY
        properties, body = updated(twin_id, 1, time=made.isoformat())
        return self.add_message(properties, body, partition)

    def add_message(self, properties: dict[str, Any], body: bytes, partition: str = "0") -> int:
        entries = self._partitions[partition]
        event = Event(partition, len(entries), self._time(), properties, body)
        entries.append(Entry(partition, event.sequence, event.time, change_of(event), len(body)))
        self._grow()
        return event.sequence

    def _time(self) -> datetime:
        return BEGIN + timedelta(seconds=sum(map(len, self._partitions.values())))

    def add_gap(self, partition: str = "0") -> None:
        """Leaves a number without an entry, as the end of a transaction does."""
        self._partitions[partition].append(None)
        self._grow()

    def add_partition(self, name: str) -> None:
        self._partitions[name], self._firsts[name] = [], 0

    def trim(self, before: int, partition: str = "0") -> None:
        self._firsts[partition] = before

    def cut(self, end: int, partition: str = "0") -> None:
        """Loses the newest entries."""
        del self._partitions[partition][end:]

    def _grow(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def require(self) -> None:
        if self.is_down:
            raise upstream_unavailable("The log is away. Try again.")

    async def log_id(self) -> str:
        self.require()
        return "memory"

    async def bounds(self) -> Mapping[str, Bounds]:
        self.require()
        return {
            name: Bounds(self._firsts[name], max(len(entries), self._firsts[name]))
            for name, entries in self._partitions.items()
        }

    async def since(self, time: datetime, bounds: Mapping[str, Bounds]) -> Mapping[str, int]:
        self.require()
        return {
            name: next(
                (
                    each.sequence
                    for each in self._partitions[name][reach.first :]
                    if each is not None and each.time >= time
                ),
                reach.end,
            )
            for name, reach in bounds.items()
        }

    async def open(self, starts: Mapping[str, int]) -> "MemoryReader":
        self.require()
        self.opened += 1
        reader = MemoryReader(self, dict(starts))
        self.readers.append(reader)
        return reader

    async def close(self) -> None:
        self.is_closed = True

    def portion(self, starts: dict[str, int], limit: int) -> Portion:
        found: list[Entry] = []
        for name, start in starts.items():
            if not self._firsts[name] <= start <= len(self._partitions[name]):
                raise OutOfRangeError
            for entry in self._partitions[name][start:]:
                if len(found) == limit:
                    break
                starts[name] += 1
                if entry is not None:
                    found.append(entry)
        return Portion(found, {name: start - 1 for name, start in starts.items()})

    async def grown(self) -> None:
        await self._grown.wait()


class MemoryReader:
    def __init__(self, log: MemoryLog, starts: dict[str, int]) -> None:
        self.starts = starts
        self._log = log

    async def read(self, limit: int, seconds: float) -> Portion:
        self._log.require()
        before = dict(self.starts)
        portion = self._log.portion(self.starts, limit)
        if self.starts == before:
            try:
                async with asyncio.timeout(seconds):
                    await self._log.grown()
            except TimeoutError:
                pass
            self._log.require()
            portion = self._log.portion(self.starts, limit)
        return portion

    async def close(self) -> None:
        self._log.readers.remove(self)

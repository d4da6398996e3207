"""A log in partitions, as a server that follows it sees it: an Event Hub, a Kafka topic, a localtwins elsewhere."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from twinfront_server.adt.cloud_event import Event, change_of
from twinfront_server.upstream.changes.source import Change, Kind, Order, Position


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the log.

    Attributes:
        partition: the partition that it is in.
        sequence: its number there.
        time: when the log took it.
        change: the change; None if it is no event of a graph.
        size: its bytes, as far as they count.
    """

    partition: str
    sequence: int
    time: datetime
    change: Change | None
    size: int

    @property
    def made(self) -> datetime:
        """When what it tells of happened; telemetry may tell any time, and counts from when it was taken."""
        if self.change is None or self.change.kind is Kind.TELEMETRY:
            return self.time
        return datetime.fromisoformat(self.change.time)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far one partition reaches.

    Attributes:
        first: the number of the oldest entry that is still there; `end` if there is none.
        end: the number that the next entry will have.
        newest_time: when the newest entry was taken, if the log tells that without its being read.
        certain_from: from this number on each up to the end is of an entry, and means it for ever. Of those before some
            may never have been, or be of entries that an older state of the log has not: only to read there tells.
    """

    first: int
    end: int
    newest_time: datetime | None = None
    certain_from: int = 0


def oldest_of(bounds: Mapping[str, Bounds]) -> Position:
    """Gives the place before the oldest entry of each partition."""
    return {name: each.first - 1 for name, each in bounds.items()}


def newest_of(bounds: Mapping[str, Bounds]) -> Position:
    """Gives the place behind the newest entry of each partition."""
    return {name: each.end - 1 for name, each in bounds.items()}


@dataclass(frozen=True, slots=True)
class Portion:
    """Entries that were read at once.

    Attributes:
        entries: in the order of each partition.
        passed: partition -> the last number that was passed, which may be behind that of its last entry: a log may
            have numbers without entries.
        complete_until: the time before which the log has nothing behind these, in seconds since 1970; None where nobody
            can tell.
    """

    entries: Sequence[Entry]
    passed: Position
    complete_until: float | None = None


class OutOfRangeError(Exception):
    """A reader is at a place that the log does not have: what was there is trimmed, or was never there."""


_SLICE_BYTES: Final = 128 << 10
"""How much is parsed before others get the event loop."""


async def entries_of(events: Iterable[Event]) -> list[Entry]:
    """Reads messages that may be CloudEvents."""
    entries, size = [], 0
    for event in events:
        entries.append(Entry(event.partition, event.sequence, event.time, change_of(event), len(event.body)))
        size += len(event.body)
        if size >= _SLICE_BYTES:
            size = 0
            await asyncio.sleep(0)
    return entries


class LogReader(Protocol):
    """Reads some partitions onwards, each from a place. It raises `TwinfrontError` for what goes wrong."""

    async def read(self, limit: int, seconds: float) -> Portion:
        """Gives what comes next, at most so many entries; waits so long at most if there is nothing.

        Raises:
            OutOfRangeError: the log does not have what comes next.
        """

    async def close(self) -> None:
        """Ends what the reader has running."""


class PartitionedLog(Protocol):
    """A log in partitions. Its methods raise `TwinfrontError` for what goes wrong."""

    @property
    def order(self) -> Order:
        """The order that changes keep."""

    async def log_id(self) -> str:
        """Gives what tells this log from all others."""

    async def bounds(self) -> Mapping[str, Bounds]:
        """Tells how far each partition reaches."""

    async def since(self, time: datetime, bounds: Mapping[str, Bounds]) -> Mapping[str, int]:
        """Gives for each partition the number of the first entry that was taken at or after a time; its end if none.

        Args:
            time: the time.
            bounds: how far each partition reaches, as `bounds` has just told.
        """

    async def open(self, starts: Mapping[str, int]) -> LogReader:
        """Opens a reader that begins with these numbers."""

    async def close(self) -> None:
        """Ends what the log has running."""

"""Readers for those who are further behind than what is kept in memory."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import Final

from twinfront_server.errors import TwinfrontError, upstream_unavailable
from twinfront_server.upstream.changes.partitioned_log import LogReader, PartitionedLog, Portion
from twinfront_server.upstream.changes.source import Batch, Position

READERS: Final = 2
"""How many there are beside the one that follows: an Event Hub allows 5 for each partition and consumer group, in which
other servers read as well."""

PATIENCE: Final = 5.0
"""Seconds that somebody waits for a reader, and for what it reads."""

_RETRY_AFTER: Final = 2.0
_KEPT_OPEN: Final = 10.0

_Place = frozenset[tuple[str, int]]


class CatchingUp:
    """Reads from places of long ago, with few readers for all who are there.

    A reader stays open for a while, for whoever reads on where it stands: to open one takes an Event Hub longer than to
    read a batch.

    Args:
        log: what is read.
    """

    def __init__(self, log: PartitionedLog) -> None:
        self._log = log
        self._places = asyncio.Semaphore(READERS)
        self._in_use = 0
        self._resting: dict[_Place, tuple[LogReader, asyncio.TimerHandle]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def read(self, after: Position, partitions: Mapping[str, int], limit: int) -> Batch:
        """Gives the next changes behind a position in some partitions; at least the position goes on.

        Raises:
            OutOfRangeError: the log does not have them.
            TwinfrontError: the log cannot be read, or too many want to.
        """
        starts = {name: after.get(name, -1) + 1 for name in partitions}
        async with self._reader(starts) as reader:
            portion = await _next(reader, starts, limit)
            position = {**after, **portion.passed}
            for entry in portion.entries:
                position[entry.partition] = max(position.get(entry.partition, -1), entry.sequence)
            starts.update((name, position[name] + 1) for name in starts if name in position)
        return Batch([entry.change for entry in portion.entries if entry.change is not None], position)

    async def first(self, starts: Mapping[str, int]) -> Portion:
        """Gives what stands at some places, at least at one of them.

        Raises:
            OutOfRangeError, TwinfrontError: as above.
        """
        async with self._reader(dict(starts), rests=False) as reader:
            return await _next(reader, starts, len(starts))

    async def close(self) -> None:
        """Closes all readers."""
        for place in list(self._resting):
            self._end(place)
        await asyncio.gather(*self._ending)

    @asynccontextmanager
    async def _reader(self, starts: dict[str, int], *, rests: bool = True) -> AsyncIterator[LogReader]:
        """Gives a reader at some places; those where it then stands are put into `starts` meanwhile."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            message = "Too many watches are catching up with changes of long ago. Try again."
            raise upstream_unavailable(message, retry_after=_RETRY_AFTER) from None
        self._in_use += 1
        try:
            reader = await self._open(starts)
            try:
                yield reader
            except BaseException:
                await reader.close()
                raise
            if rests and _place(starts) not in self._resting:
                timer = asyncio.get_running_loop().call_later(_KEPT_OPEN, self._end, _place(starts))
                self._resting[_place(starts)] = reader, timer
            else:
                await reader.close()
        finally:
            self._in_use -= 1
            self._places.release()

    async def _open(self, starts: Mapping[str, int]) -> LogReader:
        resting = self._resting.pop(_place(starts), None)
        if resting is not None:
            reader, timer = resting
            timer.cancel()
            return reader
        while self._resting and self._in_use + len(self._resting) > READERS:
            self._end(next(iter(self._resting)))
        await asyncio.gather(*self._ending)
        return await self._log.open(starts)

    def _end(self, place: _Place) -> None:
        reader, timer = self._resting.pop(place)
        timer.cancel()
        ending = asyncio.get_running_loop().create_task(_close(reader), context=Context())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


async def _next(reader: LogReader, starts: Mapping[str, int], limit: int) -> Portion:
    """Reads until something has come, or was passed."""
    until = asyncio.get_running_loop().time() + PATIENCE
    while (left := until - asyncio.get_running_loop().time()) > 0:
        portion = await reader.read(limit, left)
        if portion.entries or any(portion.passed.get(name, -1) >= start for name, start in starts.items()):
            return portion
    raise upstream_unavailable("The source of changes does not deliver what it has. Try again.")


async def _close(reader: LogReader) -> None:
    with suppress(TwinfrontError):
        await reader.close()


def _place(starts: Mapping[str, int]) -> _Place:
    return frozenset(starts.items())

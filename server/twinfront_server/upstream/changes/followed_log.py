"""A log in partitions, followed once for all watches of the process."""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from twinfront_program.log import get_logger
from twinfront_server.background import end_unheard
from twinfront_server.errors import TwinfrontError, upstream_unavailable
from twinfront_server.metric_table import EventOutcome
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes.catching_up import CatchingUp
from twinfront_server.upstream.changes.partitioned_log import (
    Bounds,
    Entry,
    OutOfRangeError,
    PartitionedLog,
    Portion,
    newest_of,
    oldest_of,
)
from twinfront_server.upstream.changes.ring import WARM, Ring
from twinfront_server.upstream.changes.source import Batch, Change, ChangesLostError, Extent, Kind, Order, Position

_PORTION: Final = 200
_POLL_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 60.0
"""How often it is looked whether there are more partitions than there were."""

_BRIDGED_SECONDS: Final = 10.0
"""For how long a source may be away before watches are told: a broker that is restarted is back by then."""

_FIRST_SECONDS: Final = 2.0
"""How long is waited for what the log has at its end, where that is asked for first."""

_LEAST: Final = timedelta(milliseconds=1)
"""The difference of times that logs tell apart."""

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 3.0


class FollowedLog:
    """Reads what is new into memory, for all to read from there; who is further behind reads the log with few readers.

    It begins with the first call. What goes wrong is tried again for ever; whoever reads is told after a while.

    Attributes:
        unreadable_at: when the log took the newest event that was read and makes no sense; None if there was none.

    Args:
        log: the log.
        ring: what holds the newest changes.
        on_event: told of the kind of each message that is new.
        on_failure: told the reason whenever the log cannot be followed.
    """

    def __init__(
        self,
        log: PartitionedLog,
        ring: Ring | None = None,
        on_event: Callable[[EventOutcome], None] = lambda _outcome: None,
        on_failure: Callable[[Reason], None] = lambda _reason: None,
    ) -> None:
        self._log = log
        self._ring = Ring() if ring is None else ring
        self._on_event = on_event
        self._on_failure = on_failure
        self._catching_up = CatchingUp(log)
        self._following: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Mapping[str, Bounds]] | None = None
        self._news = asyncio.Event()
        self._ends: dict[str, int] | None = None
        self._complete_until: float | None = None
        self._failure: TwinfrontError | None = None
        self._failing_since = 0.0
        self.unreadable_at: datetime | None = None
        self._bridging: asyncio.TimerHandle | None = None
        self._oldest: dict[tuple[str, int], Entry] = {}

    @property
    def order(self) -> Order:
        """The order that changes keep."""
        return self._log.order

    async def log_id(self) -> str:
        """Gives what tells this log from all others."""
        try:
            return await self._log.log_id()
        except TwinfrontError as error:
            if error.reason is not Reason.CHANGES_UNSUPPORTED:  # there is a source, and it fails
                self._on_failure(error.reason)
            raise

    async def extent(self) -> Extent:
        """Tells how far the log reaches now."""
        self._begin()
        bounds = await self._bounds()
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_SECONDS):
                while not (self._is_current or self._failure):
                    await self._news.wait()
        oldest_time = None
        with suppress(TwinfrontError):  # nobody is to be kept from the end of the log for what is at its beginning
            oldest_time = await self._oldest_time(bounds)
        return Extent(
            oldest=oldest_of(bounds),
            newest=newest_of(bounds),
            oldest_time=oldest_time,
            newest_time=max((entry.made for entry in self._ring.newest.values()), default=None),
        )

    async def newest(self) -> Position:
        """Gives the place behind the newest change."""
        self._begin()
        return newest_of(await self._bounds())

    async def at_time(self, time: datetime) -> Position:
        """Gives the place before the first change at or after a time.

        Raises:
            ChangesLostError: the log does not reach back that far.
        """
        bounds = await self._bounds()
        since = await self._log.since(time, bounds)
        starts = {name: max(since.get(name, each.first), each.first) for name, each in bounds.items()}
        for name, each in bounds.items():
            if each.first and starts[name] == each.first and not await self._reaches_back(name, each, time):
                raise ChangesLostError(await self._oldest_time(bounds))
        return {name: start - 1 for name, start in starts.items()}

    async def _reaches_back(self, name: str, bounds: Bounds, time: datetime) -> bool:
        """Tells whether all that is trimmed of a partition was taken before a time."""
        if bounds.first == bounds.end:
            read = self._ring.newest.get(name)
            newest = bounds.newest_time or (None if read is None else read.time)
            return newest is not None and newest < time
        oldest = (await self._oldest_entries({name: bounds})).get(name)
        return oldest is not None and oldest.time < time

    async def read(self, after: Position, limit: int) -> Batch:
        """Gives the changes behind a position that are there; waits if it is not known yet what is there.

        Raises:
            ChangesLostError: some of them are lost.
            TwinfrontError: the log cannot be reached.
        """
        self._begin()
        is_known = False
        while True:
            if self._ring.heads and not is_known:
                if after.keys() - self._ring.heads.keys():
                    await self._require(after)
                is_known = True
            if lacking := self._ring.lacks(after):
                return await self._catch_up(after, lacking, limit)
            if self._ring.has_news(after):
                break
            if self._is_current:
                if self._is_ahead(after):
                    await self._require(after)
                break
            self._raise_failure()
            await self._news.wait()
        batch = self._ring.read(after, limit)
        return batch if batch.changes else replace(batch, complete_until=self._complete_until)

    async def wait(self, after: Position, seconds: float) -> None:
        """Returns once there may be changes behind a position, or when the time is over."""
        self._begin()
        try:
            async with asyncio.timeout(seconds):
                while not (self._ring.has_news(after) or self._ring.lacks(after) or self._is_down):
                    await self._news.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Ends the following, and the log's connections."""
        for task in (self._following, self._asking):
            if task is not None:
                await end_unheard(task)
        self._end_bridging()
        await self._catching_up.close()
        await self._log.close()

    async def _catch_up(self, after: Position, lacking: Mapping[str, int], limit: int) -> Batch:
        try:
            return await self._catching_up.read(after, lacking, limit)
        except OutOfRangeError:
            await self._require(after)
            # Within the log and yet not in it: an older state of the log was put in the place of a later one.
            raise ChangesLostError(await self._oldest_time(await self._bounds()), trimmed=False) from None

    async def _require(self, after: Position) -> None:
        """Sees to it that the log has, or will have, what comes behind a position.

        Raises:
            ChangesLostError: it has trimmed it, or does not go as far as that.
        """
        bounds = await self._bounds()
        ends = {name: each.end for name, each in bounds.items()}
        if any(sequence >= ends.get(name, 0) for name, sequence in after.items()):
            raise ChangesLostError(await self._oldest_time(bounds), trimmed=False)
        if any(after.get(name, -1) + 1 < each.first for name, each in bounds.items()):
            raise ChangesLostError(await self._oldest_time(bounds))

    def _is_ahead(self, after: Position) -> bool:
        heads = self._ring.heads
        return any(sequence > heads.get(name, -1) for name, sequence in after.items())

    async def _bounds(self) -> Mapping[str, Bounds]:
        """Asks the log how far it reaches; who asks while somebody else does gets that answer."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.get_running_loop().create_task(self._log.bounds(), context=Context())
        return await asyncio.shield(self._asking)

    async def _oldest_time(self, bounds: Mapping[str, Bounds]) -> datetime | None:
        """Gives when the oldest change was made; of a log that is trimmed, the time from which on it has them all."""
        oldest = await self._oldest_entries(bounds)
        if trimmed := [entry.time for name, entry in oldest.items() if bounds[name].first]:
            return max(trimmed) + _LEAST
        return min((entry.made for entry in oldest.values()), default=None)

    async def _oldest_entries(self, bounds: Mapping[str, Bounds]) -> dict[str, Entry]:
        """Gives the oldest entry of each partition, of those that have one."""
        firsts = {name: each.first for name, each in bounds.items() if each.first < each.end}
        while missing := {name: first for name, first in firsts.items() if (name, first) not in self._oldest}:
            try:
                portion = await self._catching_up.first(missing)
            except OutOfRangeError:  # trimmed meanwhile
                return {}
            found = {entry.partition: entry for entry in reversed(portion.entries)}
            if not found:
                return {}
            kept = {place: entry for place, entry in self._oldest.items() if place[0] not in found}
            self._oldest = kept | {(name, missing[name]): entry for name, entry in found.items()}
        return {name: self._oldest[name, first] for name, first in firsts.items()}

    @property
    def _is_current(self) -> bool:
        """Tells whether all has been read that there was when the reading began."""
        if self._ends is None:
            return False
        heads = self._ring.heads
        return all(heads[name] + 1 >= end for name, end in self._ends.items())

    @property
    def _is_down(self) -> bool:
        """Tells whether the source has been away for too long, or was never there."""
        return self._failure is not None and (self._bridging is None or not self._ring.heads)

    def _raise_failure(self) -> None:
        if self._is_down and self._failure is not None:
            raise self._failure.renewed()

    def _begin(self) -> None:
        if self._following is None:
            self._following = asyncio.get_running_loop().create_task(self._follow(), context=Context())

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._follow_for_a_while()
                continue
            except OutOfRangeError:
                self._fail(upstream_unavailable("Changes were trimmed before this server had read them. Try again."))
            except TwinfrontError as error:
                self._fail(error)
            except Exception:  # noqa: BLE001  (what a client library raises beside its own must not end this for ever)
                get_logger().exception("the source of changes cannot be followed")
                self._fail(upstream_unavailable("The source of changes cannot be followed. Try again."))
            failing = loop.time() - self._failing_since
            pause = min(max(failing, _FIRST_PAUSE), _LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter, no secret)

    async def _follow_for_a_while(self) -> None:
        """Follows the log until it has other partitions."""
        loop = asyncio.get_running_loop()
        bounds = await self._log.bounds()
        reader = await self._log.open(self._starts(bounds))
        try:
            self._ends = {name: each.end for name, each in bounds.items()}
            self._works()
            look_at = loop.time() + _LOOK_SECONDS
            while True:
                self._take(await reader.read(_PORTION, _POLL_SECONDS))
                if loop.time() >= look_at:
                    if (await self._log.bounds()).keys() != bounds.keys():
                        return
                    look_at = loop.time() + _LOOK_SECONDS
                await asyncio.sleep(0)  # a library that has more in its buffer does not wait
        finally:
            self._ends = None
            await reader.close()

    def _starts(self, bounds: Mapping[str, Bounds]) -> dict[str, int]:
        """Gives where to read on; a partition begins a little before its end, so that there is something in memory."""
        starts = {}
        heads = self._ring.heads
        self._ring.keep(bounds)
        for name, each in bounds.items():
            start = heads.get(name, -2) + 1
            first = max(each.first, each.certain_from)
            if not first <= start <= each.end:
                start = max(first, each.end - WARM // len(bounds))
                self._ring.begin(name, start)
            starts[name] = start
        return starts

    def _take(self, portion: Portion) -> None:
        for entry in portion.entries:
            self._on_event(_outcome(entry.change))
            if entry.change is not None and entry.change.kind is Kind.UNREADABLE:
                self.unreadable_at = entry.time
                at = {"partition": entry.partition, "sequence": entry.sequence}
                get_logger().warning("an event makes no sense", **at, cause=entry.change.data.decode())
        if portion.complete_until is not None:
            self._complete_until = portion.complete_until
        if self._ring.add(portion):
            self._tell()

    def _works(self) -> None:
        if self._failure is not None:
            self._failure = None
            self._end_bridging()
            get_logger().warning("the source of changes is followed again")
        self._tell()

    def _fail(self, failure: TwinfrontError) -> None:
        loop = asyncio.get_running_loop()
        self._on_failure(failure.reason)
        if self._failure is None:
            self._failing_since = loop.time()
            cause = f"{failure.message} {failure.__cause__ or ''}".strip()
            get_logger().warning("the source of changes cannot be followed, and is tried again", cause=cause)
            self._bridging = loop.call_later(_BRIDGED_SECONDS, self._end_bridging)
        self._failure = failure
        self._tell()

    def _end_bridging(self) -> None:
        if self._bridging is not None:
            self._bridging.cancel()
            self._bridging = None
        self._tell()

    def _tell(self) -> None:
        """Wakes whoever waits for news."""
        news, self._news = self._news, asyncio.Event()
        news.set()


def _outcome(change: Change | None) -> EventOutcome:
    if change is None:
        return "foreign"
    return "unreadable" if change.kind is Kind.UNREADABLE else "change"

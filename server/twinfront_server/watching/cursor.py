"""Reads the log from a place on for one watch: by itself while it is behind, through the feed once it has come near."""

from collections.abc import Mapping, Sequence
from typing import Final

from twinfront_server.adt.change import Change
from twinfront_server.upstream.changes.source import ChangeSource, Order, Position
from twinfront_server.watching.feed import BATCH, LONGEST_WAIT, Entry, Feed, Reader, is_behind

SLICE: Final = 128
SLICE_BYTES: Final = 128 << 10
"""How many changes, and how much data of them, are looked at before others get the event loop."""


class Cursor:
    """A place in the log, and what comes behind it.

    Attributes:
        position: the place; whoever tells changes moves it on with `pass_over`.
        time: when the source took the last change that was passed over; empty for none.

    Args:
        source: the log.
        feed: its end, as all watches read it.
        reader: says which changes matter.
        position: where to begin.
    """

    def __init__(self, source: ChangeSource, feed: Feed, reader: Reader, position: Position) -> None:
        self._source = source
        self._feed = feed
        self._reader = reader
        self._has_joined = False
        self._complete_until: float | None = None
        self._read: Sequence[Entry] = ()
        self._taken = 0
        self._end: Mapping[str, int] = {}
        self.position: dict[str, int] = dict(position)
        self.time = ""

    def move_to(self, position: Position) -> None:
        """Goes to another place."""
        self.leave()
        self.position = dict(position)

    def leave(self) -> None:
        """Leaves the feed, and forgets what was read and not passed over."""
        self._read, self._taken, self._end = (), 0, {}
        if self._has_joined:
            self._has_joined = False
            self._feed.leave(self._reader)

    def pass_over(self, change: Change) -> None:
        """Moves on behind a change."""
        self.position[change.partition] = change.sequence
        self.time = change.taken

    async def some(self) -> list[Entry]:
        """Gives the next changes, a slice of them; none at the end of the log. All of them are to be passed over.

        Raises:
            ChangesLostError: some of them are lost.
        """
        while True:
            if self._taken == len(self._read):
                self._reach(self._end)
                self._end = {}
                self._read, self._taken = await self._next(), 0
                if not self._read:
                    return []
            first, size = self._taken, 0
            while self._taken < len(self._read) and self._taken - first < SLICE and size < SLICE_BYTES:
                size += len(self._read[self._taken].change.data)
                self._taken += 1
            some = [entry for entry in self._read[first : self._taken] if is_behind(entry.change, self.position)]
            if some:
                return some

    async def some_until(self, position: Position) -> list[Entry]:
        """Gives the next changes up to a position that the log has reached; none behind it.

        Where the log is read over a network, what is asked beside it may be ahead of what has come of it: that is
        waited for.
        """
        some = await self.some()
        while not some and any(sequence > self.position.get(name, -1) for name, sequence in position.items()):
            self.leave()
            await self._source.wait(self.position, LONGEST_WAIT)
            some = await self.some()
        kept = [entry for entry in some if not is_behind(entry.change, position)]
        if len(kept) < len(some) or not some:
            self.leave()  # what is behind it is read once more, when its turn comes
            if not kept:
                self._reach(position)
        return kept

    async def wait(self, until: float) -> None:
        """Returns when there may be more, at a time of the event loop's at the latest, or when it is woken.

        Raises:
            TwinfrontError: what keeps the source from being read.
        """
        if self._has_joined:
            await self._reader.wait(until)

    def complete_until(self) -> float | None:
        """Gives the time before which no change is behind the place, in seconds since 1970; None if nobody knows."""
        has_all = self._has_joined and self._reader.first is None and self._taken == len(self._read)
        if not has_all or self._source.order is not Order.TOTAL:
            return None
        # Of a feed that has not read yet, as for the first watch of all, the own reading knows.
        return self._feed.complete_until or self._complete_until

    def behind_since(self) -> str:
        """Gives the time of a change near which the watch is, if it is behind; empty if it is not."""
        if self._has_joined:
            first = self._reader.first
            if first is None:
                return ""
            if self._feed.has(first):
                return self._feed.at(first).change.taken
        return self.time

    def _reach(self, position: Position) -> None:
        """Moves on to a position, where it lies ahead: the feed may not have come as far as this by itself."""
        for partition, sequence in position.items():
            if sequence > self.position.get(partition, -1):
                self.position[partition] = sequence

    async def _next(self) -> Sequence[Entry]:
        if self._has_joined:
            first = self._reader.first
            if first is None:
                self._reach(self._feed.position)
                return ()
            if self._feed.has(first):
                self._reader.first = None
                self._end = dict(self._feed.position)
                return [entry for _, entry in self._feed.entries(first)]
            self.leave()
        batch = await self._source.read(self.position, BATCH)
        if not batch.changes:
            self._complete_until = batch.complete_until
            self._reach(batch.position)
            self._has_joined = self._feed.join(self._reader, self.position)
            return await self._next() if self._has_joined and self._reader.first is not None else ()
        self._end = batch.position
        return [Entry(change) for change in batch.changes]

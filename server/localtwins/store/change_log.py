"""The door for whoever follows the graph: the log of changes, and states of the graph that fit to it.

A follower reads the log from behind a position, at its own pace, and waits when there is nothing more. Positions count
up, by one while a process runs; see `change_appending`. What is trimmed from the far end is lost, and a follower that
is behind it is told so.

To begin with the graph as it is, a follower notes the newest position, reads all items page by page, and then the log
from behind the position that it has noted. Each page tells the position that it was read at: changes of its items up
to there are in it already.

    log = service.changes
    start = log.extent().newest
    page = log.items(Items.DIGITAL_TWINS, after="", limit=100)
    ...
    changes = log.read(start, 100)
    await log.wait(changes[-1].position, 60)
"""

import asyncio
import enum
import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from localtwins.engine.clock import datetime_of, ticks_of
from localtwins.store.change import Change

if TYPE_CHECKING:
    from localtwins.store.database import Database

MOST_BYTES: Final = 1 << 20
"""How much JSON a page of changes or items may have, and one more of them."""

_BETWEEN_IDS: Final = "/"
"""Stands in no id."""


class Items(enum.Enum):
    """Names the two lists that a state of the graph is made of."""

    DIGITAL_TWINS = "twins"
    """In the order of their ids, by code points; a place is the id of a twin."""

    RELATIONSHIPS = "relationships"
    """In the order of the ids of their sources, then their own; a place is `SOURCE/ID`."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the log reaches.

    Attributes:
        oldest: the position from behind which all changes are there.
        newest: the position of the newest change; equal to `oldest` if none is there.
        begun: the position from behind which changes are of this process, so that each number means one.
        oldest_time: when the oldest change that is there was logged; None if none is there.
        newest_time: likewise.
    """

    oldest: int
    newest: int
    begun: int
    oldest_time: datetime | None
    newest_time: datetime | None


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """A page of a state of the graph.

    Attributes:
        documents: the JSON of twins or relationships as GET answers them, in order.
        next: the place behind which the next page begins; None on the last one.
        as_of: the position of the last change that the page has seen; it has seen all before, and none after.
    """

    documents: Sequence[bytes]
    next: str | None
    as_of: int


class ChangesLostError(Exception):
    """Tells a follower that the log cannot go on from where it is.

    It was trimmed, or an older state of the database was put in place of the one that the follower has seen.

    Attributes:
        extent: how far the log reaches.
    """

    def __init__(self, extent: Extent) -> None:
        super().__init__(f"the log has the changes from {extent.oldest + 1} to {extent.newest}")
        self.extent = extent


class ChangeLogClosedError(Exception):
    """Ends a wait: the service is being closed."""

    def __init__(self) -> None:
        super().__init__("the change log is closed")


class ChangeLog:
    """Reads the log of a database in its event loop; each read is short.

    Args:
        database: has the log.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._waiting: set[asyncio.Future[None]] = set()
        self._told = database.newest_change
        self._closed = False
        self._stack = ExitStack()
        self._stack.enter_context(database.listening(self._on_commit))
        self.log_id: Final = uuid.UUID(database.read.change_log_id())
        """Tells this log from all others, for as long as the database lives."""

    @property
    def waiting(self) -> int:
        """Counts those that wait."""
        return len(self._waiting)

    def extent(self) -> Extent:
        """Tells how far the log reaches."""
        oldest, newest, begun, oldest_ticks, newest_ticks = self._database.read.changes_extent()
        return Extent(
            oldest,
            newest,
            begun,
            None if oldest_ticks is None else datetime_of(oldest_ticks),
            None if newest_ticks is None else datetime_of(newest_ticks),
        )

    def read(self, after: int, limit: int, max_bytes: int = MOST_BYTES) -> list[Change]:
        """Gives the changes behind a position that are there, in order, without waiting for any.

        There are at most `limit`, and none more once they have `max_bytes` of data.

        Raises:
            ChangesLostError: some of them are not there any more, or the log has not come that far.
        """
        changes = self._database.read.changes(after, limit, max_bytes)
        if not self._database.read.leads_on(after):  # asked last, since what comes first may be trimmed meanwhile
            raise ChangesLostError(self.extent())
        return changes

    def at_time(self, time: datetime) -> int:
        """Gives the position before the first change that was logged at a time or later.

        Raises:
            ChangesLostError: the log does not reach back that far.
        """
        ticks = ticks_of(time)
        read = self._database.read
        before, end = read.changes_lost().position, read.last_position() + 1
        while end - before > 1:
            middle = (before + end) // 2
            found = read.change_from(middle)
            if found is not None and found[1] < ticks:
                before = found[0]
            else:
                end = middle
        if ticks <= read.changes_lost().ticks or not read.leads_on(before):
            raise ChangesLostError(self.extent())
        return before

    async def wait(self, after: int, seconds: float) -> None:
        """Returns when there are changes behind a position, or when the time is over.

        Raises:
            ChangeLogClosedError: the service is being closed.
        """
        if self._closed:
            raise ChangeLogClosedError
        if self._database.newest_change > after:
            return
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._waiting.add(woken)
        timer = loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()
            self._waiting.discard(woken)
        if self._closed:
            raise ChangeLogClosedError

    def items(self, kind: Items, after: str, limit: int, max_bytes: int = MOST_BYTES) -> ItemsPage:
        """Gives the twins or relationships behind a place as they are now, and the position that this now is.

        Args:
            kind: of what.
            after: the `next` of the page before; empty for the first.
            limit: how many at the most.
            max_bytes: none more follow once the documents have so many.
        """
        if kind is Items.DIGITAL_TWINS:
            state = self._database.read.digital_twins_with_position(after, limit, max_bytes)
        else:
            source_id, _, relationship_id = after.partition(_BETWEEN_IDS)
            state = self._database.read.relationships_with_position(source_id, relationship_id, limit, max_bytes)
        place = _BETWEEN_IDS.join(state.last) if state.more else None
        return ItemsPage(state.documents, place, state.position)

    def close(self) -> None:
        """Ends all waits; what is there can be read on."""
        self._closed = True
        self._stack.close()
        self._wake_all()

    def _on_commit(self) -> None:
        newest = self._database.newest_change
        if newest != self._told:
            self._told = newest
            self._wake_all()

    def _wake_all(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for woken in waiting:
            _wake(woken)


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)

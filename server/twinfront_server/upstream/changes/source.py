"""The protocol of sources of changes: they are read behind a position, waited for, and tell how far they reach."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from twinfront_server.adt.change import Change, Kind

__all__ = [
    "Batch",
    "Change",
    "ChangeSource",
    "ChangesLostError",
    "Extent",
    "Items",
    "ItemsPage",
    "Kind",
    "Order",
    "Position",
]

Position: TypeAlias = Mapping[str, int]
"""The place behind the last change that was read: the sequence number of that change in each partition.

localtwins has one partition, with an empty name. A partition that is not there is read from its beginning.
"""


class Order(enum.Enum):
    """Tells which order changes keep; the value is the number of the contract's Order."""

    TOTAL = 1
    PARTITION = 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that were read at once.

    Attributes:
        changes: in order.
        position: the place behind all that was read, which may be more than these.
        complete_until: if there are no changes, the time before which none is behind this place, in seconds since 1970,
            by the clock that the log goes by; None where nobody can tell.
    """

    changes: Sequence[Change]
    position: Position
    complete_until: float | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a log reaches.

    Attributes:
        oldest: the place before the oldest change that is still there.
        newest: the place behind the newest one.
        oldest_time: when that was made; None if there is none.
        newest_time: likewise.
    """

    oldest: Position
    newest: Position
    oldest_time: datetime | None
    newest_time: datetime | None


class Items(enum.Enum):
    """Names what a state is made of."""

    DIGITAL_TWINS = "twins"
    RELATIONSHIPS = "relationships"


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """A page of the state.

    Attributes:
        documents: the JSON of each twin or relationship as GET answers it.
        next: where the next page begins; None on the last one.
        as_of: the position at which this page was read; None where the source cannot tell, as with a query. A source
            that can gives items in the order of their ids, by code points: twins by `$dtId`, relationships by
            `$sourceId`, then `$relationshipId`. The place behind an item is its id, `SOURCE/ID` of a relationship, and
            any such text is one that `items` takes.
    """

    documents: Sequence[bytes]
    next: str | None
    as_of: Position | None


class ChangesLostError(Exception):
    """The source no longer has what came behind a position.

    Args:
        oldest_time: when the oldest change was made that it has; None if there is none.
        trimmed: whether they were trimmed for their age or number; else the source itself has lost them.
    """

    def __init__(self, oldest_time: datetime | None, *, trimmed: bool = True) -> None:
        super().__init__("the changes behind this position are lost")
        self.oldest_time = oldest_time
        self.trimmed = trimmed


class ChangeSource(Protocol):
    """A log of changes that is read from any position, by any number of readers, each at its own pace.

    Its methods raise `TwinfrontError` for what goes wrong with the source, UPSTREAM_UNAVAILABLE above all.
    """

    @property
    def order(self) -> Order:
        """The order that changes keep."""

    async def log_id(self) -> str:
        """Gives what tells this log from all others, as long as it lives."""

    async def extent(self) -> Extent:
        """Tells how far the log reaches."""

    async def newest(self) -> Position:
        """Gives the place behind the newest change, which takes less than to tell how far the log reaches."""

    async def at_time(self, time: datetime) -> Position:
        """Gives the place before the first change at or after a time.

        Raises:
            ChangesLostError: the log does not reach back that far.
        """

    async def read(self, after: Position, limit: int) -> Batch:
        """Gives the changes behind a position that are there, at once; an empty batch if there are none.

        Raises:
            ChangesLostError: some of them are lost.
        """

    async def wait(self, after: Position, seconds: float) -> None:
        """Returns once there may be changes behind a position, or when the time is over."""

    async def before_items(self) -> Position:
        """Gives the place from which changes follow a list of items that is begun now, so that none is missed."""

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        """Gives a page of the state.

        Args:
            kind: of what.
            after: the `next` of the page before, or the place behind an item; empty for the first.
            limit: how many at the most.
        """

    async def close(self) -> None:
        """Ends what the source has running."""

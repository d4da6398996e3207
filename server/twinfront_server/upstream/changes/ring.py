"""The newest changes of a log, read once and kept for all who follow it.

They are kept as they were read, as many as there is room for: who comes with a place of a while ago needs no reader of
the log then, and of those there are few. The feed (`watching/feed.py`) is for another end, and for every source: while
there are watches it has the last few parsed, and wakes those whom they may concern.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from twinfront_server.upstream.changes.partitioned_log import Entry, Portion
from twinfront_server.upstream.changes.source import Batch, Change, Position

MAX_CHANGES: Final = 20_000
MAX_BYTES: Final = 32 << 20

WARM: Final = 2_000
"""How many entries before the end it begins with, in all partitions together: who lost a connection to a server that is
gone comes to the next one with a token of a moment ago."""


@dataclass(slots=True)
class _Partition:
    """The newest changes of one partition.

    Attributes:
        floor: every change behind this number, up to `head`, is here.
        head: the last number that was passed.
        changes: with their place in the order in which all were read.
        dropped: how many of the lists' first ones are no longer there.
    """

    floor: int
    head: int
    newest: Entry | None = None
    sequences: list[int] = field(default_factory=list)
    changes: list[tuple[int, Change, int]] = field(default_factory=list)
    dropped: int = 0

    def behind(self, sequence: int) -> int:
        """Gives the index of the first change behind a number."""
        return bisect_right(self.sequences, sequence, self.dropped)

    def drop(self) -> int:
        """Lets the oldest change go, and gives its size."""
        _, _, size = self.changes[self.dropped]
        self.floor = self.sequences[self.dropped]
        self.dropped += 1
        if self.dropped * 2 > len(self.sequences):
            del self.sequences[: self.dropped], self.changes[: self.dropped]
            self.dropped = 0
        return size


class Ring:
    """Holds the newest changes of all partitions; the oldest one, whichever partition it is in, goes first.

    Args:
        max_changes: the most changes that it holds.
        max_bytes: the most bytes.
    """

    def __init__(self, max_changes: int = MAX_CHANGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_changes = max_changes
        self._max_bytes = max_bytes
        self._partitions: dict[str, _Partition] = {}
        self._order: deque[_Partition] = deque()
        self._added = 0
        self._bytes = 0

    @property
    def heads(self) -> dict[str, int]:
        """The last number that was passed in each partition."""
        return {name: each.head for name, each in self._partitions.items()}

    @property
    def newest(self) -> dict[str, Entry]:
        """The last entry of each partition that was read."""
        return {name: each.newest for name, each in self._partitions.items() if each.newest is not None}

    def begin(self, partition: str, sequence: int) -> None:
        """Begins a partition anew, so that the first change it can have is the one with this number."""
        if partition in self._partitions:
            self._forget(self._partitions[partition])
        self._partitions[partition] = _Partition(floor=sequence - 1, head=sequence - 1)

    def keep(self, partitions: Collection[str]) -> None:
        """Forgets all partitions but these."""
        for name in self._partitions.keys() - set(partitions):
            self._forget(self._partitions.pop(name))

    def _forget(self, partition: _Partition) -> None:
        self._order = deque(each for each in self._order if each is not partition)
        self._bytes -= sum(size for _, _, size in partition.changes[partition.dropped :])

    def add(self, portion: Portion) -> bool:
        """Adds what was read, and tells whether that went on in any partition."""
        heads = self.heads
        for entry in portion.entries:
            partition = self._partitions[entry.partition]
            partition.head, partition.newest = entry.sequence, entry
            if entry.change is None:
                continue
            partition.sequences.append(entry.sequence)
            partition.changes.append((self._added, entry.change, entry.size))
            self._order.append(partition)
            self._added += 1
            self._bytes += entry.size
        for name, sequence in portion.passed.items():
            partition = self._partitions[name]
            partition.head = max(partition.head, sequence)
        while self._order and (len(self._order) > self._max_changes or self._bytes > self._max_bytes):
            self._bytes -= self._order.popleft().drop()
        return self.heads != heads

    def lacks(self, after: Position) -> dict[str, int]:
        """Gives the partitions that do not have all that comes behind a position, and from where on they have it."""
        return {name: each.floor for name, each in self._partitions.items() if after.get(name, -1) < each.floor}

    def has_news(self, after: Position) -> bool:
        """Tells whether something was read behind a position."""
        return any(after.get(name, -1) < each.head for name, each in self._partitions.items())

    def read(self, after: Position, limit: int) -> Batch:
        """Gives changes behind a position that it does not lack, in the order in which they were read."""
        found: list[tuple[int, Change, int]] = []
        for name, each in self._partitions.items():
            begin = each.behind(after.get(name, -1))
            found += each.changes[begin : begin + limit + 1]
        found.sort(key=itemgetter(0))
        told = [change for _, change, _ in found[:limit]]
        unread = {change.partition for _, change, _ in found[limit:]}
        position = dict(after)
        for name, each in self._partitions.items():
            if name not in unread:
                position[name] = max(position.get(name, -1), each.head)
        position.update((change.partition, change.sequence) for change in told if change.partition in unread)
        return Batch(told, position)

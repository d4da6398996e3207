"""Reads new changes once for all watches, and wakes those that a change may concern.

    source ──read──▶ the last thousand changes ──▶ watch, watch, watch …

A watch that is further behind reads from the source by itself until it has come near; then it joins. From there on it
costs nothing until a change comes that it may have to tell: who has named ids is found by them, and is not asked about
any other. Nothing is kept for a watch but the place of the first such change. One that is not read on, or that is
slower than the changes come, falls behind what is kept here and reads by itself again.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, Final

from twinfront.v1 import change_service_pb2 as messages
from twinfront_server.adt.change import MARKS, Change, Kind
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import TwinfrontError
from twinfront_server.upstream.changes.source import ChangesLostError, ChangeSource, Position
from twinfront_server.wire.change import change_message

BATCH: Final = 256
"""Changes that are read at once."""

KEPT: Final = 1_024
KEPT_BYTES: Final = 2 << 20
"""How many changes are kept, and how much data they have at the most."""

LONGEST_WAIT: Final = 5.0
"""Seconds after which the source is asked again, come what may: a checkpoint is no older than that."""


class Entry:
    """A change, parsed at most once for all who tell it.

    Attributes:
        change: the change.
    """

    __slots__ = ("_as_json", "_data", "_typed", "change")

    def __init__(self, change: Change) -> None:
        self.change = change
        self._data: Any = None
        self._typed: messages.Change | None = None
        self._as_json: messages.Change | None = None

    @property
    def data(self) -> Any:
        """The data of the change as parsed JSON.

        Raises:
            TwinfrontError: UPSTREAM_UNAVAILABLE if it is none.
        """
        if self._data is None:
            self._data = parse_answer(self.change.data)
        return self._data

    def message(self, *, as_json: bool) -> messages.Change:
        """Gives the message of the change as it stands in the log, which is not to be changed.

        Raises:
            TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED if the change is not what it should be.
        """
        if as_json:
            if self._as_json is None:
                self._as_json = change_message(self.change, self.data, as_json=True)
            return self._as_json
        if self._typed is None:
            self._typed = change_message(self.change, self.data, as_json=False)
        return self._typed


class Reader:
    """A watch that has joined a feed.

    Attributes:
        kinds: of the changes that may concern it.
        ids: of the twins, and
        prefixes: beginnings of ids; both None if it is for all.

    Args:
        kinds: as above.
        ids: as above.
        prefixes: as above.
    """

    __slots__ = ("_error", "_woken", "first", "ids", "kinds", "prefixes")

    def __init__(
        self, kinds: Collection[Kind], ids: Collection[str] | None = None, prefixes: Collection[str] | None = None
    ) -> None:
        self.kinds = kinds
        self.ids = ids
        self.prefixes = prefixes
        self.first: int | None = None
        """The number of the first change that may concern it, since it last took some; None for none."""
        self._woken: asyncio.Future[None] | None = None
        self._error: Exception | None = None

    def wake(self, error: Exception | None = None) -> None:
        """Ends its wait, with an error if there is one."""
        self._error = error or self._error
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def wait(self, until: float) -> None:
        """Returns when it is woken, and at a time of the event loop's at the latest.

        Raises:
            TwinfrontError: what it was woken with.
        """
        loop = asyncio.get_running_loop()
        if self.first is None and self._error is None:
            self._woken = loop.create_future()
            timer = loop.call_at(until, self.wake)
            try:
                await self._woken
            finally:
                timer.cancel()
                self._woken = None
        if self._error is not None:
            raise self._error.renewed() if isinstance(self._error, TwinfrontError) else self._error


class _Audience:
    """Finds the readers that a change may concern."""

    def __init__(self) -> None:
        self.everybody: set[Reader] = set()
        self._of_all_ids: set[Reader] = set()
        self._by_id: dict[str, set[Reader]] = {}
        self._by_prefix: dict[int, dict[str, set[Reader]]] = {}

    def add(self, reader: Reader) -> None:
        self.everybody.add(reader)
        if reader.ids is None or reader.prefixes is None:
            self._of_all_ids.add(reader)
            return
        for each in reader.ids:
            self._by_id.setdefault(each, set()).add(reader)
        for prefix in reader.prefixes:
            self._by_prefix.setdefault(len(prefix), {}).setdefault(prefix, set()).add(reader)

    def remove(self, reader: Reader) -> None:
        self.everybody.discard(reader)
        self._of_all_ids.discard(reader)
        for each in reader.ids or ():
            _take_out(self._by_id, each, reader)
        for prefix in reader.prefixes or ():
            by_text = self._by_prefix.get(len(prefix), {})
            _take_out(by_text, prefix, reader)
            if not by_text:
                self._by_prefix.pop(len(prefix), None)

    def of(self, change: Change) -> Iterator[Reader]:
        """Gives them, some perhaps twice."""
        if change.kind in MARKS:
            yield from self.everybody
            return
        yield from self._of_all_ids
        yield from self._by_id.get(change.digital_twin_id, ())
        for length, by_text in self._by_prefix.items():
            yield from by_text.get(change.digital_twin_id[:length], ())


def _take_out(readers: dict[str, set[Reader]], key: str, reader: Reader) -> None:
    some = readers.get(key)
    if some is not None:
        some.discard(reader)
        if not some:
            del readers[key]


class Feed:
    """The newest changes of a source, while there are watches.

    Attributes:
        position: the place behind the last change that was read.
        complete_until: the time before which nothing is behind it, as the source has said last.

    Args:
        source: where changes come from.
    """

    def __init__(self, source: ChangeSource) -> None:
        self._source = source
        self._audience = _Audience()
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._first = 0
        self._start: dict[str, int] = {}
        self.position: dict[str, int] = {}
        self.complete_until: float | None = None
        self._following: asyncio.Task[None] | None = None

    @property
    def end(self) -> int:
        """The number of the next change."""
        return self._first + len(self._entries)

    def join(self, reader: Reader, position: Position) -> bool:
        """Lets a reader that is at a position take changes from here; False if that is too far behind."""
        if self._following is None:
            self._begin(position)
        elif any(position.get(partition, -1) < sequence for partition, sequence in self._start.items()):
            return False
        reader.first = next(
            (number for number, entry in self.entries(self._first) if is_behind(entry.change, position)), None
        )
        self._audience.add(reader)
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        return True

    def leave(self, reader: Reader) -> None:
        """Lets a reader go."""
        self._audience.remove(reader)
        if not self._audience.everybody and self._following is not None:
            self._following.cancel()
            self._following = None

    def has(self, number: int) -> bool:
        """Tells whether the change of a number, and all behind it, are still here."""
        return number >= self._first

    def at(self, number: int) -> Entry:
        """Gives the change of a number, which has to be here."""
        return self._entries[number - self._first]

    def entries(self, first: int) -> Iterator[tuple[int, Entry]]:
        """Gives the changes from a number on, which has to be here."""
        return enumerate(islice(self._entries, first - self._first, None), first)

    def wake_all(self) -> None:
        """Wakes everybody."""
        for reader in self._audience.everybody:
            reader.wake()

    def _begin(self, position: Position) -> None:
        self._first = self.end
        self._entries.clear()
        self._bytes = 0
        self._start = dict(position)
        self.position = dict(position)
        self.complete_until = None

    async def _follow(self) -> None:
        try:
            while True:
                batch = await self._source.read(self.position, BATCH)
                for change in batch.changes:
                    self._add(Entry(change))
                self.position = dict(batch.position)
                if batch.changes:
                    await asyncio.sleep(0)
                else:
                    self.complete_until = batch.complete_until
                    await self._source.wait(self.position, LONGEST_WAIT)
        except ChangesLostError:
            self._end(None)
        except Exception as error:  # noqa: BLE001  (whatever it is, each watch ends with it, and is logged)
            self._end(error)

    def _add(self, entry: Entry) -> None:
        change, number = entry.change, self.end
        self._entries.append(entry)
        self._bytes += len(change.data)
        while len(self._entries) > KEPT or (self._bytes > KEPT_BYTES and len(self._entries) > 1):
            left = self._entries.popleft().change
            self._first += 1
            self._bytes -= len(left.data)
            self._start[left.partition] = left.sequence
        for reader in self._audience.of(change):
            if reader.first is None and change.kind in reader.kinds:
                reader.first = number
                reader.wake()

    def _end(self, error: Exception | None) -> None:
        """Sends everybody away: to find out by themselves what is lost, or with an error."""
        self._following = None
        readers, self._audience = self._audience.everybody, _Audience()
        for reader in readers:
            reader.first = -1
            reader.wake(error)
        self._first = self.end


def is_behind(change: Change, position: Position) -> bool:
    """Tells whether a change lies behind a position."""
    return change.sequence > position.get(change.partition, -1)

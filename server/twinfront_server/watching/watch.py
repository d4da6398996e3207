"""A watch: the state as it is, if it is wanted, and the changes from there on, for as long as its caller stays.

    state     a page of twins or relationships is read. Changes up to the moment of the page are told first, as far as
              they are about what has come before: then all that has come is as it was at that moment, and the place of
              the watch is that position and the last item.
    changes   slices of the log are read and told; at its end the watch waits.

Nothing is read before the stream has taken what was told: whoever reads slowly costs log, and no memory.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from twinfront.v1.change_service_pb2 import Checkpoint, InitialStateEnd, Reset, WatchResponse
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.adt.change import MARKS, RELATIONSHIPS, TWINS, Change, Kind
from twinfront_server.adt.expected_answer import expecting_answer
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import changes_expired, server_draining
from twinfront_server.metrics import WatchMetrics
from twinfront_server.upstream.changes.source import ChangesLostError, ChangeSource, Items, ItemsPage, Order
from twinfront_server.watching.cursor import Cursor
from twinfront_server.watching.feed import Entry
from twinfront_server.watching.packing import Packing
from twinfront_server.watching.place import InState, Place
from twinfront_server.watching.seeking import Seeking
from twinfront_server.watching.sight import Sight
from twinfront_server.watching.telling import Telling
from twinfront_server.wire.digital_twin import fill_digital_twin
from twinfront_server.wire.relationship import fill_relationship
from twinfront_server.wire.timestamp import fill_timestamp
from twinfront_server.wire.watch import WatchOptions

PAGE: Final = 200
"""Items of the state that are read at once."""

_MAX_JOBS: Final = 16
"""How many jobs that have not ended a watch remembers."""

_NOTHING_MORE: Final = ItemsPage((), None, None)

Messages = AsyncGenerator[WatchResponse]


class Watch:
    """Follows the graph for one caller.

    Args:
        source: the log.
        cursor: where in the log the watch is.
        place: where it begins or goes on, as far as that is not said by the cursor.
        options: what it is to do.
        sight: what it sees.
        telling: makes messages of changes.
        seal: makes a token of a place.
        stopping: set when the server is about to stop; None if nobody says so.
        lifetime: seconds after which it ends by itself.
        max_bytes: how many bytes the items of a message may have.
        metrics: count what it tells.
    """

    def __init__(
        self,
        source: ChangeSource,
        cursor: Cursor,
        place: Place,
        options: WatchOptions,
        sight: Sight,
        telling: Telling,
        seal: Callable[[Place], str],
        *,
        stopping: asyncio.Event | None,
        lifetime: float,
        max_bytes: int,
        metrics: WatchMetrics,
    ) -> None:
        self._source = source
        self.cursor = cursor
        self._place = place
        self._state = place.state
        self._jobs = list(place.jobs)
        self._options = options
        self._sight = sight
        self._seeking = Seeking(sight.wanted)
        self._telling = telling
        self._seal = seal
        self._stopping = stopping
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._loop.time() + lifetime
        self._checkpoint_at = 0.0
        self._changes = Packing(max_bytes, lambda message, _item: message.changes.changes)
        self._items = Packing(max_bytes, _items_of)

    async def messages(self) -> Messages:
        """Gives what is told, until the watch has grown old.

        Raises:
            TwinfrontError: SERVER_DRAINING, after a message, when the server is about to stop; CHANGES_EXPIRED if
                changes are lost, unless the state is to come anew; what reads of the source and the upstream raise.
        """
        try:
            while not self._is_over():
                try:
                    async for message in self._tell_state() if self._state else self._tell_changes():
                        self._checkpoint_at = self._loop.time() + self._options.checkpoint_interval
                        yield message
                except ChangesLostError as lost:
                    yield await self._begin_anew(lost)
        finally:
            self.cursor.leave()

    async def _tell_changes(self) -> Messages:
        while self._state is None:
            some = await self.cursor.some()
            if some:
                async for message in self._tell(some):
                    yield message
            if self._has_to_end() or self._loop.time() >= self._checkpoint_at:
                yield self._checkpoint()
            if self._has_to_end():
                self._end()
                return
            if not some:
                await self.cursor.wait(min(self._checkpoint_at, self._ends_at))

    async def _tell_state(self) -> Messages:
        while (here := self._state) is not None:
            page = await self._page(here)
            if page.as_of is not None:
                while self._state is here and (some := await self.cursor.some_until(page.as_of)):
                    async for message in self._tell(some):
                        yield message
                if self._state is not here:
                    return
            async for message in self._tell_page(here, page):
                yield message
            if self._state is None:
                yield self._message(initial_state_end=InitialStateEnd())
            elif self._loop.time() >= self._checkpoint_at:
                yield self._checkpoint()
            if self._has_to_end():
                self._end()
                return

    async def _page(self, here: InState) -> ItemsPage:
        if self._source.order is not Order.TOTAL:
            return await self._source.items(here.items, here.after, PAGE)
        place = self._seeking.place(here)
        if place is None:
            return _NOTHING_MORE
        return await self._source.items(here.items, place, self._seeking.size(place, here.items, PAGE))

    async def _tell_page(self, here: InState, page: ItemsPage) -> Messages:
        is_ordered = page.as_of is not None
        for body in page.documents:
            with expecting_answer():
                document = parse_answer(body)
                item, after = await self._item(here.items, body, document)
            if item is not None:
                if not self._items.has_room_for(item):
                    yield self._items.take(self._token())
                self._items.add(item)
            if is_ordered:
                self._state = InState(here.items, after)
        following = None
        if page.next is not None:
            following = InState(here.items, page.next)
        elif here.items is Items.DIGITAL_TWINS and self._options.has_relationships:
            following = InState(Items.RELATIONSHIPS)
        self._state = following or self._state  # with the token of the last items the end of the state is yet to come
        if not self._items.is_empty:
            yield self._items.take(self._token())
        self._state = following
        await asyncio.sleep(0)

    async def _item(self, kind: Items, body: bytes, document: Any) -> tuple[DigitalTwin | Relationship | None, str]:
        """Gives the message of an item of the state, None if it is not wanted, and the place behind it."""
        if kind is Items.DIGITAL_TWINS:
            after = document["$dtId"]
            if not await self._sight.shows_twin(document):
                return None, after
            twin = DigitalTwin()
            fill_digital_twin(twin, body, as_json=self._options.as_json, metadata=True)
            return twin, after
        after = f"{document['$sourceId']}/{document['$relationshipId']}"
        if not await self._sight.shows_relationship(document):
            return None, after
        relationship = Relationship()
        fill_relationship(relationship, body, as_json=self._options.as_json)
        return relationship, after

    async def _tell(self, some: Sequence[Entry]) -> Messages:
        """Tells changes, and passes them over."""
        marks = [index for index, entry in enumerate(some) if entry.change.kind in MARKS]
        first = 0
        for index in [*marks, len(some)]:
            async for entry, message in self._telling.tell(some[first:index], self._has_come):
                if message is None:
                    self.cursor.pass_over(entry.change)
                    continue
                if not self._changes.has_room_for(message):
                    yield self._changes.take(self._token())
                self._changes.add(message)
                self._metrics.told(message.kind)
            if not self._changes.is_empty:
                yield self._changes.take(self._token())
            if index == len(some):
                break
            first, here = index + 1, self._state
            reset = self._pass_mark(some[index])
            if reset is not None:
                yield reset
            if self._state is not here:  # the state comes anew, and the rest is read again when it is its turn
                self.cursor.leave()
                break
        await asyncio.sleep(0)

    def _pass_mark(self, entry: Entry) -> WatchResponse | None:
        """Notes what a job did, or that an event makes no sense; gives the message that tells of it if there is one."""
        self.cursor.pass_over(entry.change)
        if entry.change.kind is not Kind.UNREADABLE:
            return self._pass_job(entry)
        if self._options.resyncs:
            self._state = InState()
        return self._reset(Reset(reason=Reset.REASON_SOURCE_GAP))

    def _pass_job(self, entry: Entry) -> WatchResponse | None:
        """Gives the message that tells of a job.

        It comes when the job begins to write. Where the state comes anew once no job writes any more, it comes before
        that as well: what was told between the two is old by then.
        """
        change = entry.change
        job_id = str(entry.data.get("jobId", ""))
        job = f"{entry.data.get('kind', '')}/{job_id}"
        if change.kind is Kind.JOB_ENDED:
            if job not in self._jobs:
                return None
            self._jobs.remove(job)
            if self._jobs or not self._options.resyncs:
                return None
            self._state = InState()
        elif job in self._jobs:
            return None
        else:
            self._jobs = [*self._jobs[1 - _MAX_JOBS :], job]
        return self._reset(Reset(reason=Reset.REASON_BULK_JOB, job_id="" if self._sight.is_limited else job_id))

    async def _begin_anew(self, lost: ChangesLostError) -> WatchResponse:
        """Makes the message that tells of lost changes; the state comes next.

        Raises:
            TwinfrontError: CHANGES_EXPIRED if it is not to come.
        """
        if not self._options.resyncs:
            raise changes_expired(lost.oldest_time)
        self.cursor.move_to(await self._source.before_items())
        self._state, self._jobs = InState(), []
        kind = Reset.REASON_LOG_TRIMMED if lost.trimmed else Reset.REASON_SOURCE_GAP
        return self._reset(Reset(reason=kind))

    def _has_come(self, change: Change) -> bool:
        """Tells whether what a change is about has come with the state, or does not come with it."""
        here = self._state
        if here is None:
            return True
        if change.kind in TWINS:
            return here.items is not Items.DIGITAL_TWINS or change.digital_twin_id <= here.after
        if change.kind in RELATIONSHIPS and self._options.has_relationships:
            if here.items is Items.DIGITAL_TWINS:
                return False
            source_id, _, relationship_id = here.after.partition("/")  # which is in no id
            return (change.digital_twin_id, change.relationship_id) <= (source_id, relationship_id)
        return True

    def _has_to_end(self) -> bool:
        return self._is_over() or (self._stopping is not None and self._stopping.is_set())

    def _is_over(self) -> bool:
        return self._loop.time() >= self._ends_at

    def _end(self) -> None:
        if self._stopping is not None and self._stopping.is_set():
            raise server_draining("Go on with the last resume_token.")

    def _checkpoint(self) -> WatchResponse:
        message = self._message(checkpoint=Checkpoint())
        complete = self.cursor.complete_until()
        if complete is not None:
            message.checkpoint.time.FromDatetime(datetime.fromtimestamp(complete, UTC))
        elif self.cursor.time:
            fill_timestamp(message.checkpoint.time, self.cursor.time)
        return message

    def _reset(self, reset: Reset) -> WatchResponse:
        self._metrics.reset(Reset.Reason.Name(reset.reason).removeprefix("REASON_").lower())
        return self._message(reset=reset)

    def _message(self, **item: Any) -> WatchResponse:
        return WatchResponse(resume_token=self._token(), **item)

    def _token(self) -> str:
        here = replace(self._place, position=self.cursor.position, state=self._state, jobs=tuple(self._jobs))
        return self._seal(here)


def _items_of(message: WatchResponse, item: DigitalTwin | Relationship) -> Any:
    items = message.initial_items
    return items.digital_twins if isinstance(item, DigitalTwin) else items.relationships

"""A watcher who reads streams that break, leaves them and comes back, and notes what it was told."""

import asyncio
import json
import random
from array import array
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

from .copy import Copy
from .filters import Filter
from .log import Log, Row

_REMEMBERED: Final = 50
"""So many messages back a watcher may go on from, as one does who has not stored yet what it has read."""

_PASSING: Final = {
    "SERVER_DRAINING",
    "STREAM_NOT_READ",
    "UPSTREAM_UNAVAILABLE",
    "UPSTREAM_THROTTLED",
    "LIMIT_REACHED",
    "UNAVAILABLE",
    "CANCELLED",
}
"""Reasons, or codes where there is none, for which a stream may end while servers are killed and cut off."""

_OPERATIONS: Final = {
    JsonPatchOperation.OP_ADD: "add",
    JsonPatchOperation.OP_REPLACE: "replace",
    JsonPatchOperation.OP_REMOVE: "remove",
}


@dataclass
class Stretch:
    """Changes that were told without a gap.

    Attributes:
        start: everything behind this position is told, once the state has come.
        has_state: whether it begins with the state.
        told: positions in the log, and -1 - N for a reset that tells of the Nth job, in the order in which they came.
        end_of_state: how much was told before the state had come; None if it has not.
        lost: what the log had forgotten by the time at which the service said that it cannot go on; None if it has not.
        is_last: whether everything up to the end was told.
    """

    start: int
    has_state: bool = False
    told: "array[int]" = field(default_factory=lambda: array("q"))
    end_of_state: int | None = None
    lost: int | None = None
    is_last: bool = False


@dataclass(frozen=True)
class Mark:
    """A message that was read: its token, and how much was told with it."""

    token: str
    told: int
    end_of_state: int | None


@dataclass(frozen=True)
class Habits:
    """The behaviour of a watcher.

    Attributes:
        initial_state: what it wants to come first.
        resyncs: whether it wants the state anew when changes are lost; it has to want an initial state for that.
        content: what it wants with updates.
        pause: seconds that it takes for each message.
        leaves: how often it leaves, for each message.
        away: the longest time that it stays away then, in seconds.
    """

    initial_state: Any = messages.INITIAL_STATE_NONE
    resyncs: bool = False
    content: Any = messages.CHANGE_CONTENT_PATCH
    pause: float = 0.0
    leaves: float = 0.0
    away: float = 0.0


@dataclass(frozen=True)
class Surroundings:
    """All that watchers share.

    Attributes:
        targets: gives the addresses of the fronts.
        token: gives the credentials of a caller, limited or not.
        log: the log as it is in truth.
        jobs: a number for each job that anybody has heard of.
    """

    targets: Callable[[], Sequence[str]]
    token: Callable[[bool], str]
    log: Log
    jobs: dict[str, int]


class Watcher:
    """Follows the graph.

    Attributes:
        stretches: what it was told.
        copy: what it makes of the graph, if that can be held against the truth.
        ends: how often its streams ended for which reason.
        changes: how many it was told.
        problems: what must not be, in words.
        is_done: whether it was told everything up to the time that it was to go on to.
    """

    def __init__(self, wanted: Filter, habits: Habits, surroundings: Surroundings, chance: random.Random) -> None:
        self.wanted = wanted
        self.habits = habits
        self.stretches: list[Stretch] = []
        can_copy = habits.initial_state == messages.INITIAL_STATE_GRAPH and not (
            wanted.models or wanted.kinds or wanted.paths
        )
        self.copy = Copy(is_exact=not (wanted.names or wanted.is_limited)) if can_copy else None
        self.ends: Counter[str] = Counter()
        self.changes = 0
        self.problems: list[str] = []
        self.is_done = False
        self._around = surroundings
        self._chance = chance
        self._request = self._first_request()
        self._marks: deque[Mark] = deque(maxlen=_REMEMBERED)
        self._to_repeat: deque[int] = deque()
        self._open_jobs: set[str] = set()
        self._until: float | None = None

    def go_on_to(self, time: float) -> None:
        """Ends it once it was told all up to a time, in seconds since 1970."""
        self._until = time

    async def run(self, begun: asyncio.Event) -> None:
        """Follows the graph until it is to end; `begun` is set when that has begun."""
        while not self.is_done:
            try:
                await self._follow(begun)
            except grpc.aio.AioRpcError as error:
                await self._stream_ended(error)
            await asyncio.sleep(0.1 * self._chance.random())

    def _first_request(self) -> messages.WatchRequest:
        request = messages.WatchRequest(
            initial_state=self.habits.initial_state,
            on_expired=messages.ON_EXPIRED_RESYNC if self.habits.resyncs else messages.ON_EXPIRED_FAIL,
            filter=self.wanted.message(),
            content=self.habits.content,
            representation=REPRESENTATION_JSON,
        )
        request.checkpoint_interval.FromSeconds(1)
        return request

    async def _follow(self, begun: asyncio.Event) -> None:
        """Reads one stream, and leaves it early perhaps."""
        target = self._chance.choice(self._around.targets())
        async with grpc.aio.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = ChangeServiceStub(channel)
            metadata = (("authorization", f"Bearer {self._around.token(self.wanted.is_limited)}"),)
            if not self._marks:
                await self._begin(stub, metadata)
            call = stub.Watch(self._request, metadata=metadata)
            async for message in call:
                self._take(message)
                begun.set()
                if self.is_done:
                    return
                if self._until is None:
                    await asyncio.sleep(self.habits.pause)
                    if self._chance.random() < self.habits.leaves:
                        self.ends["it left"] += 1
                        call.cancel()
                        await self._stay_away()
                        return
        self.ends["OK"] += 1

    async def _begin(self, stub: Any, metadata: Any) -> None:
        """Begins with the state, or with the oldest change that is there."""
        if self.stretches and self.stretches[-1].lost is None:
            self.stretches.pop()  # nothing has come of it
        self._request.resume_token = ""
        if self.habits.initial_state != messages.INITIAL_STATE_NONE:
            self._begin_state()
            return
        lost = -1
        while lost != self._around.log.lost():  # the token is that of exactly this position
            lost = self._around.log.lost()
            answer = await stub.GetChangeLog(messages.GetChangeLogRequest(), metadata=metadata)
        self._request.resume_token = answer.oldest_token
        self.stretches.append(Stretch(lost))

    def _begin_state(self) -> None:
        self._open_jobs.clear()
        self.stretches.append(Stretch(0, has_state=True))
        if self.copy is not None:
            self.copy.begin()

    async def _stay_away(self) -> None:
        """Comes back after a while, and has forgotten some of what it has read perhaps."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._chance.random() * self.habits.away
        while loop.time() < end and self._until is None:
            await asyncio.sleep(0.05)
        if self.copy is None and not self.habits.resyncs and self._chance.random() < 0.5:
            self._forget(self._chance.randrange(len(self._marks)))

    def _forget(self, count: int) -> None:
        """Goes back by some messages; what these told has to come again, the same in the same order.

        Not so where that is within the state, which has in it by now what was told behind it.
        """
        for _ in range(count):
            self._marks.pop()
        mark, stretch = self._marks[-1], self.stretches[-1]
        if stretch.has_state and mark.end_of_state is None:
            self._to_repeat.clear()
        else:
            self._to_repeat.extendleft(reversed(stretch.told[mark.told :]))
        del stretch.told[mark.told :]
        stretch.end_of_state = mark.end_of_state
        self._request.resume_token = mark.token

    async def _stream_ended(self, error: grpc.aio.AioRpcError) -> None:
        reason = reason_of(error)
        self.ends[reason] += 1
        if reason == "CHANGES_EXPIRED" and self.stretches and not self.habits.resyncs:
            self._lose()
        elif reason not in _PASSING:
            self.problems.append(f"its stream ended with {reason}: {error.details()}")
        await asyncio.sleep(0.2 * self._chance.random())

    def _lose(self) -> None:
        """Takes note of a gap, after which it begins anew."""
        self.stretches[-1].lost = self._around.log.lost()
        self._marks.clear()
        self._to_repeat.clear()
        if self.copy is not None:
            self.copy.spoil()

    def _take(self, message: messages.WatchResponse) -> None:
        self.changes += len(message.changes.changes)
        match message.WhichOneof("item"):
            case "changes":
                for change in message.changes.changes:
                    self._take_change(change)
            case "initial_items":
                self._take_items(message.initial_items)
            case "initial_state_end":
                self._around.log.read_on()
                self.stretches[-1].start = self._around.log.newest
                self.stretches[-1].end_of_state = len(self.stretches[-1].told)
            case "reset":
                self._take_reset(message.reset)
            case "checkpoint":
                self._take_checkpoint(message.checkpoint.time)
        stretch = self.stretches[-1]
        self._request.resume_token = message.resume_token
        self._marks.append(Mark(message.resume_token, len(stretch.told), stretch.end_of_state))

    def _take_change(self, change: messages.Change) -> None:
        row = self._row(change.id)
        kind = messages.ChangeKind.Name(change.kind).removeprefix("CHANGE_KIND_")
        if row is None:
            base, _, of = change.id.partition("/")
            row = self._row(base)
            if not of or row is None or row.kind != "TWIN_UPDATED" or self.wanted.told(row) != "TWIN_CREATED":
                self.problems.append(f"it was told {kind} {change.id}, which there is not")
            return
        wanted_kind = self.wanted.told(row)
        if self.wanted.may_leave_out(row):
            wanted_kind = row.kind
        is_leaving = wanted_kind is not None and wanted_kind.endswith("DELETED") and row.kind.endswith("UPDATED")
        model_id = row.previous_model_id if is_leaving and not row.relationship_id else row.model_id
        told = (kind, change.digital_twin_id, change.relationship_id, change.etag, change.model_id)
        expected = (wanted_kind, *row.key, "" if is_leaving else row.etag, model_id)
        is_of_gone_model = bool(self.wanted.models) and row.position < self._around.log.deleted_models
        if wanted_kind is None and is_of_gone_model:
            return  # what that extended nobody knows any more, so that it is told as well
        self._tell(row.position)
        if told != expected and not is_of_gone_model:
            self.problems.append(f"it was told {told} of change {row.position}, and not {expected}")
        if self.copy is not None and kind.startswith(("TWIN", "RELATIONSHIP")):
            self.copy.change(row, kind, [_operation(each) for each in change.patch], _document(change))

    def _row(self, change_id: str) -> Row | None:
        """Finds a change in the log, which has it before anybody is told."""
        log = self._around.log
        if change_id not in log.positions:
            log.read_on()
        position = log.positions.get(change_id)
        return None if position is None else log.rows[position - 1]

    def _tell(self, number: int) -> None:
        self.stretches[-1].told.append(number)
        while self._to_repeat and self._to_repeat[0] != number:
            if self._may_vary(number):
                return
            before = self._to_repeat.popleft()
            if not self._may_vary(before):
                self.problems.append(f"it was told {number} where it was told {before} before")
                self._to_repeat.clear()
        if self._to_repeat:
            self._to_repeat.popleft()

    def _may_vary(self, number: int) -> bool:
        """Tells whether a change may come at one time and not at another: what it is about may be gone."""
        if number < 0:
            return False
        row = self._around.log.rows[number - 1]
        return self.wanted.is_entering(row) or self.wanted.may_leave_out(row)

    def _take_items(self, items: messages.InitialItems) -> None:
        documents = [json.loads(twin.json) for twin in items.digital_twins]
        documents += [json.loads(relationship.json) for relationship in items.relationships]
        if self.stretches[-1].end_of_state is not None:
            self.problems.append("items of the state came behind its end")
        for document in documents:
            if self.copy is not None:
                self.copy.item(document)

    def _take_reset(self, reset: messages.Reset) -> None:
        if reset.reason == messages.Reset.REASON_LOG_TRIMMED and self.habits.resyncs:
            self.stretches[-1].lost = self._around.log.lost()
            self._begin_state()
        elif reset.reason != messages.Reset.REASON_BULK_JOB:
            self.problems.append(f"it was told {messages.Reset.Reason.Name(reset.reason)}")
        elif self.habits.resyncs and (reset.job_id in self._open_jobs):
            self._begin_state()
        else:
            self._open_jobs.add(reset.job_id)
            jobs = self._around.jobs
            self._tell(-1 - jobs.setdefault(reset.job_id, len(jobs)))
            if self.copy is not None:
                self.copy.spoil()

    def _take_checkpoint(self, time: Timestamp) -> None:
        stretch = self.stretches[-1]
        if stretch.has_state and stretch.end_of_state is None:
            return
        if self._until is not None and time.seconds + time.nanos / 1e9 > self._until:
            stretch.is_last = self.is_done = True


def reason_of(error: grpc.aio.AioRpcError) -> str:
    """Gives the reason that an error tells, or its code if there is none."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status is not None else ():
        if detail.Unpack(info):
            return str(info.reason)
    return error.code().name


def _operation(operation: JsonPatchOperation) -> tuple[str, str, Any]:
    value = json.loads(operation.value_json) if operation.value_json else None
    return _OPERATIONS[operation.op], operation.path, value


def _document(change: messages.Change) -> dict[str, Any] | None:
    match change.WhichOneof("resource"):
        case "digital_twin":
            return dict(json.loads(change.digital_twin.json))
        case "relationship":
            return dict(json.loads(change.relationship.json))
    return None

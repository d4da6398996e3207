"""Writing many digital twins, each in its own way.

A batch is not atomic, so its caller has to learn of each write what became of it. That is why a batch ends somewhat
before its deadline, and with an answer: what was not begun by then says that nothing was done, and what was under way
that it may have been.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from twinfront.v1.digital_twin_service_pb2 import (
    BatchWriteDigitalTwinsResponse,
    DigitalTwinWrite,
    DigitalTwinWriteResult,
)
from twinfront_server.access.rules import WRITES_OF_BATCH
from twinfront_server.call import TIME_TO_ANSWER, current_call
from twinfront_server.concurrency import for_each
from twinfront_server.errors import (
    MAX_STATUS_BYTES,
    TwinfrontError,
    deadline_exceeded,
    invalid_argument,
    limit_reached,
    outcome_unknown,
    rename_fields,
)
from twinfront_server.large_requests import are_large, work
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.wire.limits import require_batch
from twinfront_server.wire.resource import model_of
from twinfront_server.writes.batch_item import Work, batch_field, step_of
from twinfront_server.writes.detach import Detached

_RESULT_BYTES: Final = MAX_STATUS_BYTES + 512
"""The largest result: a status, an etag, two numbers."""

_TIME_TO_END: Final = 0.5
_SHARE_TO_END: Final = 0.3
_SHARE_TO_ANSWER: Final = 0.1
"""How long before the deadline no more writes are begun; and the shares of a short one that this and `TIME_TO_ANSWER`
are at the most."""


async def batch_write(
    upstream: Upstream, writes: Sequence[DigitalTwinWrite], *, concurrency: int, max_response_bytes: int
) -> BatchWriteDigitalTwinsResponse:
    """Carries out writes, some at a time and in no order; the i-th result is the i-th write's.

    Raises:
        TwinfrontError: with nothing written: INVALID_ARGUMENT for no writes, too many, or two about one twin;
            LIMIT_REACHED if the results might be larger than a response may be.
    """
    require_batch(len(writes), "writes")
    _require_distinct(writes)
    if len(writes) * _RESULT_BYTES > max_response_bytes:
        raise limit_reached(
            "writes",
            f"The results of so many writes may be more than the {max_response_bytes} bytes that a response may have: "
            f"send {max_response_bytes // _RESULT_BYTES} at a time. Nothing was written.",
        )
    batch = _Batch(upstream, writes, await are_large(writes), concurrency)
    await batch.run()
    return batch.response


@dataclass(frozen=True, slots=True)
class _Times:
    """When a batch begins no more writes, and when it answers, in the event loop's time; None without a deadline."""

    last_begin: float | None
    answer: float | None

    @classmethod
    def of(cls, deadline: float | None) -> "_Times":
        if deadline is None:
            return cls(None, None)
        remaining = max(0.0, deadline - asyncio.get_running_loop().time())
        return cls(
            deadline - min(_TIME_TO_END, remaining * _SHARE_TO_END),
            deadline - min(TIME_TO_ANSWER, remaining * _SHARE_TO_ANSWER),
        )


class _Batch:
    def __init__(
        self, upstream: Upstream, writes: Sequence[DigitalTwinWrite], large: Sequence[bool], concurrency: int
    ) -> None:
        self._upstream = upstream
        self._writes = writes
        self._large = large
        self._concurrency = concurrency
        self._times = _Times.of(current_call().deadline)
        self._pace = Pace(concurrency, self._time_to_begin)
        self._waiting = set(range(len(writes)))
        self._under_way: set[int] = set()
        self.response = BatchWriteDigitalTwinsResponse(results=[DigitalTwinWriteResult() for _ in writes])

    async def run(self) -> None:
        scope = asyncio.timeout_at(self._times.answer)
        try:
            async with scope:
                await for_each(range(len(self._writes)), self._concurrency, self._write)
        except TimeoutError:
            if not scope.expired():
                raise
        for index in self._waiting:
            lost = index in self._under_way and not current_call().validate_only
            self._fail(index, _unfinished() if lost else _not_begun())

    async def _write(self, index: int) -> None:
        if self._time_to_begin() == 0:
            return
        result, detached = self.response.results[index], Detached()
        try:
            step = await step_of(
                self._writes[index],
                self._upstream,
                detached,
                pace=self._pace,
                concurrency=self._concurrency,
                large=self._large[index],
            )
            await self._permitted(index)
            noted = partial(self._noted, index, step.work)
            result.etag = await (noted() if step.paces_itself else self._pace.run(noted))
            current_call().item_ended()
        except TwinfrontError as error:
            self._fail(index, error)
        finally:
            result.outgoing_relationships_deleted = detached.outgoing
            result.incoming_relationships_deleted = detached.incoming
        self._waiting.discard(index)

    async def _permitted(self, index: int) -> None:
        """Asks the policy system about a write, as about the call that it stands for."""
        write = self._writes[index]
        kind = str(write.WhichOneof("write"))
        resource = {"digital_twin_id": write.digital_twin_id}
        if kind == "create_or_replace":
            resource |= await work(partial(model_of, write.create_or_replace), large=self._large[index])
        await current_call().permits(WRITES_OF_BATCH[kind], resource)

    async def _noted(self, index: int, step: Work) -> str:
        """Does the work and notes that it is under way: it stays so if it is cut off."""
        self._under_way.add(index)
        try:
            etag = await step()
        except TwinfrontError:
            self._under_way.discard(index)
            raise
        return etag

    def _fail(self, index: int, error: TwinfrontError) -> None:
        error.metadata.setdefault("digital_twin_id", self._writes[index].digital_twin_id)
        rename_fields(error, lambda field: batch_field(field, index))
        self.response.results[index].status.CopyFrom(error.status())
        current_call().item_ended(error.reason)

    def _time_to_begin(self) -> float | None:
        """Seconds until no more writes are begun, never below zero; None without a deadline."""
        if self._times.last_begin is None:
            return None
        return max(0.0, self._times.last_begin - asyncio.get_running_loop().time())


def _require_distinct(writes: Sequence[DigitalTwinWrite]) -> None:
    seen: set[str] = set()
    for index, write in enumerate(writes):
        if write.digital_twin_id and write.digital_twin_id in seen:
            raise invalid_argument(
                f"writes[{index}].digital_twin_id", "is that of an earlier write of this batch; nothing was written"
            )
        seen.add(write.digital_twin_id)


def _not_begun() -> TwinfrontError:
    return deadline_exceeded(
        "Nothing of it was changed; send it again.",
        message="This write was not done: the call's deadline came first.",
    )


def _unfinished() -> TwinfrontError:
    return outcome_unknown(
        "This write was under way when the call's deadline came, and it may have been applied: read the twin before "
        "writing again."
    )

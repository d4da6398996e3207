"""Answers a repeated write with the outcome of the first: the one whose request had the same `request_id`.

A caller repeats a write because it never saw the answer: its deadline passed, its connection broke. So a write with a
`request_id` goes on when its caller is gone, and what became of it is kept for the caller's return.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from google.protobuf.message import Message
from prometheus_client import Counter

from twinfront_program.log import Log
from twinfront_server.call import Call, enter_call
from twinfront_server.errors import TwinfrontError, deadline_exceeded, internal, outcome_unknown
from twinfront_server.interceptors.link import Behaviour, Context, Method
from twinfront_server.large_requests import is_large, work
from twinfront_server.outcomes.kept import MAX_BYTES, MAX_OUTCOMES, Outcomes
from twinfront_server.outcomes.outcome import Key, Outcome, other_request
from twinfront_server.outcomes.shares import Shares
from twinfront_server.outcomes.store import Claim, OutcomeStore, Unshared
from twinfront_server.wire.identifier import request_id

MAX_ORPHANS: Final = 1000
"""How many writes may go on without their callers; beyond that the oldest is given up of the caller with most."""


@dataclass(slots=True, eq=False)
class _Write:
    """A write under way.

    Attributes:
        fingerprint: of the request.
        call: the call that it runs as.
        task: carries it out.
        waiting: how many callers wait for it.
        claim: under which it is carried out here; None if it is not, or not yet.
        replayed: whether another replica has carried it out.
    """

    fingerprint: bytes
    call: Call
    task: asyncio.Task[Outcome] = field(init=False)
    waiting: int = 0
    claim: Claim | None = None
    replayed: bool = False


class RecentOutcomes:
    """Carries out writes with a `request_id` once, whatever becomes of their callers.

    What is not kept: dry runs, which write nothing, and errors that say that nothing was done and that another try
    makes sense. An unknown outcome is kept, since to write again would be to risk a second write.

    Attributes:
        kept: the outcomes that are kept.

    Args:
        replayed: counts the calls that were answered with the outcome of another.
        log: gets the faults of writes, and a line for each write that ended without its callers.
        store: what other replicas know, and are told.
        patience: seconds that a write is given at least, however short the deadline of its caller is.
        clock: the time in seconds.
        max_outcomes: how many outcomes are kept.
        max_bytes: how large they may be together.
        max_orphans: how many writes may go on without their callers.
    """

    def __init__(
        self,
        replayed: Counter,
        log: Log,
        store: OutcomeStore | None = None,
        *,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        max_outcomes: int = MAX_OUTCOMES,
        max_bytes: int = MAX_BYTES,
        max_orphans: int = MAX_ORPHANS,
    ) -> None:
        self._replayed = replayed
        self._log = log
        self._store = store or Unshared()
        self._patience = patience
        self._max_orphans = max_orphans
        self.kept = Outcomes(clock, max_outcomes=max_outcomes, max_bytes=max_bytes)
        self._running: dict[Key, _Write] = {}
        self._orphans = Shares()  # those of them whose callers are gone

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link around messages that answers requests with a known `request_id`; stands inside of dry runs."""
        if not method.takes("request_id"):
            return proceed

        async def answered(call: Call, request: Any, context: Context) -> Any:
            caller = call.principal
            key = Key(caller.source, caller.name, method.full_name, request_id(request.request_id))
            call.request_id = key.request_id
            if call.validate_only:
                return await proceed(call, request, context)
            fingerprint = await work(lambda: _fingerprint(request), large=is_large())
            known = self._running.get(key) or self.kept.recall(key)
            if known is None:
                known = self._begin(key, fingerprint, call, lambda own: proceed(own, request, context))
            elif known.fingerprint != fingerprint:
                raise other_request()
            else:
                self._replay(call)
            outcome = await self._wait(key, known, call) if isinstance(known, _Write) else known
            return outcome.give()

        def served(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            return (answered if request.request_id else proceed)(call, request, context)

        return served

    async def idle(self) -> None:
        """Returns when no write is under way."""
        while self._running:
            await asyncio.wait([write.task for write in self._running.values()])

    async def close(self) -> None:
        """Gives up the writes that are under way."""
        tasks = [write.task for write in self._running.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self, key: Key, fingerprint: bytes, call: Call, work: Callable[[Call], Awaitable[Any]]) -> _Write:
        now = asyncio.get_running_loop().time()
        own = replace(call, deadline=max(call.deadline or 0.0, now + self._patience))
        write = self._running[key] = _Write(fingerprint, own)
        write.task = asyncio.create_task(self._run(key, write, work))
        return write

    async def _wait(self, key: Key, write: _Write, call: Call) -> Outcome:
        """Waits for a write that goes on without the caller, and gives the caller who began it the figures."""
        write.waiting += 1
        write.call.left = False
        self._orphans.discard(key)
        try:
            outcome = await asyncio.shield(write.task)
            if write.replayed and not call.replayed:
                self._replay(call)
            return outcome
        finally:
            write.waiting -= 1
            if not call.replayed:
                call.take_upstream_figures(write.call)
                call.cause = write.call.cause
            if not write.task.done():
                call.unfinished = "The write goes on: call again with the same request_id to hear what became of it."
                if not write.waiting:
                    self._leave_alone(key, write)

    def _leave_alone(self, key: Key, write: _Write) -> None:
        write.call.left = True
        self._orphans.add(key)
        if len(self._orphans) > self._max_orphans:
            given_up = self._orphans.first_to_go()
            self._orphans.discard(given_up)
            self._running[given_up].task.cancel()

    def _replay(self, call: Call) -> None:
        call.replayed = True
        self._replayed.inc()

    async def _run(self, key: Key, write: _Write, work: Callable[[Call], Awaitable[Any]]) -> Outcome:
        enter_call(write.call)
        try:
            outcome = await self._first_outcome(key, write, work)
        finally:
            del self._running[key]
            self._orphans.discard(key)
        if write.claim and outcome.is_final:
            self.kept.keep(key, outcome)
        if not write.waiting:
            self._log.info(
                "a write ended without its caller",
                call_id=write.call.call_id,
                method=write.call.method,
                reason=outcome.end.reason if isinstance(outcome.end, TwinfrontError) else "",
                upstream_attempts=write.call.upstream_attempts,
            )
        return outcome

    async def _first_outcome(self, key: Key, write: _Write, work: Callable[[Call], Awaitable[Any]]) -> Outcome:
        """Gives the outcome from wherever the write is carried out first, and tells the other replicas of one here."""
        outcome = None
        try:
            outcome = await self._carry_out(key, write, work)
        finally:
            if write.claim and outcome is not None and outcome.is_final:
                await self._store.keep(key, outcome)
            elif write.claim:
                await self._store.release(key, write.claim)
        return outcome

    async def _carry_out(self, key: Key, write: _Write, work: Callable[[Call], Awaitable[Any]]) -> Outcome:
        call = write.call
        scope = asyncio.timeout_at(call.deadline)
        try:
            async with scope:
                first = await self._store.claim(key, write.fingerprint)
                if isinstance(first, Outcome):
                    write.replayed = True
                    return first
                write.claim = first
                call.earlier_attempt = first.earlier
                return Outcome.of_response(write.fingerprint, await work(call))
        except TwinfrontError as raised:
            error = raised
        except asyncio.CancelledError:
            error = _unfinished(write)
        except NotImplementedError:
            raise
        except Exception:  # noqa: BLE001  (a defect: logged here, because its caller may be gone)
            if scope.expired():
                error = _unfinished(write)
            else:
                self._log.exception("unexpected exception", call_id=call.call_id, method=call.method)
                error = internal(call.call_id)
        return Outcome.of_error(write.fingerprint, error)


def _fingerprint(request: Message) -> bytes:
    return sha256(request.SerializeToString(deterministic=True)).digest()


def _unfinished(write: _Write) -> TwinfrontError:
    if not write.claim:
        return deadline_exceeded(
            "Call again with the same request_id.", message="Another replica is still at this write."
        )
    return outcome_unknown(
        "This write did not end in time, and it may have been applied: read what it writes to before writing again."
    )

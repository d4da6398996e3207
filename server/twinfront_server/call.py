"""The RPC being served, and the figures it collects on its way.

The chain of interceptors makes one `Call` per RPC; whatever runs on behalf of that RPC finds it with `current_call()`
and adds to it. At the end the figures go into the access log and the metrics, and back to the caller as trailing
metadata.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Final, TypeAlias

import grpc

from twinfront_server.access.grants import EVERYTHING, Grant
from twinfront_server.access.principal import ANONYMOUS, Principal
from twinfront_server.access.scope import WHOLE, Scope
from twinfront_server.reasons import Reason

CALL_ID_KEY: Final = "twinfront-call-id"
UPSTREAM_MS_KEY: Final = "twinfront-upstream-ms"
SERVER_MS_KEY: Final = "twinfront-server-ms"
UPSTREAM_ATTEMPTS_KEY: Final = "twinfront-upstream-attempts"
QUERY_CHARGE_KEY: Final = "twinfront-query-charge"
REPLAYED_KEY: Final = "twinfront-replayed"

TIME_TO_ANSWER: Final = 0.1
"""Seconds before the deadline at which work ends that the answer can do without, or has to tell of."""

TIME_TO_ASK: Final = 0.05
"""Seconds before the deadline at which no request is sent any more; and the least that one is waited for."""

LONGEST_WAIT: Final = 60.0
"""Seconds after which a request is sent once more, at the most: streams have no deadline, and an upstream may ask for a
day. Who asked is told so instead."""

Permits: TypeAlias = Callable[[str, Mapping[str, str]], Awaitable[None]]
"""Asks a policy system whether a caller may call an RPC, by its full name, about a resource, by its fields; raises
CALLER_NOT_PERMITTED if not."""


async def _permit(_method: str, _resource: Mapping[str, str]) -> None:
    """Permits everything: there is no policy system."""


@dataclass(slots=True)
class Call:
    """One RPC.

    Attributes:
        call_id: the caller's id for the call, or the one made for it; a write's `request_id` is another thing.
        method: full name without the leading slash, `twinfront.v1.DigitalTwinService/GetDigitalTwin`.
        deadline: when the answer has to be there, in the event loop's time; None without bound.
        metadata: what the caller sent beside the request; credentials are in it, so it is shown nowhere.
        trace_id: of the trace that it is a part of; empty if it is in none.
        carried: the headers that carry its trace on to the upstream, if nothing is recorded of it here.
        request_id: of a write, the caller's own under which it may be repeated; empty if it has none.
        ids: of the resources that it is about, by request field, where the log is to have them.
        principal: who calls; anonymous until authentication has found out, and where it asks nobody.
        caller: whose share of the server it uses; None for what no caller asked for.
        give_place_back: to be called when it begins to wait for something that other calls do not wait for: these may
            be worked on meanwhile. It goes on without a place then.
        delegated: whether the upstream is asked in the name of who calls, and judges by what he may do there.
        grant: what this caller may do, and
        scope: the part of the graph that this caller may make the call in.
        permits: asks the policy system what else this caller may do; items of batches are asked about by whoever serves
            them.
        request_bytes: how large its request is; 0 for a stream of them, which come one by one.
        validate_only: whether the call is a dry run: whatever the upstream is asked on its behalf has to be one too.
        replayed: whether the answer is an earlier call's, as the caller asked for with the request's `request_id`.
        earlier_attempt: of a write that another replica has begun and not ended, the seconds since then: it may have
            been applied, so what it sends is settled as if its answer had been lost; None if nobody has.
        left: whether nobody waits any more for what becomes of it, though it may go on.
        started: when it came, by the performance counter.
        upstream_seconds: time spent waiting for the upstream, all attempts together.
        upstream_waited: time in which at least one request was at the upstream, those that are there still aside: of
            several at a time it counts one.
        upstream_pending: requests that are at the upstream, and
        pending_since: since when there are any, by the performance counter.
        upstream_attempts: requests sent to the upstream, retries included.
        query_charge: what queries were charged, in query units; None if there was none.
        items: of a call that is about many things, how many have ended so far, and
        failed_items: how many of them failed.
        on_failed_item: told of the reason of each of these, as it fails.
        on_query_charge: told of the query units that each page of a query was charged.
        code: how the RPC ended.
        reason: why it failed; None if it did not, or if nothing but the code is known.
        cause: what the upstream said when it failed, for the log and not for the caller; empty if it did not fail.
        unfinished: advice for a caller whose deadline passes while a write is under way; empty if none is.
        seconds_to_go_on: of a stream without an end of its own, how long it may go on.
        stopping: of a stream, set when the server is about to stop and waits no longer for it to end by itself: it then
            ends with SERVER_DRAINING at the next place from which it can be gone on with.
    """

    call_id: str
    method: str
    deadline: float | None
    metadata: Sequence[tuple[str, str | bytes]] = field(default=(), repr=False)
    trace_id: str = ""
    carried: dict[str, str] = field(default_factory=dict, repr=False)
    request_id: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    principal: Principal = ANONYMOUS
    caller: Hashable = None
    give_place_back: Callable[[], None] = field(default=lambda: None, repr=False)
    delegated: bool = False
    grant: Grant = field(default_factory=lambda: EVERYTHING, repr=False)
    scope: Scope = WHOLE
    permits: Permits = field(default=_permit, repr=False)
    request_bytes: int = 0
    validate_only: bool = False
    replayed: bool = False
    earlier_attempt: float | None = None
    left: bool = False
    started: float = field(default_factory=perf_counter)
    upstream_seconds: float = 0.0
    upstream_waited: float = 0.0
    upstream_pending: int = 0
    pending_since: float = 0.0
    upstream_attempts: int = 0
    query_charge: float | None = None
    items: int = 0
    failed_items: int = 0
    on_failed_item: Callable[[Reason], None] = field(default=lambda _reason: None, repr=False)
    on_query_charge: Callable[[float], None] = field(default=lambda _units: None, repr=False)
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: Reason | None = None
    cause: str = ""
    unfinished: str = ""
    seconds_to_go_on: float = inf
    stopping: asyncio.Event | None = None

    @property
    def is_asked_about(self) -> bool:
        """Tells whether a policy system is asked about it."""
        return self.permits is not _permit

    def item_ended(self, reason: Reason | None = None) -> None:
        """Counts one of the things that the call is about, with the reason if it failed."""
        self.items += 1
        if reason is not None:
            self.failed_items += 1
            self.on_failed_item(reason)

    def upstream_asked(self, now: float) -> None:
        """Notes that a request goes to the upstream."""
        if not self.upstream_pending:
            self.pending_since = now
        self.upstream_pending += 1

    def upstream_left(self, now: float) -> None:
        """Notes that a request is at the upstream no more, whatever came of it."""
        self.upstream_pending -= 1
        if not self.upstream_pending:
            self.upstream_waited += now - self.pending_since

    def take_upstream_figures(self, other: "Call") -> None:
        """Takes over what another call that worked for this one spent at the upstream; that may have requests there."""
        self.upstream_seconds, self.upstream_attempts = other.upstream_seconds, other.upstream_attempts
        self.upstream_waited, self.upstream_pending = other.upstream_waited, other.upstream_pending
        self.pending_since = other.pending_since

    def server_seconds(self) -> float:
        """Gives the time that the server has had the call so far without a request of it at the upstream."""
        now = perf_counter()
        pending = now - self.pending_since if self.upstream_pending else 0.0
        return now - self.started - self.upstream_waited - pending

    def charged(self, units: float) -> None:
        """Adds what a page of a query was charged, in query units."""
        self.query_charge = (self.query_charge or 0.0) + units
        self.on_query_charge(units)

    def failed(self, reason: Reason) -> None:
        """Notes that the RPC failed, and why."""
        self.code, self.reason = reason.code, reason

    def remaining(self) -> float | None:
        """Seconds until the deadline, never below zero; None without bound."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    def has_time_for(self, wait: float) -> bool:
        """Tells whether a request can still be sent after so many seconds."""
        return is_time_for(wait, self.remaining())

    def before_deadline(self, *, at_most: float | None = None) -> asyncio.Timeout:
        """Bounds work by `TIME_TO_ANSWER`, to be used with `async with`; what takes longer ends in TimeoutError.

        Args:
            at_most: seconds that it may take however far away the deadline is.
        """
        now = asyncio.get_running_loop().time()
        ends = [] if at_most is None else [now + at_most]
        if self.deadline is not None:
            ends.append(self.deadline - TIME_TO_ANSWER)
        return asyncio.timeout_at(min(ends, default=None))

    def trailing_metadata(self) -> tuple[tuple[str, str], ...]:
        """Gives the figures that every answer carries."""
        figures: tuple[tuple[str, str], ...] = (
            (CALL_ID_KEY, self.call_id),
            (UPSTREAM_MS_KEY, f"{self.upstream_seconds * 1000:.3f}"),
            (SERVER_MS_KEY, f"{self.server_seconds() * 1000:.3f}"),
            (UPSTREAM_ATTEMPTS_KEY, str(self.upstream_attempts)),
        )
        if self.query_charge is not None:
            figures = (*figures, (QUERY_CHARGE_KEY, f"{self.query_charge:g}"))
        return (*figures, (REPLAYED_KEY, "true")) if self.replayed else figures


def is_time_for(wait: float, remaining: float | None) -> bool:
    """Tells whether a request can still be sent after so many seconds, with so many until the deadline if any."""
    return wait <= LONGEST_WAIT and (remaining is None or wait + TIME_TO_ASK < remaining)


_current: ContextVar[Call | None] = ContextVar("twinfront_call", default=None)


def current_call() -> Call:
    """Gives the RPC that the running task serves; outside an RPC (a health probe, say) one that nobody looks at."""
    return _current.get() or Call(call_id="", method="", deadline=None)


def enter_call(call: Call) -> None:
    """Makes `call` the current one of the running task, which serves it alone."""
    _current.set(call)

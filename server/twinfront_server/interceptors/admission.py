"""Lets calls in: within the bounds of their callers, and one caller after the other."""

import random
import time
from collections import Counter
from typing import Any, Final

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, limit_reached_for_now
from twinfront_server.interceptors.link import HEALTH, Behaviour, Context, Method
from twinfront_server.metrics import Limit, Metrics
from twinfront_server.quotas.caller import Caller, caller_of
from twinfront_server.quotas.token_buckets import TokenBuckets
from twinfront_server.quotas.turns import Turns
from twinfront_server.settings import Settings

_CHARGED: Final = frozenset({"twinfront.v1.QueryService", "twinfront.v1.GraphService/ExportGraph"})
"""A service, and a method of another, for which Azure Digital Twins charges query units."""

_ROOM_AFTER: Final = (0.5, 1.5)
"""Seconds after which one that is refused for the calls in flight comes again; not all of them at the same moment."""

_PLACES_EMBEDDED: Final = 32
"""Calls that are worked on at a time where the processor does it all: more would only wait in its line."""

_PLACES_REMOTE: Final = 128
"""Calls that are worked on at a time where they wait for Azure: at 50 ms each 1,280 a second for one caller alone. More
would let it use up the processor, which then takes calls in the order in which they come, whosever they are."""


class Admission:
    """Bounds what callers have in flight and how often they call, and shares the server out among them.

    A call of one request and one response is worked on in a place of `Turns`, and waits for it. Streams live long: they
    take no place, and are bounded by their number.

    Args:
        settings: the bounds.
        metrics: count what is refused, and how long calls wait.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._in_flight: Counter[Caller] = Counter()
        self._streams: Counter[Caller] = Counter()
        self._call_tokens = TokenBuckets(settings.caller_call_rate, settings.caller_burst)
        self._query_tokens = TokenBuckets(settings.caller_query_rate, settings.caller_burst)
        embedded = settings.upstream == "local"
        self._turns = Turns(settings.max_calls_at_work or (_PLACES_EMBEDDED if embedded else _PLACES_REMOTE))
        metrics.waiting.set_function(lambda: self._turns.waiting)
        self._count = 0

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link of the chain that lets calls in; health is for everybody at any time."""
        if method.service == HEALTH:
            return proceed
        is_stream = method.request_streaming or method.response_streaming
        is_charged = not _CHARGED.isdisjoint({method.service, method.full_name})

        async def admitted(call: Call, request: Any, context: Context) -> Any:
            caller = caller_of(call.principal, context.peer())
            self._require_tokens(caller, is_charged=is_charged)
            self._require_room(caller, is_stream=is_stream)
            if is_charged:
                call.on_query_charge = lambda units: self._query_tokens.take(caller, units)
            self._enter(caller, is_stream=is_stream)
            try:
                if is_stream:
                    return await proceed(call, request, context)
                return await self._in_turn(caller, proceed, call, request, context)
            finally:
                self._leave(caller, is_stream=is_stream)

        return admitted

    async def _in_turn(self, caller: Caller, proceed: Behaviour, call: Call, request: Any, context: Context) -> Any:
        turns = self._turns
        if not turns.take_at_once(caller):
            call.unfinished = "It waited for its turn and was not begun."
            start = time.perf_counter()
            try:
                await turns.take(caller)
            finally:
                self._metrics.waiting_seconds.observe(time.perf_counter() - start)
            call.unfinished = ""
        try:
            return await proceed(call, request, context)
        finally:
            turns.give_back(caller)

    def _require_tokens(self, caller: Caller, *, is_charged: bool) -> None:
        if wait := self._call_tokens.wait(caller):
            raise self._refused("call_rate", "This caller calls too often (--caller-call-rate).", wait)
        if is_charged and (wait := self._query_tokens.wait(caller)):
            raise self._refused(
                "query_rate", "This caller's queries have used up its query units (--caller-query-rate).", wait
            )
        self._call_tokens.take(caller)

    def _require_room(self, caller: Caller, *, is_stream: bool) -> None:
        settings, mine = self._settings, self._in_flight[caller]
        if mine >= settings.max_calls_per_caller:
            raise self._refused(
                "calls_per_caller", "This caller has too many calls in flight (--max-calls-per-caller)."
            )
        if is_stream and self._streams[caller] >= settings.max_streams_per_caller:
            raise self._refused("streams_per_caller", "This caller has too many streams (--max-streams-per-caller).")
        if self._count >= settings.max_calls_in_flight:
            full = self._refused("calls_in_flight", "This server has too many calls in flight (--max-calls-in-flight).")
            if not self._turns.drop_from_longest(mine, full):
                raise full

    def _refused(self, limit: Limit, message: str, wait: float | None = None) -> TwinfrontError:
        self._metrics.limited(limit)
        after = random.uniform(*_ROOM_AFTER) if wait is None else wait  # noqa: S311  (jitter, no secret)
        return limit_reached_for_now(limit, f"{message} Nothing was done.", after)

    def _enter(self, caller: Caller, *, is_stream: bool) -> None:
        self._count += 1
        self._in_flight[caller] += 1
        if is_stream:
            self._streams[caller] += 1

    def _leave(self, caller: Caller, *, is_stream: bool) -> None:
        self._count -= 1
        for counted in (self._in_flight, self._streams) if is_stream else (self._in_flight,):
            counted[caller] -= 1
            if not counted[caller]:
                del counted[caller]

"""Lets calls in: within the bounds of their callers, and one caller after the other."""

import asyncio
import random
import time
from collections import Counter
from typing import Any, Final

from twinfront_program.log import Log
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, limit_reached_for_now, shortened
from twinfront_server.interceptors.link import ENDLESS, HEALTH, Behaviour, Context, Method
from twinfront_server.metric_table import METHODS_WITH_ITEMS, Limit
from twinfront_server.metrics import Metrics
from twinfront_server.quotas.caller import Caller, caller_of
from twinfront_server.quotas.connections import Connections
from twinfront_server.quotas.token_buckets import TokenBuckets
from twinfront_server.quotas.turns import Turns
from twinfront_server.settings import Settings

_CHARGED: Final = frozenset({"twinfront.v1.QueryService", "twinfront.v1.GraphService/ExportGraph"})
"""A service, and a method of another, for which Azure Digital Twins charges query units."""

_ROOM_AFTER: Final = (0.5, 1.5)
"""Seconds after which one that is refused for the calls in flight comes again; not all of them at the same moment."""

_SHARE_OF_GRACE: Final = (0.5, 0.9)
"""Of the time that an aged connection has, how much streams without an end of their own use up at the most."""

_PLACES_EMBEDDED: Final = 32
"""Calls that are worked on at a time where the processor does it all: more would only wait in its line."""

_PLACES_REMOTE: Final = 128
"""Calls that are worked on at a time where they wait for Azure: at 50 ms each 1,280 a second for one caller alone. More
would let it use up the processor, which then takes calls in the order in which they come, whosever they are."""


_LOG_INTERVAL: Final = 10.0
"""Seconds between two lines in the log that say who takes it all."""

_TOP_CALLERS: Final = 5
_LONGEST_NAME: Final = 128


class _Place:
    """A place in which a call is worked on, given back once."""

    def __init__(self, turns: Turns, caller: Caller) -> None:
        self._turns = turns
        self._caller = caller
        self._is_held = True

    def give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._turns.give_back(self._caller)


class Admission:
    """Bounds what callers have in flight and how often they call, and shares the server out among them.

    A call of one request and one response is worked on in a place of `Turns`, and waits for it. Streams live long: they
    take no place, and are bounded by their number.

    Args:
        settings: the bounds.
        metrics: count what is refused, and how long calls wait.
        log: gets a line when calls are refused, with the callers that have most in flight; one in `_LOG_INTERVAL`.
    """

    def __init__(self, settings: Settings, metrics: Metrics, log: Log) -> None:
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._log_next = 0.0
        self._refused_since_log = 0
        self._in_flight: Counter[Caller] = Counter()
        self._streams: Counter[Caller] = Counter()
        self._call_tokens = TokenBuckets(settings.caller_call_rate, settings.caller_burst)
        self._query_tokens = TokenBuckets(settings.caller_query_rate, settings.caller_burst)
        embedded = settings.upstream == "local"
        self._connections = Connections(settings.max_connection_age, settings.max_connection_age_grace)
        self._turns = Turns(settings.max_calls_at_work or (_PLACES_EMBEDDED if embedded else _PLACES_REMOTE))
        metrics.waiting.set_function(lambda: self._turns.waiting)
        self._count = 0

    def link(self, proceed: Behaviour, method: Method) -> Behaviour:
        """Makes the link of the chain that lets calls in; health is for everybody at any time."""
        if method.service == HEALTH:
            return proceed
        is_stream = method.request_streaming or method.response_streaming
        is_endless = method.full_name in ENDLESS
        has_items = method.name in METHODS_WITH_ITEMS
        is_charged = not _CHARGED.isdisjoint({method.service, method.full_name})

        async def admitted(call: Call, request: Any, context: Context) -> Any:
            peer = context.peer()
            caller = call.caller = caller_of(call.principal, peer)
            self._connections.saw(peer)
            self._require_tokens(caller, is_charged=is_charged)
            self._require_room(caller, is_stream=is_stream)
            if is_charged:
                call.on_query_charge = lambda units: self._query_tokens.take(caller, units)
            self._enter(caller, is_stream=is_stream)
            try:
                if is_endless:
                    # Not all that began together end at the same moment.
                    share = random.uniform(*_SHARE_OF_GRACE)  # noqa: S311  (no secret)
                    call.seconds_to_go_on = self._connections.seconds_for_stream(peer, share)
                if is_stream:
                    return await proceed(call, request, context)
                place = await self._place(caller, call)
                if not has_items:  # of one that has, the others go on while one of them waits
                    call.give_place_back = place.give_back
                try:
                    return await proceed(call, request, context)
                finally:
                    place.give_back()
            finally:
                self._leave(caller, is_stream=is_stream)

        return admitted

    async def _place(self, caller: Caller, call: Call) -> _Place:
        turns = self._turns
        if not turns.take_at_once(caller):
            call.unfinished = "It waited for its turn and was not begun."
            start = time.perf_counter()
            try:
                await turns.take(caller)
            finally:
                self._metrics.waiting_seconds.observe(time.perf_counter() - start)
            call.unfinished = ""
        return _Place(turns, caller)

    def _require_tokens(self, caller: Caller, *, is_charged: bool) -> None:
        if not is_charged and self._call_tokens.take_if_there(caller):
            return
        if wait := self._call_tokens.wait(caller):
            raise self._refused(caller, "call_rate", "This caller calls too often (--caller-call-rate).", wait)
        if is_charged and (wait := self._query_tokens.wait(caller)):
            raise self._refused(
                caller,
                "query_rate",
                "This caller's queries have used up its query units (--caller-query-rate).",
                wait,
            )
        self._call_tokens.take(caller)

    def _require_room(self, caller: Caller, *, is_stream: bool) -> None:
        settings, mine = self._settings, self._in_flight[caller]
        if mine >= settings.max_calls_per_caller:
            raise self._refused(
                caller, "calls_per_caller", "This caller has too many calls in flight (--max-calls-per-caller)."
            )
        if is_stream and self._streams[caller] >= settings.max_streams_per_caller:
            raise self._refused(
                caller, "streams_per_caller", "This caller has too many streams (--max-streams-per-caller)."
            )
        if self._count >= settings.max_calls_in_flight:
            full = self._refused(
                caller, "calls_in_flight", "This server has too many calls in flight (--max-calls-in-flight)."
            )
            if not self._turns.drop_from_longest(mine, full):
                raise full

    def _refused(self, caller: Caller, limit: Limit, message: str, wait: float | None = None) -> TwinfrontError:
        self._metrics.limited(limit)
        self._log_refusal(caller, limit)
        after = random.uniform(*_ROOM_AFTER) if wait is None else wait  # noqa: S311  (jitter, no secret)
        return limit_reached_for_now(limit, f"{message} Nothing was done.", after)

    def _log_refusal(self, caller: Caller, limit: Limit) -> None:
        self._refused_since_log += 1
        now = asyncio.get_running_loop().time()
        if now < self._log_next:
            return
        self._log.warning(
            "calls are refused",
            limit=limit,
            caller=_name(caller),
            refused=self._refused_since_log,
            in_flight=self._count,
            most_in_flight={_name(each): calls for each, calls in self._in_flight.most_common(_TOP_CALLERS)},
        )
        self._log_next = now + _LOG_INTERVAL
        self._refused_since_log = 0

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


def _name(caller: Caller) -> str:
    source, name = caller
    return f"{source} {shortened(name, _LONGEST_NAME)}"

"""Puts the links into their order, and around every method."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio

from twinfront_program.log import Log
from twinfront_server.access.authenticator import NO_AUTHENTICATION, Authenticator
from twinfront_server.access.authorizer import Authorizer
from twinfront_server.access.grants import Policy, RolesByClaim
from twinfront_server.call import Call, current_call, enter_call
from twinfront_server.errors import shortened
from twinfront_server.interceptors.access_log import log_access
from twinfront_server.interceptors.admission import Admission
from twinfront_server.interceptors.authentication import authenticate
from twinfront_server.interceptors.authorization import authorize
from twinfront_server.interceptors.call_id import call_id
from twinfront_server.interceptors.deadline import bound
from twinfront_server.interceptors.draining import Draining
from twinfront_server.interceptors.error_mapping import map_errors
from twinfront_server.interceptors.external_authorization import ask_about_request, ask_authorizer
from twinfront_server.interceptors.in_flight import InFlight
from twinfront_server.interceptors.link import (
    HEALTH,
    REFLECTION,
    UNREGISTERED,
    Behaviour,
    Context,
    Handler,
    Method,
    Place,
    in_order,
)
from twinfront_server.interceptors.messages import serve_messages
from twinfront_server.interceptors.metrics import measure
from twinfront_server.interceptors.recent_outcomes import RecentOutcomes
from twinfront_server.interceptors.resource_ids import note_ids
from twinfront_server.interceptors.tracing import trace
from twinfront_server.interceptors.trailing_metadata import send_figures
from twinfront_server.interceptors.unread import UnreadStreams
from twinfront_server.interceptors.validate_only import rehearse
from twinfront_server.metrics import Metrics
from twinfront_server.outcomes.store import OutcomeStore
from twinfront_server.settings import Settings
from twinfront_server.tracing import NO_TRACING, Tracing

_AROUND_MESSAGES: Final = ("resource_ids", "resource_authorization", "validate_only", "recent_outcomes")
"""The links that need the request as a message."""

_MAX_UNKNOWN_NAME: Final = 256
"""Bytes of the name of a method that nobody registered, as logs and answers have it."""


class Chain(grpc.aio.ServerInterceptor):
    """All links as one interceptor. They are composed once per method, so that a call pays for one handler.

    Attributes:
        places: what stands where, and why; the outermost first.
        links: those that take the request as bytes, by name.
        message_links: those inside of them that need it as a message.
        in_flight: the RPCs being served.
        draining: what refuses new ones once the server is to stop.
        recent_outcomes: the writes that can be repeated, those under way among them.

    Args:
        settings: the server's settings.
        metrics: the server's metrics.
        log: gets a line for each RPC.
        require_validation: raises an error where the upstream cannot carry out dry runs.
        authenticator: knows callers by their credentials.
        policy: knows what they may do, if they are asked who they are.
        authorizer: asks a policy system about it besides; None without one.
        tracing: has a span for each RPC.
        outcomes: what other replicas know of writes, and are told.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        log: Log,
        require_validation: Callable[[], Awaitable[None]],
        authenticator: Authenticator = NO_AUTHENTICATION,
        policy: Policy | None = None,
        authorizer: Authorizer | None = None,
        tracing: Tracing = NO_TRACING,
        outcomes: OutcomeStore | None = None,
    ) -> None:
        self._metrics = metrics
        self._log = log
        self._max_response_bytes = settings.max_response_bytes
        self._handlers: dict[str, tuple[str, Handler]] = {}
        self.in_flight = InFlight(metrics.in_flight)
        self.draining = Draining()
        self.recent_outcomes = RecentOutcomes(
            metrics.replayed_outcomes, log, outcomes, patience=settings.default_deadline
        )
        unread = UnreadStreams(settings.max_unread_time, settings.max_stream_bytes, metrics.limited)
        self.places = (
            Place(
                "in_flight", self.in_flight.link, "a draining server waits until its last call is counted and logged"
            ),
            Place("tracing", trace(tracing), "the line in the log names the trace", ("in_flight",)),
            Place("metrics", measure(metrics), "whatever ends a call inside of it is counted", ("in_flight",)),
            Place(
                "access_log",
                log_access(log),
                "whatever ends a call inside of it has its line",
                ("in_flight", "tracing"),
            ),
            Place("trailing_metadata", send_figures, "figures are sent when all that is inside has added its own"),
            Place(
                "error_mapping",
                map_errors(log),
                "it notes the code and the reason that are counted and logged",
                ("metrics", "access_log"),
            ),
            Place(
                "draining",
                self.draining.link,
                "what it refuses is answered, counted and logged like any other error",
                ("error_mapping",),
            ),
            Place(
                "deadline",
                bound(settings.default_deadline, settings.max_deadline),
                "a call that is held for a drain is refused as such, and not because its time is up",
                ("error_mapping", "draining"),
            ),
            Place(
                "authentication",
                authenticate(
                    authenticator, {HEALTH, *(REFLECTION if "reflection" in settings.auth_exemptions else ())}
                ),
                "keys may have to be fetched, which takes of the call's time; whatever is inside knows who calls",
                ("error_mapping", "deadline"),
            ),
            Place(
                "admission",
                Admission(settings, metrics, log).link,
                "what a caller may take depends on who it is, a call waits no longer than it has time, and what waits "
                "or is refused costs little: neither memory for a stream nor the reading of a request",
                ("error_mapping", "deadline", "authentication"),
            ),
            Place(
                "authorization",
                authorize(None if authenticator is NO_AUTHENTICATION else policy or RolesByClaim()),
                "it has to be known who calls",
                ("error_mapping", "authentication"),
            ),
            Place(
                "external_authorization",
                ask_authorizer(authorizer),
                "nobody else is asked about who may not call, and the answer takes of the call's time",
                ("deadline", "authorization"),
            ),
            Place(
                "unread",
                unread.link,
                "a message waits no longer than the call has time, and nobody gets memory who may not call",
                ("error_mapping", "deadline", "external_authorization"),
            ),
            Place(
                "resource_ids",
                note_ids(wanted=settings.access_log_ids),
                "whatever refuses a message that it lets in is logged with them",
                ("access_log",),
            ),
            Place(
                "resource_authorization",
                ask_about_request(wanted=authorizer is not None),
                "what it refuses is logged with its ids, the upstream is asked nothing for it, and no outcome is told",
                ("external_authorization", "resource_ids"),
            ),
            Place(
                "validate_only",
                rehearse(require_validation),
                "asking the upstream whether it can do dry runs takes of the call's time",
                ("deadline", "resource_authorization"),
            ),
            Place(
                "recent_outcomes",
                self.recent_outcomes.link,
                "it keeps no outcome of a dry run, and one of a caller for that one alone",
                ("deadline", "authentication", "validate_only"),
            ),
        )
        links = in_order(self.places)
        self.message_links = {name: links.pop(name) for name in _AROUND_MESSAGES}
        self.links = links
        self._unregistered = self._linked(_not_implemented, UNREGISTERED)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """Gives the handler of a call's method with the links around it, which makes the call current for its task.

        A method that nobody registered has the links too: who may not call is told so before he is told what there is.
        Such names go to the log but never into labels or the cache: callers could make up any number of them.
        """
        path = handler_call_details.method
        metadata = handler_call_details.invocation_metadata
        known = self._handlers.get(path)
        if known is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                known = shortened(path.removeprefix("/"), _MAX_UNKNOWN_NAME), self._unregistered
            else:
                known = self._handlers[path] = self._compose(path, handler)
        full_name, composed = known
        enter_call(Call(call_id(metadata), full_name, None, metadata))
        return composed

    def _compose(self, path: str, handler: Handler) -> tuple[str, Handler]:
        service, _, name = path.removeprefix("/").rpartition("/")
        method = Method(service, name, handler.request_streaming, handler.response_streaming)
        series = self._metrics.method(service, name, method.rpc_type)
        behaviour = serve_messages(
            handler,
            method,
            series,
            list(self.message_links.values()),
            max_response_bytes=self._max_response_bytes,
        )
        return method.full_name, self._linked(behaviour, method)

    def _linked(self, behaviour: Behaviour, method: Method) -> Handler:
        for link in reversed(self.links.values()):
            behaviour = link(behaviour, method)
        return _handler(behaviour, method)


async def _not_implemented(_call: Call, _request: Any, _context: Context) -> Any:
    raise NotImplementedError


def _handler(behaviour: Behaviour, method: Method) -> Handler:
    async def serve(request: Any, context: Any) -> Any:
        return await behaviour(current_call(), request, context)

    match method.request_streaming, method.response_streaming:
        case False, False:
            return grpc.unary_unary_rpc_method_handler(serve)
        case False, True:
            return grpc.unary_stream_rpc_method_handler(serve)
        case True, False:
            return grpc.stream_unary_rpc_method_handler(serve)
        case _:
            return grpc.stream_stream_rpc_method_handler(serve)

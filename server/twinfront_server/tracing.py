"""Traces of OpenTelemetry, where its standard variables (OTEL_…) want them and the extra `otel` is installed.

A call is a span of the server, by the stable conventions for RPC (semantic conventions 1.45), in the trace that its
`traceparent` names; each request to the upstream is a span of a client below it, by the conventions for HTTP without
`url.full`, which has ids in it, and carries the trace on. OpenTelemetry is imported here alone, when it is used.
"""

import logging
import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import grpc

from twinfront_program.log import Log
from twinfront_program.startup_error import StartupError
from twinfront_server import __version__
from twinfront_server.call import Call

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
    from opentelemetry.trace import Span
    from opentelemetry.trace.span import TraceState

CALL_ID: Final = "twinfront.call_id"
OPERATION: Final = "twinfront.operation"

UNKNOWN_METHOD: Final = "_OTHER"
"""Stands in the conventions for all methods that there are not."""

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORTER: Final = "OTEL_TRACES_EXPORTER"
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_ERRORS: Final = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""Codes with which a call is an error of the server, by the conventions; the others are the caller's."""


_MAX_CONTEXT: Final = 512
"""Characters of the longest header that is read for a trace, as many of `tracestate` as the standard (W3C) asks for.

The patterns that OpenTelemetry reads headers with take time by the square of their length."""

_BAGGAGE: Final = "baggage"
"""The header that is not read: nothing here is done with it, and OpenTelemetry logs each part of it that is broken."""

_SAMPLED_BITS: Final = (1 << 64) - 1
"""The bits of a trace id that sampling by a ratio goes by (`TraceIdRatioBased`)."""

_RANDOM: Final = 2
"""The flag of a `traceparent` that says that its trace id is random (W3C Trace Context, level 2)."""

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(slots=True)
class RequestEnd:
    """Takes down how a request to the upstream ended.

    Attributes:
        status: of HTTP, 0 without an answer.
        error: what the conventions call the type of an error, empty if it is none.
    """

    status: int = 0
    error: str = ""

    def answered(self, status: int) -> None:
        """Notes the status of HTTP."""
        self.status = status
        self.error = str(status) if status >= 400 else ""  # noqa: PLR2004  (the errors of HTTP begin here)


class Tracing:
    """Traces nothing. What does is `OpenTelemetry`."""

    @property
    def is_on(self) -> bool:
        """Tells whether anything is traced."""
        return False

    def call(self, _call: Call, _method: str) -> AbstractContextManager[None] | None:
        """Gives no span."""

    def request(
        self, _operation: str, _method: str, _url: str, _headers: MutableMapping[str, str]
    ) -> AbstractContextManager[RequestEnd]:
        """Takes down what nobody looks at."""
        return nullcontext(RequestEnd())

    def close(self) -> None:
        """Has nothing to send."""


NO_TRACING: Final = Tracing()


def open_tracing(log: Log, environ: Mapping[str, str] | None = None) -> Tracing:
    """Gives what the standard variables ask for: traces if there is an endpoint or an exporter, else none.

    Raises:
        StartupError: a variable wants what there is not here.
    """
    variables = os.environ if environ is None else environ
    exporter = variables.get(_EXPORTER, "").strip().lower()
    wanted = bool(exporter) or any(variables.get(name) for name in _ENDPOINTS)
    if not wanted or exporter == "none" or variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return NO_TRACING
    if exporter not in {"", "otlp"}:
        raise StartupError(f"{_EXPORTER}: {exporter!r} is neither 'otlp' nor 'none'")
    for name in _PROTOCOLS:
        if variables.get(name, "grpc") not in {"", "grpc"}:
            raise StartupError(f"{name}: {variables[name]!r} is not 'grpc', which is what traces are sent with")
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  (an extra)
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError:
        log.warning("no traces, though OTEL_… variables want them: pip install 'twinfront[otel]'")
        return NO_TRACING
    return OpenTelemetry(BatchSpanProcessor(OTLPSpanExporter()))


class OpenTelemetry(Tracing):
    """Traces calls and the requests that they lead to.

    Args:
        processor: takes the spans.
    """

    def __init__(self, processor: "SpanProcessor") -> None:
        from opentelemetry import context, propagate, trace  # noqa: PLC0415  (an extra)
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415  (an extra)
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415  (an extra)
        from opentelemetry.sdk.trace.sampling import Decision  # noqa: PLC0415  (an extra)
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415  (an extra)

        own = Resource.create({"service.name": "twinfront", "service.version": __version__})
        self._provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._foreseen = _Foreseen(self._provider.sampler, self._provider.id_generator)
        self._provider.sampler = self._provider.id_generator = cast("Any", self._foreseen)
        self._tracer = self._provider.get_tracer("twinfront", __version__)
        self._extract = propagate.extract
        self._fields = propagate.get_global_textmap().fields - {_BAGGAGE}
        self._current, self._with_span = trace.get_current_span, trace.set_span_in_context
        self._attach, self._detach = context.attach, context.detach
        # What else a caller has in its context, baggage for example, is not for the upstream.
        self._inject = TraceContextTextMapPropagator().inject
        self._server, self._client = trace.SpanKind.SERVER, trace.SpanKind.CLIENT
        self._error = trace.StatusCode.ERROR
        self._drop = Decision.DROP
        self._bound = _bound(self._foreseen.sampler)
        self._none = trace.INVALID_SPAN_CONTEXT
        self._flags = _RANDOM if self._foreseen.is_trace_id_random() else 0
        # It warns of each broken `tracestate`, with what is in it: that a caller sends one is no event here.
        logging.getLogger("opentelemetry.trace.span").setLevel(logging.ERROR)

    @property
    def is_on(self) -> bool:
        """Tells whether anything is traced."""
        return True

    def call(self, call: Call, method: str) -> AbstractContextManager[None] | None:
        """Gives what spans a call, in the trace that its metadata name if they do, and notes the id of that.

        Where the trace is not recorded there is no span, and the call carries on what its requests have to. Most are
        such: a span of which nothing becomes took 7.6 us, this takes 1.2, and in a busy server three times that each.

        Args:
            call: the call.
            method: what the span is named after, one of few: backends of traces count by it.
        """
        carrier = {
            key: value
            for key, value in call.metadata
            if key in self._fields and isinstance(value, str) and len(value) <= _MAX_CONTEXT
        }
        foreseen, new_id = self._foreseen, 0
        if not carrier:
            new_id = foreseen.ids.generate_trace_id()
            if new_id & _SAMPLED_BITS >= self._bound:
                self._carry(call, new_id, self._flags)
                return None
        context = self._extract(carrier) if carrier else None
        parent = self._current(context).get_span_context() if carrier else self._none
        trace_id = parent.trace_id or new_id or foreseen.ids.generate_trace_id()
        attributes = {"rpc.system.name": "grpc", "rpc.method": method, CALL_ID: call.call_id}
        if method != call.method:
            attributes["rpc.method_original"] = call.method
        sampled = foreseen.sampler.should_sample(context, trace_id, method, self._server, attributes, ())
        if sampled.decision is self._drop:
            flags = parent.trace_flags & _RANDOM if parent.trace_id else self._flags
            self._carry(call, trace_id, flags, sampled.trace_state)
            return None
        call.trace_id = f"{trace_id:032x}"
        foreseen.trace_id, foreseen.sampled = trace_id, sampled
        return self._recorded(call, self._tracer.start_span(method, context, self._server, attributes))

    def _carry(self, call: Call, trace_id: int, flags: int, state: "TraceState | None" = None) -> None:
        """Has a call carry on a trace that is not recorded."""
        call.trace_id = f"{trace_id:032x}"
        call.carried = {"traceparent": f"00-{call.trace_id}-{self._foreseen.generate_span_id():016x}-{flags:02x}"}
        if state:
            call.carried["tracestate"] = state.to_header()

    @contextmanager
    def _recorded(self, call: Call, span: "Span") -> Iterator[None]:
        entered = self._attach(self._with_span(span))
        try:
            yield
        finally:
            self._detach(entered)
            span.set_attribute("rpc.response.status_code", call.code.name)
            if call.code is not grpc.StatusCode.OK:
                span.set_attribute("error.type", call.reason or call.code.name)
                if call.code in _ERRORS:
                    span.set_status(self._error)
            span.end()

    @contextmanager
    def request(self, operation: str, method: str, url: str, headers: MutableMapping[str, str]) -> Iterator[RequestEnd]:
        """Spans a request to the upstream, and carries the trace on in its headers."""
        if not self._current().is_recording():  # the call has ended, its write goes on
            self._inject(headers)
            yield RequestEnd()
            return
        parts = urlsplit(url)
        attributes: dict[str, str | int] = {
            "http.request.method": method,
            "server.address": parts.hostname or "",
            "server.port": parts.port or _PORTS.get(parts.scheme, 0),
            OPERATION: operation,
        }
        with self._tracer.start_as_current_span(
            f"{method} {operation}",
            kind=self._client,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            self._inject(headers)
            end = RequestEnd()
            try:
                yield end
            except BaseException as error:
                end.error = type(error).__name__
                raise
            finally:
                if end.status:
                    span.set_attribute("http.response.status_code", end.status)
                if end.error:
                    span.set_attribute("error.type", end.error)
                    span.set_status(self._error)

    def close(self) -> None:
        """Sends what has not been sent yet."""
        self._provider.shutdown()


def _bound(sampler: "Sampler") -> int:
    """Gives the bits of a trace id from which on a sampler records no trace that begins here, whatever else it is.

    To ask a sampler takes longer than all else that is done for a call that is not recorded.
    """
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415  (an extra)

    if isinstance(sampler, ParentBased) and type(sampler).should_sample is ParentBased.should_sample:
        sampler = getattr(sampler, "_root", sampler)
    if isinstance(sampler, TraceIdRatioBased) and type(sampler).should_sample is TraceIdRatioBased.should_sample:
        return sampler.bound
    return _SAMPLED_BITS + 1


class _Foreseen:
    """Gives the SDK, which asks for them itself, the trace and the decision about it that a span was begun for.

    Without this a sampler that goes by chance would be asked twice, and by the trace's id about another one.

    Attributes:
        sampler: decides.
        ids: makes ids.
        trace_id: of the trace that is begun, until it is asked for; 0 for none.
        sampled: the decision, until it is asked for.
    """

    def __init__(self, sampler: "Sampler", ids: "IdGenerator") -> None:
        self.sampler = sampler
        self.ids = ids
        self.trace_id = 0
        self.sampled: SamplingResult | None = None
        self.generate_span_id = ids.generate_span_id
        self.is_trace_id_random = getattr(ids, "is_trace_id_random", bool)  # later versions ask for it
        self.get_description = sampler.get_description

    def generate_trace_id(self) -> int:
        """Gives the id of the trace that is begun."""
        trace_id, self.trace_id = self.trace_id, 0
        return trace_id or self.ids.generate_trace_id()

    def should_sample(self, *asked: Any, **options: Any) -> "SamplingResult":
        """Gives the decision about a call; that about a request of its is made now."""
        sampled, self.sampled = self.sampled, None
        return sampled or self.sampler.should_sample(*asked, **options)

"""The metrics of the server, for Prometheus.

Names and labels of the `grpc_server_…` set are those of go-grpc-middleware, to the letter, so that existing dashboards
fit. `METRICS` is the one table of all metrics; the registry is injected. Children are looked up once and kept, because
`labels()` costs three times the increment it leads to. Every series is on the page at 0 before anything is counted; the
nearly thousand of them are created when the page is first asked for, since that takes longer than the rest of a start.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import grpc
import prometheus_client
from google.protobuf import descriptor_pool
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from twinfront_server import __version__
from twinfront_server.reasons import Reason

BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)
"""Upper bounds in seconds; the same for RPCs and for upstream requests, so that the two can be compared."""

SERVER_BUCKETS: Final = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""The same for the time that the server itself takes, which is short."""

RpcType = Literal["unary", "client_stream", "server_stream", "bidi_stream"]

RPC_TYPES: Final[dict[tuple[bool, bool], RpcType]] = {
    (False, False): "unary",
    (True, False): "client_stream",
    (False, True): "server_stream",
    (True, True): "bidi_stream",
}
"""By (does the client stream, does the server stream)."""

METHODS_WITH_ITEMS: Final = ("BatchGetDigitalTwins", "BatchWriteDigitalTwins", "ImportGraph")
"""RPCs that are about many things, each of which may fail while the RPC is OK."""

SETTLED_OUTCOMES: Final = ("applied", "repeated", "unknown")
"""Outcomes of a write whose answer was lost."""

KEY_READS: Final = ("read", "failed")
"""Outcomes of a read of the keys that tokens are checked with."""

Limit = Literal[
    "calls_in_flight",
    "calls_per_caller",
    "streams_per_caller",
    "call_rate",
    "query_rate",
    "stream_memory",
    "unknown_keys",
]
"""Limits of this server that a call is refused for until there is room again."""

WriteLimit = Literal["twin_write_rate", "patch_rate", "create_delete_rate", "waiting_writes"]
"""Rates, and a bound, for which a write is refused that would not be sent before its deadline."""

POLICY_READS: Final = ("applied", "refused")
"""Outcomes of a read of the policy file."""

AuthorizerOutcome = Literal["allowed", "denied", "failed"]
"""Outcomes of a question to the policy system."""

_METHOD_LABELS: Final = ("grpc_type", "grpc_service", "grpc_method")


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One row of the table of metrics."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = BUCKETS


METRICS: Final = (
    MetricSpec("grpc_server_started_total", "counter", _METHOD_LABELS, "RPCs started on the server."),
    MetricSpec(
        "grpc_server_handled_total",
        "counter",
        (*_METHOD_LABELS, "grpc_code"),
        "RPCs completed on the server, whatever the outcome. The code is written as in Go: OK, NotFound.",
    ),
    MetricSpec("grpc_server_msg_received_total", "counter", _METHOD_LABELS, "Messages received from callers."),
    MetricSpec("grpc_server_msg_sent_total", "counter", _METHOD_LABELS, "Messages sent to callers."),
    MetricSpec(
        "grpc_server_handling_seconds",
        "histogram",
        _METHOD_LABELS,
        "Time from the start of an RPC to its end, in seconds.",
    ),
    MetricSpec(
        "twinfront_server_seconds",
        "histogram",
        ("grpc_method",),
        "Time that the server had a unary RPC without a request of it at the upstream, in seconds: its own work, and "
        "waiting for turns.",
        SERVER_BUCKETS,
    ),
    MetricSpec(
        "twinfront_upstream_request_seconds",
        "histogram",
        ("operation", "outcome"),
        "Time of one request to Azure Digital Twins or localtwins, in seconds.",
    ),
    MetricSpec(
        "twinfront_upstream_retries_total",
        "counter",
        ("operation",),
        "Requests sent to the upstream once more after a failure.",
    ),
    MetricSpec(
        "twinfront_upstream_circuit_open",
        "gauge",
        (),
        "1 while the upstream is taken for dead and nothing but probes is sent, see --upstream-failures; 0 else.",
    ),
    MetricSpec(
        "twinfront_upstream_circuit_refusals_total", "counter", (), "Requests that were not sent for that reason."
    ),
    MetricSpec(
        "twinfront_settled_writes_total",
        "counter",
        ("outcome",),
        "Writes whose answer was lost, by what came out: applied, repeated (sent again) or unknown.",
    ),
    MetricSpec("twinfront_errors_total", "counter", ("reason",), "RPCs that failed, by twinfront.v1.ErrorReason."),
    MetricSpec(
        "twinfront_item_errors_total",
        "counter",
        ("grpc_method", "reason"),
        "Items of batches and imports that failed, by twinfront.v1.ErrorReason; the RPC itself may be OK.",
    ),
    MetricSpec(
        "twinfront_etag_conflicts_total",
        "counter",
        ("grpc_method",),
        "Writes refused because the etag was not current, those inside batches and imports included.",
    ),
    MetricSpec(
        "twinfront_blocked_deletes_total",
        "counter",
        (),
        "Deletes of twins that relationships blocked, those inside batches included.",
    ),
    MetricSpec(
        "twinfront_replayed_outcomes_total",
        "counter",
        (),
        "Writes answered with the outcome of an earlier one that had the same request_id.",
    ),
    MetricSpec(
        "twinfront_outcome_store_failures_total",
        "counter",
        (),
        "Times that the Redis of --outcomes did not answer, or was not asked because it had just failed; the write was "
        "carried out without.",
    ),
    MetricSpec("twinfront_query_charge_total", "counter", (), "Query units that Azure Digital Twins charged."),
    MetricSpec("twinfront_in_flight_requests", "gauge", (), "RPCs being served now."),
    MetricSpec("twinfront_waiting_requests", "gauge", (), "RPCs of these that wait for their caller's turn."),
    MetricSpec(
        "twinfront_waiting_seconds", "histogram", (), "Time that an RPC waited for its caller's turn, if it did."
    ),
    MetricSpec(
        "twinfront_limited_total", "counter", ("limit",), "RPCs refused because a limit of this server is reached."
    ),
    MetricSpec(
        "twinfront_waiting_writes", "gauge", (), "Writes that wait for their turn at the upstream, see --shape-writes."
    ),
    MetricSpec(
        "twinfront_write_waiting_seconds",
        "histogram",
        (),
        "Time that a write waited for its turn at the upstream, if it did.",
    ),
    MetricSpec(
        "twinfront_held_back_writes_total",
        "counter",
        ("limit",),
        "Writes refused without being sent since their turn at the upstream would have come too late, by the rate: "
        "twin_write_rate, patch_rate or create_delete_rate; and waiting_writes, of which there were too many.",
    ),
    MetricSpec(
        "twinfront_audit_lines_lost_total",
        "counter",
        (),
        "Lines of the audit log that could not be written.",
    ),
    MetricSpec(
        "twinfront_serving",
        "gauge",
        (),
        "1 while calls may come, as /readyz says; 0 while the upstream does not answer, and during a drain.",
    ),
    MetricSpec("twinfront_draining", "gauge", (), "1 while the server drains before it stops."),
    MetricSpec(
        "twinfront_event_loop_stalls_total",
        "counter",
        (),
        "Times that the event loop was held up for longer than --max-stall-time.",
    ),
    MetricSpec(
        "twinfront_tls_certificate_expiry_seconds",
        "gauge",
        (),
        "When the server's certificate expires, in seconds since 1970; 0 without TLS.",
    ),
    MetricSpec(
        "twinfront_jwt_key_reads_total",
        "counter",
        ("outcome",),
        "Reads of the keys that tokens are checked with: read or failed; after one that failed those of before stay.",
    ),
    MetricSpec(
        "twinfront_policy_reads_total",
        "counter",
        ("outcome",),
        "Reads of the file of --policy: applied or refused; after one that was refused the policy of before stays.",
    ),
    MetricSpec(
        "twinfront_authorizer_decisions_total",
        "counter",
        ("outcome",),
        "Questions to the policy system of --authorize: allowed, denied or failed; a decision that is kept is none.",
    ),
    MetricSpec(
        "twinfront_jwt_keys_read_timestamp_seconds",
        "gauge",
        (),
        "When the keys that tokens are checked with were last read, in seconds since 1970; 0 without --auth jwt.",
    ),
    MetricSpec(
        "twinfront_build_info", "gauge", ("version", "python", "grpcio"), "Always 1; the labels say what is running."
    ),
)


def code_label(code: grpc.StatusCode) -> str:
    """Writes a code as Go does, which is what dashboards expect: OK, NotFound, Canceled."""
    if code is grpc.StatusCode.OK:
        return "OK"
    if code is grpc.StatusCode.CANCELLED:
        return "Canceled"
    return code.name.title().replace("_", "")


@dataclass(slots=True)
class MethodMetrics:
    """The series of one RPC method."""

    started: Counter
    received: Counter
    sent: Counter
    seconds: Histogram
    handled: dict[grpc.StatusCode, Counter]
    etag_conflicts: Counter
    server_seconds: Histogram | None


class Metrics:
    """All metrics of one server, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # The `_created` series would double the page, and nobody's dashboard has them.
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
        self.registry = registry
        registry.register(_SeriesAtZero(self._create_series))
        self._families = {spec.name: _family(spec, registry) for spec in METRICS}
        self._services: list[str] = []
        self._methods: dict[tuple[str, str], MethodMetrics] = {}
        self._upstream: dict[tuple[str, str], Histogram] = {}
        self._children: dict[tuple[str, ...], Counter] = {}
        self.in_flight = self._gauge("twinfront_in_flight_requests")
        self.audit_lines_lost = self._counter("twinfront_audit_lines_lost_total")
        self.serving = self._gauge("twinfront_serving")
        self.draining = self._gauge("twinfront_draining")
        self.waiting = self._gauge("twinfront_waiting_requests")
        self.waiting_seconds = self._histogram("twinfront_waiting_seconds")
        self.waiting_writes = self._gauge("twinfront_waiting_writes")
        self.write_waiting_seconds = self._histogram("twinfront_write_waiting_seconds")
        self.circuit_open = self._gauge("twinfront_upstream_circuit_open")
        self.circuit_refusals = self._counter("twinfront_upstream_circuit_refusals_total")
        self.certificate_expiry = self._gauge("twinfront_tls_certificate_expiry_seconds")
        self._keys_read = self._gauge("twinfront_jwt_keys_read_timestamp_seconds")
        self.blocked_deletes = self._counter("twinfront_blocked_deletes_total")
        self.replayed_outcomes = self._counter("twinfront_replayed_outcomes_total")
        self.outcome_store_failures = self._counter("twinfront_outcome_store_failures_total")
        self.stalls = self._counter("twinfront_event_loop_stalls_total")
        self._query_charge = self._counter("twinfront_query_charge_total")
        self._gauge("twinfront_build_info").labels(__version__, platform.python_version(), grpc.__version__).set(1)

    def register_services(self, names: Iterable[str]) -> None:
        """Has every method of these services (full names, known to the descriptor pool) on the page from the start."""
        self._services += names

    def _create_series(self) -> None:
        """Creates at 0 what is not there yet of the series whose labels are known beforehand."""
        pool = descriptor_pool.Default()
        for name in self._services:
            for method in pool.FindServiceByName(name).methods:
                self.method(name, method.name, RPC_TYPES[method.client_streaming, method.server_streaming])
        for outcome in SETTLED_OUTCOMES:
            self._child("twinfront_settled_writes_total", outcome)
        for result in KEY_READS:
            self._child("twinfront_jwt_key_reads_total", result)
        for limit in get_args(Limit):
            self._child("twinfront_limited_total", limit)
        for write_limit in get_args(WriteLimit):
            self._child("twinfront_held_back_writes_total", write_limit)
        for result in POLICY_READS:
            self._child("twinfront_policy_reads_total", result)
        for decision in get_args(AuthorizerOutcome):
            self._child("twinfront_authorizer_decisions_total", decision)
        for reason in Reason:
            self._child("twinfront_errors_total", reason)
            for method_name in METHODS_WITH_ITEMS:
                self._child("twinfront_item_errors_total", method_name, reason)

    def method(self, service: str, method: str, rpc_type: RpcType) -> MethodMetrics:
        """Gives the series of one method, created when first asked for."""
        known = self._methods.get((service, method))
        if known is not None:
            return known
        labels = (rpc_type, service, method)
        handled = self._counter("grpc_server_handled_total")
        created = MethodMetrics(
            started=self._counter("grpc_server_started_total").labels(*labels),
            received=self._counter("grpc_server_msg_received_total").labels(*labels),
            sent=self._counter("grpc_server_msg_sent_total").labels(*labels),
            seconds=self._histogram("grpc_server_handling_seconds").labels(*labels),
            handled={code: handled.labels(*labels, code_label(code)) for code in grpc.StatusCode},
            etag_conflicts=self._counter("twinfront_etag_conflicts_total").labels(method),
            server_seconds=self._histogram("twinfront_server_seconds").labels(method) if rpc_type == "unary" else None,
        )
        self._methods[service, method] = created
        return created

    def error(self, reason: Reason) -> None:
        """Counts an RPC that failed for a reason."""
        self._child("twinfront_errors_total", reason).inc()

    def limited(self, limit: Limit) -> None:
        """Counts an RPC that is refused because of a limit of this server."""
        self._child("twinfront_limited_total", limit).inc()

    def held_back_write(self, limit: WriteLimit) -> None:
        """Counts a write that is refused since its turn would come too late."""
        self._child("twinfront_held_back_writes_total", limit).inc()

    def item_error(self, method: str, reason: Reason) -> None:
        """Counts an item of an RPC that failed for a reason."""
        self._child("twinfront_item_errors_total", method, reason).inc()

    def upstream_request(self, operation: str, outcome: str, seconds: float) -> None:
        """Counts one request to the upstream and how long it took."""
        series = self._upstream.get((operation, outcome))
        if series is None:
            series = self._histogram("twinfront_upstream_request_seconds").labels(operation, outcome)
            self._upstream[operation, outcome] = series
        series.observe(seconds)

    def upstream_retry(self, operation: str) -> None:
        """Counts a request that is sent to the upstream once more."""
        self._child("twinfront_upstream_retries_total", operation).inc()

    def settled_write(self, outcome: str) -> None:
        """Counts a write whose answer was lost: `applied`, `repeated` or `unknown`."""
        self._child("twinfront_settled_writes_total", outcome).inc()

    def keys_read(self, outcome: Literal["read", "failed"]) -> None:
        """Counts a read of the keys that tokens are checked with."""
        self._child("twinfront_jwt_key_reads_total", outcome).inc()
        if outcome == "read":
            self._keys_read.set_to_current_time()

    def policy_read(self, outcome: Literal["applied", "refused"]) -> None:
        """Counts a read of the policy file: at the start, and whenever it has changed."""
        self._child("twinfront_policy_reads_total", outcome).inc()

    def authorizer_decided(self, outcome: AuthorizerOutcome) -> None:
        """Counts a question to the policy system."""
        self._child("twinfront_authorizer_decisions_total", outcome).inc()

    def query_charge(self, units: float) -> None:
        """Adds what a query cost, in query units."""
        self._query_charge.inc(units)

    def _child(self, name: str, *labels: str) -> Counter:
        """Gives the counter with these labels; created when first asked for."""
        child = self._children.get((name, *labels))
        if child is None:
            child = self._children[(name, *labels)] = self._counter(name).labels(*labels)
        return child

    def _counter(self, name: str) -> Counter:
        family = self._families[name]
        assert isinstance(family, Counter)  # noqa: S101  (the table says so)
        return family

    def _gauge(self, name: str) -> Gauge:
        family = self._families[name]
        assert isinstance(family, Gauge)  # noqa: S101  (the table says so)
        return family

    def _histogram(self, name: str) -> Histogram:
        family = self._families[name]
        assert isinstance(family, Histogram)  # noqa: S101  (the table says so)
        return family


class _SeriesAtZero(Collector):
    """Creates series when the registry is read. It stands first in there, and gives none of its own."""

    def __init__(self, create: Callable[[], None]) -> None:
        self._create = create

    def collect(self) -> Iterable[Metric]:
        """Creates the series."""
        self._create()
        return ()


def _family(spec: MetricSpec, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if spec.type == "counter":
        return Counter(spec.name, spec.help, spec.labels, registry=registry)
    if spec.type == "gauge":
        return Gauge(spec.name, spec.help, spec.labels, registry=registry)
    return Histogram(spec.name, spec.help, spec.labels, registry=registry, buckets=spec.buckets)

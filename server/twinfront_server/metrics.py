"""The metrics of the server, for Prometheus.

The registry is injected. Children are looked up once and kept, because `labels()` costs three times the increment it
leads to. Every series is on the page at 0 before anything is counted; the nearly thousand of them are created when the
page is first asked for, since that takes longer than the rest of a start.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import get_args

import grpc
import prometheus_client
from google.protobuf import descriptor_pool
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from twinfront.v1.change_service_pb2 import ChangeKind
from twinfront_server import __version__
from twinfront_server.metric_table import (
    METHODS_WITH_ITEMS,
    METRICS,
    RPC_TYPES,
    AuthorizerOutcome,
    EventOutcome,
    KeysRead,
    Limit,
    MetricSpec,
    PolicyRead,
    RpcType,
    SettledOutcome,
    WatchReset,
    WriteLimit,
)
from twinfront_server.reasons import Reason


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


class WatchMetrics:
    """The series of watches.

    Attributes:
        streams: how many there are.
        lag: how far the last one is behind.
    """

    def __init__(self, streams: Gauge, lag: Gauge, changes: Counter, resets: Counter) -> None:
        self.streams = streams
        self.lag = lag
        self._changes = {
            number: changes.labels(name.removeprefix("CHANGE_KIND_").lower())
            for name, number in ChangeKind.items()
            if number
        }
        self._resets = {reason: resets.labels(reason) for reason in get_args(WatchReset)}

    def told(self, kind: ChangeKind.ValueType) -> None:
        """Counts a change that is told."""
        self._changes[kind].inc()

    def reset(self, reason: str) -> None:
        """Counts a watch that is told of lost changes."""
        self._resets[reason].inc()


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
        self.watches = WatchMetrics(
            self._gauge("twinfront_watch_streams"),
            self._gauge("twinfront_watch_lag_seconds"),
            self._counter("twinfront_watch_changes_total"),
            self._counter("twinfront_watch_resets_total"),
        )
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
        for outcome in get_args(SettledOutcome):
            self._child("twinfront_settled_writes_total", outcome)
        for result in get_args(KeysRead):
            self._child("twinfront_jwt_key_reads_total", result)
        for limit in get_args(Limit):
            self._child("twinfront_limited_total", limit)
        for write_limit in get_args(WriteLimit):
            self._child("twinfront_held_back_writes_total", write_limit)
        for result in get_args(PolicyRead):
            self._child("twinfront_policy_reads_total", result)
        for event in get_args(EventOutcome):
            self._child("twinfront_change_events_total", event)
        for decision in get_args(AuthorizerOutcome):
            self._child("twinfront_authorizer_decisions_total", decision)
        for reason in Reason:
            self._child("twinfront_change_source_failures_total", reason)
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

    def keys_read(self, outcome: KeysRead) -> None:
        """Counts a read of the keys that tokens are checked with."""
        self._child("twinfront_jwt_key_reads_total", outcome).inc()
        if outcome == "read":
            self._keys_read.set_to_current_time()

    def policy_read(self, outcome: PolicyRead) -> None:
        """Counts a read of the policy file: at the start, and whenever it has changed."""
        self._child("twinfront_policy_reads_total", outcome).inc()

    def authorizer_decided(self, outcome: AuthorizerOutcome) -> None:
        """Counts a question to the policy system."""
        self._child("twinfront_authorizer_decisions_total", outcome).inc()

    def change_event(self, outcome: EventOutcome) -> None:
        """Counts a message that the source of changes has anew."""
        self._child("twinfront_change_events_total", outcome).inc()

    def change_source_failed(self, reason: Reason) -> None:
        """Counts that the source of changes could not be followed."""
        self._child("twinfront_change_source_failures_total", reason).inc()

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

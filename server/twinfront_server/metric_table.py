"""The table of all metrics, and the values of labels that are known beforehand.

Names and labels of the `grpc_server_…` set are those of go-grpc-middleware, to the letter, so that existing dashboards
fit.
"""

from dataclasses import dataclass
from typing import Final, Literal

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

SettledOutcome = Literal["applied", "repeated", "unknown"]
"""Outcomes of a write whose answer was lost."""

KeysRead = Literal["read", "failed"]
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

EventOutcome = Literal["change", "foreign", "unreadable"]
"""Kinds of messages that a source has: changes, what is no event of a graph, and events that make no sense."""

PolicyRead = Literal["applied", "refused"]
"""Outcomes of a read of the policy file."""

AuthorizerOutcome = Literal["allowed", "denied", "failed"]
"""Outcomes of a question to the policy system."""

WatchReset = Literal["log_trimmed", "bulk_job", "source_gap"]
"""Reasons for which a watch is told that it cannot be told everything, in the words of the contract."""

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
    MetricSpec("twinfront_watch_streams", "gauge", (), "Watches that are open."),
    MetricSpec(
        "twinfront_watch_lag_seconds",
        "gauge",
        (),
        "How far the watch that is furthest behind is: the age of the change that it comes to next, in seconds; 0 if "
        "none is behind.",
    ),
    MetricSpec(
        "twinfront_watch_changes_total", "counter", ("kind",), "Changes told to watches, by twinfront.v1.ChangeKind."
    ),
    MetricSpec(
        "twinfront_watch_resets_total",
        "counter",
        ("reason",),
        "Times that a watch was told that changes are lost to it: log_trimmed, bulk_job or source_gap.",
    ),
    MetricSpec(
        "twinfront_change_events_total",
        "counter",
        ("outcome",),
        "Messages of the source of --changes that were new: change, foreign (no event of a graph) or unreadable (one "
        "that makes no sense, which watches are told of).",
    ),
    MetricSpec(
        "twinfront_change_source_failures_total",
        "counter",
        ("reason",),
        "Times that the source of changes could not be followed, by twinfront.v1.ErrorReason; it is tried again.",
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

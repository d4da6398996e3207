"""The metrics and the table that describes them."""

import grpc
import pytest
from prometheus_client import CollectorRegistry, generate_latest

import twinfront_server.services  # noqa: F401  (it has the contract's services in the descriptor pool)
from twinfront.v1.error_reason_pb2 import ErrorReason
from twinfront_server import __version__
from twinfront_server.metric_table import BUCKETS, METHODS_WITH_ITEMS, METRICS
from twinfront_server.metrics import Metrics, code_label
from twinfront_server.reasons import Reason


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


def test_the_table_is_all_there_is(metrics: Metrics) -> None:
    families = {family.name: family for family in metrics.registry.collect()}
    assert {spec.name.removesuffix("_total") for spec in METRICS} == set(families)
    for spec in METRICS:
        family = families[spec.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (spec.type, spec.help)


def test_labels_are_those_of_the_table(metrics: Metrics) -> None:
    metrics.register_services(["twinfront.v1.DigitalTwinService"])
    metrics.upstream_request("get_digital_twin", "ok", 0.001)
    metrics.upstream_retry("get_digital_twin")
    labels = {spec.name.removesuffix("_total"): set(spec.labels) for spec in METRICS}
    for family in metrics.registry.collect():
        assert family.samples, family.name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels[family.name]


def test_no_label_names_a_resource() -> None:
    for spec in METRICS:
        assert not any(label.endswith("id") for label in spec.labels)


@pytest.mark.parametrize(
    ("code", "label"),
    [
        (grpc.StatusCode.OK, "OK"),
        (grpc.StatusCode.CANCELLED, "Canceled"),
        (grpc.StatusCode.NOT_FOUND, "NotFound"),
        (grpc.StatusCode.INVALID_ARGUMENT, "InvalidArgument"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DeadlineExceeded"),
        (grpc.StatusCode.DATA_LOSS, "DataLoss"),
    ],
)
def test_codes_are_written_as_in_go(code: grpc.StatusCode, label: str) -> None:
    assert code_label(code) == label


def test_a_registered_method_has_every_code_at_0(metrics: Metrics) -> None:
    metrics.register_services(["twinfront.v1.ModelService"])
    labels = {"grpc_type": "unary", "grpc_service": "twinfront.v1.ModelService", "grpc_method": "ListModels"}
    for code in grpc.StatusCode:
        handled = labels | {"grpc_code": code_label(code)}
        assert metrics.registry.get_sample_value("grpc_server_handled_total", handled) == 0


def test_every_reason_is_there_at_0(metrics: Metrics) -> None:
    for name in ErrorReason.keys()[1:]:
        reason = {"reason": name.removeprefix("ERROR_REASON_")}
        assert metrics.registry.get_sample_value("twinfront_errors_total", reason) == 0
    assert metrics.registry.get_sample_value("twinfront_errors_total", {"reason": "UNSPECIFIED"}) is None


def test_every_reason_is_there_at_0_for_the_items_of_each_method_with_items(metrics: Metrics) -> None:
    for method in METHODS_WITH_ITEMS:
        for name in ErrorReason.keys()[1:]:
            labels = {"grpc_method": method, "reason": name.removeprefix("ERROR_REASON_")}
            assert metrics.registry.get_sample_value("twinfront_item_errors_total", labels) == 0


def test_every_outcome_of_a_write_whose_answer_was_lost_is_there_at_0(metrics: Metrics) -> None:
    for outcome in ("applied", "repeated", "unknown"):
        assert metrics.registry.get_sample_value("twinfront_settled_writes_total", {"outcome": outcome}) == 0


def test_the_first_page_has_every_series(metrics: Metrics) -> None:
    metrics.register_services(["twinfront.v1.ModelService"])
    assert generate_latest(metrics.registry) == generate_latest(metrics.registry)


def test_what_is_counted_before_the_first_page_stays_counted(metrics: Metrics) -> None:
    metrics.register_services(["twinfront.v1.ModelService"])
    metrics.method("twinfront.v1.ModelService", "ListModels", "unary").started.inc()
    metrics.error(Reason.TWIN_NOT_FOUND)
    metrics.item_error("ImportGraph", Reason.TWIN_NOT_FOUND)
    metrics.settled_write("applied")
    page = generate_latest(metrics.registry).decode()
    assert 'twinfront_errors_total{reason="TWIN_NOT_FOUND"} 1.0' in page
    assert 'twinfront_item_errors_total{grpc_method="ImportGraph",reason="TWIN_NOT_FOUND"} 1.0' in page
    assert 'twinfront_settled_writes_total{outcome="applied"} 1.0' in page
    assert 'grpc_server_started_total{grpc_method="ListModels",' in page


def test_buckets_reach_from_half_a_millisecond_to_half_a_minute() -> None:
    assert BUCKETS == (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)


def test_upstream_requests_are_timed_by_operation_and_outcome(metrics: Metrics) -> None:
    metrics.upstream_request("query", "ok", 0.004)
    metrics.upstream_request("query", "ok", 0.004)
    value = metrics.registry.get_sample_value
    labels = {"operation": "query", "outcome": "ok"}
    assert value("twinfront_upstream_request_seconds_count", labels) == 2
    assert value("twinfront_upstream_request_seconds_bucket", labels | {"le": "0.005"}) == 2
    assert value("twinfront_upstream_request_seconds_bucket", labels | {"le": "0.002"}) == 0


def test_query_charge_adds_up(metrics: Metrics) -> None:
    metrics.query_charge(1.5)
    metrics.query_charge(2)
    assert metrics.registry.get_sample_value("twinfront_query_charge_total") == 3.5


def test_build_info_says_what_runs(metrics: Metrics) -> None:
    assert f'version="{__version__}"' in generate_latest(metrics.registry).decode()


def test_two_servers_in_a_process_do_not_share_metrics() -> None:
    one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.blocked_deletes.inc()
    assert other.registry.get_sample_value("twinfront_blocked_deletes_total") == 0

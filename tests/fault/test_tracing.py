"""Traces of OpenTelemetry: a span of the server for each call, below it one for each request to the upstream."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode, TraceState
from structlog.testing import capture_logs
from tests.ports import reserved_port
from tests.rpc.serving import process

from twinfront_program.log import get_logger
from twinfront_program.startup_error import StartupError
from twinfront_server.app import App
from twinfront_server.call import Call
from twinfront_server.settings import Settings
from twinfront_server.tracing import NO_TRACING, OpenTelemetry, open_tracing

from .calls import GET_TWIN, RPCS, UPDATE_TWIN, Rpc, refused
from .fault_server import Answer, FaultServer

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-01")
MINE = ("twinfront-call-id", "mine")
MISSING = Answer(404, {"error": {"code": "DigitalTwinNotFound", "message": "No."}})


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def server(settings: Settings, spans: InMemorySpanExporter) -> AsyncIterator[App]:
    async with App(settings, tracing=OpenTelemetry(SimpleSpanProcessor(spans))) as app:
        yield app


async def ended(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    """The spans of one call, its own first, which ends after its caller has been answered."""
    end = time.monotonic() + 10
    while not any(span.kind is SpanKind.SERVER for span in spans.get_finished_spans()):
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    return list(reversed(spans.get_finished_spans()))


def ids(span: ReadableSpan) -> tuple[str, str]:
    context = span.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def parent(span: ReadableSpan) -> str:
    assert span.parent is not None
    return f"{span.parent.span_id:016x}"


@pytest.mark.parametrize("rpc", RPCS, ids=str)
async def test_every_call_goes_on_with_its_callers_trace_and_the_upstream_with_the_calls(
    rpc: Rpc, upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on(rpc.method, rpc.succeeds())
    await rpc.call(channel, metadata=(SAMPLED, MINE))
    call, *requests = await ended(spans)
    assert (ids(call)[0], parent(call)) == (TRACE, PARENT)
    assert {(ids(request)[0], parent(request)) for request in requests} == {ids(call)}
    carried = [request.headers["traceparent"] for request in upstream.requests]
    assert sorted(carried) == sorted(f"00-{TRACE}-{ids(request)[1]}-01" for request in requests)


async def test_the_span_of_a_call_is_as_the_conventions_have_it(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    await GET_TWIN.call(channel, metadata=(MINE,))
    call, request = await ended(spans)
    method = "twinfront.v1.DigitalTwinService/GetDigitalTwin"
    assert (call.name, call.kind, call.parent) == (method, SpanKind.SERVER, None)
    assert dict(call.attributes or {}) == {
        "rpc.system.name": "grpc",
        "rpc.method": method,
        "rpc.response.status_code": "OK",
        "twinfront.call_id": "mine",
    }
    assert request.kind is SpanKind.CLIENT
    assert dict(request.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": int(upstream.url.rpartition(":")[2]),
        "twinfront.operation": "get_digital_twin",
    }
    assert call.status.status_code is request.status.status_code is StatusCode.UNSET


async def test_what_the_caller_did_is_no_error_of_the_server(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on("GET", MISSING)
    await refused(GET_TWIN.call(channel))
    call, request = await ended(spans)
    attributes = call.attributes or {}
    assert (attributes["rpc.response.status_code"], attributes["error.type"]) == ("NOT_FOUND", "TWIN_NOT_FOUND")
    assert call.status.status_code is StatusCode.UNSET
    assert (request.attributes or {})["error.type"] == "404"
    assert request.status.status_code is StatusCode.ERROR


async def test_each_attempt_has_a_span_and_the_failure_is_one_of_the_server(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on("GET", Answer(503), Answer(breaks="after"))
    await refused(GET_TWIN.call(channel))
    call, *requests = await ended(spans)
    assert call.status.status_code is StatusCode.ERROR
    assert (call.attributes or {})["error.type"] == "UPSTREAM_UNAVAILABLE"
    errors = [(request.attributes or {})["error.type"] for request in reversed(requests)]
    assert errors == ["503", "ServiceResponseError", "ServiceResponseError"]


async def test_a_trace_that_its_caller_does_not_sample_is_not_sampled_here_either(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    await GET_TWIN.call(channel, metadata=(("traceparent", f"00-{TRACE}-{PARENT}-00"),))
    assert spans.get_finished_spans() == ()
    assert upstream.requests[0].headers["traceparent"].startswith(f"00-{TRACE}-")
    assert upstream.requests[0].headers["traceparent"].endswith("-00")


@pytest.fixture
def nothing_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")


@pytest.mark.usefixtures("nothing_is_sampled", "server")
class TestWhatIsNotSampled:
    """Nothing is recorded of it, and its trace goes on."""

    @pytest.mark.parametrize("rpc", RPCS, ids=str)
    async def test_the_upstream_and_the_log_have_its_trace(
        self, rpc: Rpc, upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
    ) -> None:
        upstream.on(rpc.method, rpc.succeeds())
        with capture_logs() as lines:
            await rpc.call(channel)
        (logged,) = {line["trace_id"] for line in lines if line["event"] == "rpc"}
        assert len(upstream.requests) >= 1
        for request in upstream.requests:
            version, trace, span, flags = request.headers["traceparent"].split("-")
            # It is the id of a new trace, which is random (2) and not sampled (1).
            assert (version, trace, flags) == ("00", logged, "02")
            assert re.fullmatch("[0-9a-f]{16}", span)
            assert int(span, 16)
        assert re.fullmatch("[0-9a-f]{32}", logged)
        assert int(logged, 16)
        assert spans.get_finished_spans() == ()

    @pytest.mark.parametrize("flags", ["00", "02"])
    async def test_an_unsampled_call_goes_on_with_the_trace_of_its_caller_and_its_state(
        self, upstream: FaultServer, channel: grpc.aio.Channel, flags: str
    ) -> None:
        upstream.on("GET", GET_TWIN.succeeds())
        parent = ("traceparent", f"00-{TRACE}-{PARENT}-{flags}")
        await GET_TWIN.call(channel, metadata=(parent, ("tracestate", "a=1,b=2"), ("baggage", "customer=42")))
        headers = upstream.requests[0].headers
        version, trace, span, carried = headers["traceparent"].split("-")
        assert (version, trace, carried, headers["tracestate"]) == ("00", TRACE, flags, "a=1,b=2")
        assert span != PARENT
        assert "baggage" not in headers

    async def test_a_caller_that_samples_has_its_call_recorded(
        self, upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
    ) -> None:
        upstream.on("GET", GET_TWIN.succeeds())
        await GET_TWIN.call(channel, metadata=(SAMPLED,))
        call, _ = await ended(spans)
        assert ids(call)[0] == TRACE


class TestWhatIsRecorded:
    """The sampler decides, once for each call."""

    def called(self, tracing: OpenTelemetry, calls: int) -> list[Call]:
        made = [Call(call_id=str(number), method="a.Service/Method", deadline=None) for number in range(calls)]
        for call in made:
            with tracing.call(call, call.method) or nullcontext():
                pass
        return made

    @pytest.mark.parametrize("sampler", ["traceidratio", "parentbased_traceidratio"])
    def test_a_call_is_recorded_by_the_id_of_its_trace(
        self, monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter, sampler: str
    ) -> None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
        calls = self.called(OpenTelemetry(SimpleSpanProcessor(spans)), 200)
        half = TraceIdRatioBased.get_bound_for_rate(0.5)
        wanted = [call.trace_id for call in calls if int(call.trace_id, 16) & TraceIdRatioBased.TRACE_ID_LIMIT < half]
        assert [ids(span)[0] for span in spans.get_finished_spans()] == wanted
        assert 0 < len(wanted) < 200
        assert [call.trace_id for call in calls if not call.carried] == wanted

    def test_a_sampler_that_goes_by_chance_is_asked_once_a_call_and_has_its_say(
        self, monkeypatch: pytest.MonkeyPatch, spans: InMemorySpanExporter
    ) -> None:
        asked: list[int] = []

        def by_turns(_self: object, _context: object, trace_id: int, *_: object) -> SamplingResult:
            asked.append(trace_id)
            taken = Decision.RECORD_AND_SAMPLE if len(asked) % 2 else Decision.DROP
            return SamplingResult(taken, {"number": len(asked)}, TraceState([("turn", str(len(asked)))]))

        monkeypatch.setattr(TraceIdRatioBased, "should_sample", by_turns)
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
        calls = self.called(OpenTelemetry(SimpleSpanProcessor(spans)), 6)
        assert [f"{trace_id:032x}" for trace_id in asked] == [call.trace_id for call in calls]
        told = [(ids(span)[0], (span.attributes or {})["number"]) for span in spans.get_finished_spans()]
        assert told == [(calls[number].trace_id, number + 1) for number in (0, 2, 4)]
        assert [call.carried.get("tracestate") for call in calls] == [None, "turn=2", None, "turn=4", None, "turn=6"]


@pytest.mark.parametrize("traceparent", ["", "00-0-0-01", f"00-{'0' * 32}-{PARENT}-01", "x" * 5000, "00-" * 5000])
async def test_a_broken_traceparent_begins_a_trace(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter, traceparent: str
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    await GET_TWIN.call(channel, metadata=(("traceparent", traceparent),))
    call, _ = await ended(spans)
    assert call.parent is None


@pytest.mark.parametrize("header", ["tracestate", "baggage"])
@pytest.mark.parametrize(
    "value",
    ["a=b" + " " * 30_000 + "x", "," * 8000, "x," * 170 + "x", "a=b" + " " * 200 + "x"],
    ids=["long", "commas", "many", "short"],
)
async def test_a_broken_context_costs_no_time_and_is_not_logged(
    upstream: FaultServer,
    channel: grpc.aio.Channel,
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    header: str,
    value: str,
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    before = time.thread_time()
    await GET_TWIN.call(channel, metadata=(SAMPLED, (header, value)))
    call, _ = await ended(spans)
    assert time.thread_time() - before < 0.25
    assert ids(call)[0] == TRACE
    assert caplog.records == []


async def test_the_state_of_a_trace_goes_on_with_it(upstream: FaultServer, channel: grpc.aio.Channel) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    state = ",".join(f"vendor{number}={'v' * 50}" for number in range(8))
    await GET_TWIN.call(channel, metadata=(SAMPLED, ("tracestate", state)))
    assert upstream.requests[0].headers["tracestate"] == state


async def test_what_else_a_caller_has_in_its_context_is_not_for_the_upstream(
    upstream: FaultServer, channel: grpc.aio.Channel
) -> None:
    upstream.on("GET", GET_TWIN.succeeds())
    await GET_TWIN.call(channel, metadata=(SAMPLED, ("baggage", "customer=42")))
    assert "baggage" not in upstream.requests[0].headers


async def test_methods_that_there_are_not_share_the_name_of_their_spans(
    channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    call: Any = channel.unary_unary("/made.Up/Name" + "x" * 5000)
    await refused(call(b""))
    [span] = await ended(spans)
    attributes = span.attributes or {}
    assert (span.name, attributes["rpc.method"]) == ("_OTHER", "_OTHER")
    assert str(attributes["rpc.method_original"]).startswith("made.Up/Namexxx")
    assert len(str(attributes["rpc.method_original"])) < 300


async def test_neither_ids_nor_values_are_in_spans(
    upstream: FaultServer, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    upstream.on("PATCH", UPDATE_TWIN.succeeds())
    await UPDATE_TWIN.having(digital_twin_id="nobody-else").call(channel)
    told = "".join(span.to_json() for span in await ended(spans))
    assert "nobody-else" not in told
    assert "/temperature" not in told


async def test_probes_of_health_have_no_spans(
    server: App, channel: grpc.aio.Channel, spans: InMemorySpanExporter
) -> None:
    await server.upstream.probe()
    await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert spans.get_finished_spans() == ()


class Collector(TraceServiceServicer):
    """Takes spans as a collector of OpenTelemetry does."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []

    def Export(self, request: ExportTraceServiceRequest, _context: Any) -> ExportTraceServiceResponse:  # noqa: N802
        self.requests.append(request)
        return ExportTraceServiceResponse()


def ask(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        call = GET_TWIN.stub(channel).GetDigitalTwin.future(GET_TWIN.request, metadata=(SAMPLED,))
        assert call.code() is grpc.StatusCode.NOT_FOUND


def test_a_served_process_sends_its_spans_to_a_collector_and_names_the_trace_in_its_log(tmp_path: Path) -> None:
    collector = Collector()
    receiving = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(collector, receiving)
    port = receiving.add_insecure_port("127.0.0.1:0")
    receiving.start()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_RESOURCE_ATTRIBUTES": "team=twins"}
    served = process.start(tmp_path, [], variables)
    try:
        ask(served.address)
        served.signal()
        assert served.exit_code() == 0
    finally:
        served.process.kill()
        receiving.stop(None)
    [sent] = [spans for request in collector.requests for spans in request.resource_spans]
    resource = {attribute.key: attribute.value.string_value for attribute in sent.resource.attributes}
    assert resource.items() >= {("service.name", "twinfront"), ("team", "twins")}
    names = {span.name for scope in sent.scope_spans for span in scope.spans}
    assert names == {"twinfront.v1.DigitalTwinService/GetDigitalTwin", "GET get_digital_twin"}
    [line] = [line for line in map(json.loads, served.log().splitlines()) if line["event"] == "rpc"]
    assert line["trace_id"] == TRACE


def test_a_collector_that_is_gone_keeps_no_process_from_serving_and_ending(tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{reserved_port()}"  # nobody listens there
    served = process.start(tmp_path, [], {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    try:
        ask(served.address)
        served.signal()
        assert served.exit_code() == 0
    finally:
        served.process.kill()


def test_opentelemetry_is_not_even_imported_without_its_variables() -> None:
    script = (
        "import asyncio, sys\n"
        "from twinfront_server.app import App\n"
        "from twinfront_server.settings import Settings\n"
        "async def main():\n"
        "    async with App(Settings(listen='127.0.0.1:0', metrics_listen='none', data_dir=':memory:')): pass\n"
        "asyncio.run(main())\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=process.environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_SERVICE_NAME": "twins"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_traced_where_nobody_asks_for_it(variables: dict[str, str]) -> None:
    assert open_tracing(get_logger(), variables) is NO_TRACING


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]
)
def test_what_cannot_be_had_ends_the_start_by_the_name_of_its_variable(variable: str, value: str) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317", variable: value}
    with pytest.raises(StartupError, match=re.escape(f"{variable}: {value!r}")):
        open_tracing(get_logger(), variables)


def test_without_the_extra_the_log_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with capture_logs() as lines:
        assert open_tracing(get_logger(), {"OTEL_TRACES_EXPORTER": "otlp"}) is NO_TRACING
    assert "twinfront[otel]" in lines[0]["event"]

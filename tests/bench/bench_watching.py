"""Measures the price of being watched: processor time of the server per call, without and with audit log and traces."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
import workload
from generator import generator
from load.job import Job
from measuring import Samples
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from processes import twinfront_server
from report import Report

_CALLERS = 16
_OPERATIONS = ("get, JSON", "update 3 properties")


class _Collector(TraceServiceServicer):
    """Takes spans and forgets them."""

    def Export(self, _request: ExportTraceServiceRequest, _context: Any) -> ExportTraceServiceResponse:  # noqa: N802  (the contract's name)
        """Takes some."""
        return ExportTraceServiceResponse()


@contextmanager
def collector() -> Iterator[str]:
    """Takes spans; gives the URL for them."""
    server = grpc.server(ThreadPoolExecutor(2))
    add_TraceServiceServicer_to_server(_Collector(), server)  # type: ignore[no-untyped-call]  # generated without types
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop(None)


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Starts a server for each way to be watched, runs the cases in turn and prints the table."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        traces = {"OTEL_EXPORTER_OTLP_ENDPOINT": stack.enter_context(collector())}
        servers = {
            "nothing": twinfront_server(":memory:"),
            "audit log": twinfront_server(":memory:", "--audit-log", str(folder / "audit.ndjson")),
            "traces, none sampled": twinfront_server(
                ":memory:", variables=traces | {"OTEL_TRACES_SAMPLER": "always_off"}
            ),
            "traces, 1 in 100": twinfront_server(
                ":memory:",
                variables=traces | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
            ),
            "traces, all sampled": twinfront_server(":memory:", variables=traces),
        }
        started = {name: stack.enter_context(server) for name, server in servers.items()}
        for server in started.values():
            await workload.load(server.address)
        calls = stack.enter_context(generator())
        processor = Samples()
        for _ in range(rounds):
            for operation in _OPERATIONS:
                for name, server in started.items():
                    job = Job("grpc", server.address, operation, _CALLERS, seconds)
                    processor.add(f"{operation}: {name}", calls.measure(job, server).processor)
    report.table(
        "What watching costs (processor time of the server; ratio to nothing switched on in the same round)",
        ["case", "server CPU us", "ratio"],
        [
            [
                f"{case}: {name}",
                f"{processor.median(f'{case}: {name}'):.0f}",
                f"{processor.ratio(f'{case}: {name}', f'{case}: nothing'):.2f}",
            ]
            for case in _OPERATIONS
            for name in started
        ],
    )

"""Measures the price of being watched: processor time of the server per call, without and with audit log and traces."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import bearer_token
import bench_service
import grpc
import grpc.aio
from measuring import Samples, print_table
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from processes import twinfront_server

_CALLERS = 16
_CASES = {case.name: case for case in bench_service.CASES if case.name in {"get, JSON", "update 3 properties"}}


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


async def run(rounds: int, seconds: float) -> None:
    """Starts a server for each way to be watched, runs the cases in turn and prints the table."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        token = bearer_token.issue(folder / "keys.json")
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
        channels = {}
        for name, server in started.items():
            channels[name] = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
            await bench_service.load(channels[name], token)
        processor = Samples()
        for _ in range(rounds):
            for case in _CASES.values():
                for name, server in started.items():
                    _, microseconds = await bench_service.measure(
                        channels[name], server, replace(case, server=name), _CALLERS, seconds, token
                    )
                    processor.add(f"{case.name}: {name}", microseconds)
    print_table(
        "What watching costs (processor time of the server; ratio to nothing switched on in the same round)",
        ["case", "server CPU us", "ratio"],
        [
            [
                f"{case}: {name}",
                f"{processor.median(f'{case}: {name}'):.0f}",
                f"{processor.ratio(f'{case}: {name}', f'{case}: nothing'):.2f}",
            ]
            for case in _CASES
            for name in started
        ],
    )

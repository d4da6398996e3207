"""From the start of a server to its first answer: time, processor time, and the memory that it has then.

What the first run leaves behind on disk, such as compiled modules, is there for all that are measured.
"""

import time
from typing import Final

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from measuring import Samples
from processes import engine_options, engines, twinfront_server
from report import Report

_FIGURES: Final = {"seconds": "time, s", "processor": "processor time, s", "resident": "resident, MB"}
_WAIT_SECONDS: Final = 60.0


async def run(report: Report, rounds: int, seconds: float) -> None:  # noqa: ARG001  (each start takes its time)
    """Starts servers in turn, and reports."""
    samples = Samples()
    for number in range(rounds + 1):
        for engine in engines():
            took = _start(engine)
            if number:
                for name, figure in zip(_FIGURES, took, strict=True):
                    samples.add(f"{engine}: {name}", figure)
    for engine in engines():
        report.figures |= {f"start: {engine}: {name}": samples.spread(f"{engine}: {name}") for name in _FIGURES}
    report.table(
        "From the start to SERVING, over an embedded service in memory",
        ["engine", *_FIGURES.values()],
        [[engine, *(report.figures[f"start: {engine}: {name}"].text() for name in _FIGURES)] for engine in engines()],
    )


def _start(engine: str) -> tuple[float, float, float]:
    start = time.perf_counter()
    with (
        twinfront_server(":memory:", *engine_options(engine)) as server,
        grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", HealthCheckRequest.SerializeToString, HealthCheckResponse.FromString
        )
        asked = HealthCheckRequest()
        while check(asked, timeout=_WAIT_SECONDS, wait_for_ready=True).status != HealthCheckResponse.SERVING:
            time.sleep(0.01)
        return time.perf_counter() - start, server.processor_seconds(), server.resident()

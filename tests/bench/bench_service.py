"""Calls over gRPC: an echo as the floor, then the front on the embedded service, by engine, in memory and on disk.

The floor of all ratios is the echo of grpc.aio, also for the other engine.
"""

import itertools
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import workload
from generator import generator
from load.job import Job
from measuring import Samples
from processes import ServerProcess, echo_server, engine_options, engines, twinfront_server
from report import Chart, Report, Spread, short

CALLERS: Final = (1, 16, 64)
_MANY: Final = 16
"""So many call when ratios and processor time are taken."""
_STORES: Final = ("memory", "disk")
_OPERATIONS: Final = ("get, JSON", "get, typed", "update 3 properties", "create or replace", "page of 100")
_SERIES: Final = ("grpcio, memory", "grpcio, disk", "native, memory", "native, disk")


@dataclass(frozen=True)
class _Case:
    """An operation of a server."""

    engine: str
    store: str
    operation: str

    @property
    def name(self) -> str:
        return f"{self.operation}, {self.engine}{f', {self.store}' if self.store else ''}"


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Starts the servers, runs all cases in turn and reports."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers: dict[tuple[str, str], ServerProcess] = {}
        for engine in engines():
            servers[engine, ""] = stack.enter_context(echo_server(engine))
            for store in _STORES:
                data = ":memory:" if store == "memory" else str(folder / engine)
                servers[engine, store] = stack.enter_context(twinfront_server(data, *engine_options(engine)))
                await workload.load(servers[engine, store].address)
        calls = stack.enter_context(generator())
        cases = list(_cases())
        samples = Samples()
        for _ in range(rounds):
            for case, callers in itertools.product(cases, CALLERS):
                server = servers[case.engine, case.store]
                job = Job("grpc", server.address, case.operation, callers, seconds)
                measured = calls.measure(job, server)
                samples.add(f"{case.name}, {callers}, rate", measured.rate)
                samples.add(f"{case.name}, {callers}, p50", measured.p50)
                samples.add(f"{case.name}, {callers}, p99", measured.p99)
                samples.add(f"{case.name}, {callers}, processor", measured.processor)
    _tell(report, cases, samples)


def _cases() -> list[_Case]:
    return [
        _Case(engine, store, operation)
        for engine in engines()
        for store in ("", *_STORES)
        for operation in (_OPERATIONS if store else ("echo",))
    ]


def _tell(report: Report, cases: list[_Case], samples: Samples) -> None:
    floor = _Case("grpcio", "", "echo").name
    rows = []
    for case in cases:
        many = f"{case.name}, {_MANY}"
        rate = samples.ratios(f"{many}, rate", f"{floor}, {_MANY}, rate")
        processor = samples.ratios(f"{many}, processor", f"{floor}, {_MANY}, processor")
        report.figures[f"service: {case.name}: rate / echo"] = rate
        report.figures[f"service: {case.name}: processor / echo"] = processor
        if case.store == "disk":
            memory = _Case(case.engine, "memory", case.operation).name
            report.figures[f"service: {case.name}: rate / memory"] = samples.ratios(
                f"{many}, rate", f"{memory}, {_MANY}, rate"
            )
        rows.append(
            [
                case.name,
                short(samples.median(f"{case.name}, 1, p50")),
                short(samples.median(f"{many}, p99")),
                *(short(samples.median(f"{case.name}, {callers}, rate"), 0) for callers in CALLERS),
                rate.text(2),
                short(samples.median(f"{many}, processor"), 0),
                processor.text(2),
            ]
        )
    report.table(
        f"Calls through the front, over its embedded service (ratios beside {floor}, {_MANY} callers)",
        [
            "case",
            "p50 ms, 1 caller",
            f"p99 ms, {_MANY}",
            *(f"{callers} caller{'s'[: callers - 1]}, /s" for callers in CALLERS),
            "rate / echo",
            "processor µs",
            "processor / echo",
        ],
        rows,
    )
    _draw(report, samples)


def _draw(report: Report, samples: Samples) -> None:
    known = [series for series in _SERIES if f"{_OPERATIONS[0]}, {series}, {_MANY}, processor" in samples]
    echoes = [_Case(series.partition(",")[0], "", "echo").name for series in known]
    groups: dict[str, list[Spread | None]] = {
        # An echo has no store: its bars stand beside those of the memory.
        "echo": [
            samples.spread(f"{echo}, {_MANY}, processor") if series.endswith("memory") else None
            for echo, series in zip(echoes, known, strict=True)
        ]
    }
    for operation in _OPERATIONS:
        if operation != "page of 100":  # which would leave no room for the others
            groups[operation] = [samples.spread(f"{operation}, {series}, {_MANY}, processor") for series in known]
    report.charts.append(Chart("Processor time of the server a call", "µs", known, groups, one_scale=True))

"""The front between a caller and localtwins over HTTPS, beside other ways to get there, with 0, 5 and 20 ms added.

The other ways: the SDK in the caller's own process, as its README shows and slimmed; facades on FastAPI, with either
SDK; a front in Go that does the least (`go_front`). With one caller the Python client calls, as its users do; with many
it is gRPC's C core or aiohttp, so that the server and not the caller is what is measured.
"""

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import workload
from environment import CHECKOUT
from generator import Generator, generator
from load.job import Job
from measuring import Samples
from processes import ServerProcess, engine_options, engines, localtwins_server, serving, trusting, twinfront_before
from report import Chart, Report, short

MILLISECONDS: Final = (0, 5, 20)
_MANY: Final = 16
_PROCESSES: Final = 4
_OPERATIONS: Final = ("get", "update 3 properties", "create or replace", "page of 100")
_REPRESENTATIONS: Final = ("get, JSON", "get, typed")
_AS_BYTES: Final = {"get": "get, JSON", "update 3 properties": "update 3 properties, JSON"}
"""The names of operations where they are made of bytes, as far as these differ."""
_HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class _Way:
    """One way to the twins.

    Attributes:
        one: how one caller calls.
        many: how many do; empty if that is not measured.
        server: what is between; None if nothing is.
    """

    name: str
    one: str
    many: str
    address: str
    server: ServerProcess | None = None


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Goes through the latencies, and reports."""
    for milliseconds in MILLISECONDS:
        if milliseconds == 0:
            await _run(report, rounds, seconds, milliseconds)
        else:  # the more each call waits, the less one differs from another
            await _run(report, min(rounds, 3), seconds / 2, milliseconds)


async def _run(report: Report, rounds: int, seconds: float, milliseconds: int) -> None:
    samples, of_several, typed = Samples(), Samples(), Samples()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        late = ("--inject", f"latency={milliseconds}ms") if milliseconds else ()
        url, ca = stack.enter_context(localtwins_server(folder / "data", *late))
        ways = list(_ways(stack, url, ca))
        await workload.load(next(way.address for way in ways if way.name.startswith("front")))
        calls = stack.enter_context(generator(variables=trusting(ca)))
        several = stack.enter_context(generator(_PROCESSES, trusting(ca))) if milliseconds == 0 else None
        for _ in range(rounds):
            for way, operation in itertools.product(ways, _OPERATIONS):
                one = calls.measure(Job(way.one, way.address, operation, 1, seconds, ca), way.server)
                samples.add(f"{operation}, {way.name}, p50", one.p50)
                samples.add(f"{operation}, {way.name}, caller", one.caller_processor)
                asked = _AS_BYTES.get(operation, operation) if way.many == "grpc" else operation
                many = calls.measure(Job(way.many, way.address, asked, _MANY, seconds, ca), way.server)
                samples.add(f"{operation}, {way.name}, rate", many.rate)
                samples.add(f"{operation}, {way.name}, p99", many.p99)
                samples.add(f"{operation}, {way.name}, processor", many.processor)
            if several:
                _measure_several(several, ways, of_several, seconds, ca)
                _measure_typed(calls, ways, typed, seconds, ca)
    _tell(report, ways, samples, milliseconds)
    if several:
        _tell_several(report, ways, of_several)
        _tell_typed(report, ways, typed)


def _ways(stack: ExitStack, url: str, ca: str) -> Iterator[_Way]:
    yield _Way("SDK", "sdk", "sdk", url)
    yield _Way("SDK, asyncio", "sdk-aio", "sdk-aio", url)
    yield _Way("SDK, slimmed", "sdk-slim", "sdk-slim", url)
    for kind, name in {"default": "FastAPI + SDK", "slim": "FastAPI + SDK, slimmed"}.items():
        command = [sys.executable, str(_HERE / "facade.py"), kind, url, ca]
        facade = stack.enter_context(serving(command, trusting(ca)))
        yield _Way(name, "http", "http", facade.address, facade)
    for engine in engines():
        front = stack.enter_context(twinfront_before(url, ca, *engine_options(engine)))
        yield _Way(f"front, {engine}", "client", "grpc", front.address, front)
    if program := _go_front():
        go = stack.enter_context(serving([program, "-upstream", url, "-ca", ca]))
        yield _Way("bare front in Go", "client", "grpc", go.address, go)


def _go_front() -> str | None:
    program = str(CHECKOUT / "build" / "bench" / "go-front")
    build = ["go", "build", "-o", program, "."]
    if shutil.which("go") and subprocess.run(build, cwd=_HERE / "go_front", check=False).returncode == 0:
        return program
    print("without the front in Go: it cannot be built here")
    return None


def _measure_typed(calls: Generator, ways: list[_Way], samples: Samples, seconds: float, ca: str) -> None:
    for way, operation in itertools.product(ways, _REPRESENTATIONS):
        if way.name.startswith("front"):
            done = calls.measure(Job(way.many, way.address, operation, _MANY, seconds, ca), way.server)
            samples.add(f"{operation}, {way.name}, rate", done.rate)
            samples.add(f"{operation}, {way.name}", done.processor)


def _tell_typed(report: Report, ways: list[_Way], samples: Samples) -> None:
    json, typed = _REPRESENTATIONS
    report.table(
        f"Gets of {_MANY} callers through the front, over HTTPS with 0 ms added, as JSON and typed",
        ["front", "JSON, /s", "typed, /s", "processor µs, JSON", "processor µs, typed", "typed / JSON"],
        [
            [
                way.name.removeprefix("front, "),
                *(short(samples.median(f"{operation}, {way.name}, rate"), 0) for operation in _REPRESENTATIONS),
                *(short(samples.median(f"{operation}, {way.name}"), 0) for operation in _REPRESENTATIONS),
                samples.ratios(f"{typed}, {way.name}", f"{json}, {way.name}").text(2),
            ]
            for way in ways
            if way.name.startswith("front")
        ],
    )


def _measure_several(several: Generator, ways: list[_Way], samples: Samples, seconds: float, ca: str) -> None:
    for way in ways:
        if way.one in {"sdk", "client"}:
            done = several.measure(Job(way.one, way.address, "get", _MANY, seconds, ca), way.server)
            samples.add(f"{way.name}, rate", done.rate)
            samples.add(f"{way.name}, caller", done.caller_processor)


def _tell_several(report: Report, ways: list[_Way], samples: Samples) -> None:
    rows = []
    for way in ways:
        if f"{way.name}, rate" in samples:
            beside = samples.ratios(f"{way.name}, rate", "SDK, rate")
            report.figures[f"https: {_PROCESSES} processes: {way.name}: rate / sdk"] = beside
            figures = (short(samples.median(f"{way.name}, {figure}"), 0) for figure in ("rate", "caller"))
            rows.append([way.name, *figures, beside.text(2)])
    report.table(
        f"Gets of {_MANY} callers in {_PROCESSES} processes, with the SDK or the Python client, 0 ms added",
        ["case", "a second", "processor µs of the callers", "rate / SDK"],
        rows,
    )


def _tell(report: Report, ways: list[_Way], samples: Samples, milliseconds: int) -> None:
    rows = []
    for operation, way in itertools.product(_OPERATIONS, ways):
        case, sdk = f"{operation}, {way.name}", f"{operation}, SDK"
        beside = samples.ratios(f"{case}, p50", f"{sdk}, p50")
        figures = {"p50 / sdk": beside}
        if way.server:
            figures["rate / FastAPI"] = samples.ratios(f"{case}, rate", f"{operation}, FastAPI + SDK, rate")
            slim = f"{operation}, FastAPI + SDK, slimmed, processor"
            figures["processor / slim FastAPI"] = samples.ratios(f"{case}, processor", slim)
            if ways[-1].name.endswith("Go"):
                go = f"{operation}, {ways[-1].name}, processor"
                figures["processor / go"] = samples.ratios(f"{case}, processor", go)
        report.figures |= {f"https: {milliseconds} ms: {case}: {name}": figure for name, figure in figures.items()}
        rows.append(
            [
                case,
                short(samples.median(f"{case}, p50")),
                beside.text(2),
                short(samples.median(f"{case}, caller"), 0),
                short(samples.median(f"{case}, rate"), 0),
                short(samples.median(f"{case}, p99")),
                short(samples.median(f"{case}, processor"), 0) if way.server else "",
                figures["processor / go"].text(1) if "processor / go" in figures else "",
            ]
        )
    report.table(
        f"To localtwins over HTTPS with {milliseconds} ms added",
        [
            "case",
            "p50 ms, 1 caller",
            "p50 / SDK",
            "its processor µs",
            f"{_MANY} callers, /s",
            f"p99 ms, {_MANY}",
            "processor µs of the front",
            "its processor / Go",
        ],
        rows,
    )
    groups = {operation: [samples.spread(f"{operation}, {way.name}, p50") for way in ways] for operation in _OPERATIONS}
    report.charts.append(
        Chart(f"One caller's p50 with {milliseconds} ms added", "ms", [way.name for way in ways], groups)
    )

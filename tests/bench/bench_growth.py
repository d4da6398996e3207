"""Measures how figures grow with the properties of a twin, with connections, replicas and calls that have been made.

One thing grows at a time. `bench_graph.py` has the growth of the graph.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Final

import grpc.aio
import workload
from generator import generator
from load.job import Job
from measuring import Samples
from processes import localtwins_server, twinfront_before, twinfront_server
from report import Report, Spread, short
from workload import OPERATIONS, RawCall

_PROPERTIES: Final = (1, 10, 50, 200)
_CONNECTIONS: Final = (1, 100, 1_000, 5_000)
_REPLICAS: Final = (1, 2, 3)
_CALLERS: Final = 16
_AT_ONCE: Final = 100


async def run(report: Report, rounds: int, seconds: float, calls: int = 100_000) -> None:
    """Lets one after the other grow, and reports.

    Args:
        report: what it is told to.
        rounds: how many of each.
        seconds: of each case in a round.
        calls: how many are made where it is they that grow.
    """
    await _properties(report, rounds, seconds)
    await _connections(report, rounds, seconds)
    await _replicas(report, rounds, seconds)
    await _calls(report, calls)


async def _properties(report: Report, rounds: int, seconds: float) -> None:
    operations = ("get, JSON", "get, typed", "create or replace")
    samples = Samples()
    with ExitStack() as stack:
        calls = stack.enter_context(generator())
        servers = {}
        for count in _PROPERTIES:
            servers[count] = stack.enter_context(twinfront_server(":memory:"))
            await workload.load(servers[count].address, properties=count)
        for _ in range(rounds):
            for count, server in servers.items():
                for operation in operations:
                    job = Job("grpc", server.address, operation, _CALLERS, seconds, properties=count)
                    samples.add(f"{operation}, {count}", calls.measure(job, server).processor)
        resident = {count: server.resident() for count, server in servers.items()}
    report.table(
        "Twins of more and more properties: processor time of the server a call, µs",
        ["properties", *operations, "resident, MB"],
        [
            [
                f"{count}",
                *(short(samples.median(f"{operation}, {count}"), 0) for operation in operations),
                short(resident[count], 0),
            ]
            for count in _PROPERTIES
        ],
    )


async def _connections(report: Report, rounds: int, seconds: float) -> None:
    rows = []
    with ExitStack() as stack:
        calls = stack.enter_context(generator())
        server = stack.enter_context(twinfront_server(":memory:"))
        await workload.load(server.address)
        async with AsyncExitStack() as held:
            opened = 0
            for count in _CONNECTIONS:
                await _hold(held, server.address, count - opened)
                opened = count
                samples = Samples()
                for _ in range(rounds):
                    measured = calls.measure(Job("grpc", server.address, "get, JSON", _CALLERS, seconds), server)
                    samples.add("rate", measured.rate)
                    samples.add("processor", measured.processor)
                figures = (short(samples.median("rate"), 0), short(samples.median("processor"), 0))
                rows.append([f"{count:,}", *figures, short(server.resident(), 0)])
    head = ["connections", "gets of 16 callers, /s", "processor µs", "resident, MB"]
    report.table("Connections that are open beside those of the callers", head, rows)


async def _hold(held: AsyncExitStack, address: str, count: int) -> None:
    """Opens connections, each with one call, some at a time."""
    request = next(OPERATIONS["get, JSON"].requests())

    async def hold() -> None:
        # Each channel has a connection of its own, and asks nothing of the server while it is idle.
        channel = grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        held.push_async_callback(channel.close)
        get: RawCall = channel.unary_unary(OPERATIONS["get, JSON"].method)
        await get(request)

    for begun in range(0, count, _AT_ONCE):
        await asyncio.gather(*(hold() for _ in range(min(_AT_ONCE, count - begun))))


async def _replicas(report: Report, rounds: int, seconds: float) -> None:
    samples = Samples()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url, ca = stack.enter_context(localtwins_server(folder / "data"))
        servers = [stack.enter_context(twinfront_before(url, ca)) for _ in range(max(_REPLICAS))]
        generators = [stack.enter_context(generator()) for _ in servers]
        await workload.load(servers[0].address)

        def measure(number: int, count: int) -> float:
            callers = _CALLERS // count
            job = Job("grpc", servers[number].address, "get, JSON", callers, seconds)
            return generators[number].measure(job, servers[number]).rate

        for _ in range(rounds):
            for count in _REPLICAS:
                rates = await asyncio.gather(*(asyncio.to_thread(measure, at, count) for at in range(count)))
                samples.add(f"{count}", sum(rates))
        resident = [server.resident() for server in servers]
    report.table(
        f"Replicas before one localtwins over HTTPS, all on this machine: gets of {_CALLERS} callers",
        ["replicas", "a second", "/ one", "resident of all, MB"],
        [
            [f"{count}", short(samples.median(f"{count}"), 0), samples.ratios(f"{count}", "1").text(2), memory]
            for count in _REPLICAS
            for memory in [short(sum(resident[:count]), 0)]
        ],
    )


async def _calls(report: Report, wanted: int) -> None:
    with ExitStack() as stack:
        calls = stack.enter_context(generator())
        server = stack.enter_context(twinfront_server(":memory:"))
        await workload.load(server.address)
        for operation in ("get, JSON", "update 3 properties", "page of 100"):
            calls.measure(Job("grpc", server.address, operation, _CALLERS, 1.0), server)
        begun, done = server.resident(), 0
        while done < wanted:
            done += calls.measure(Job("grpc", server.address, "get, JSON", _CALLERS, 2.0), server).calls
        grown = server.resident() - begun
    report.figures["growth: calls: grown"] = Spread.of([grown])
    report.note(f"After {done:,} more calls a server that was warm had {grown:.1f} MB more.")

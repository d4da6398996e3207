"""A quiet caller alone, and beside one with 3,000 calls in flight: with the default bounds, and without any.

The two are different callers because they come over IPv4 and IPv6. How long the quiet one's calls take is measured with
a call every 20 ms; its share of all calls with 16 in flight at a time, of which half would be fair.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

import grpc.aio
import workload
from processes import twinfront_server
from report import Report

from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest

FLOOD = 3000
INTERVAL = 0.02
GREEDY_CALLS = 16
WARM_UP_SECONDS = 3.0
LEAST_CALLS = 10
"""Of the quiet caller, however long each takes."""

_ANY_HOST = ("--listen", "[::]:0", "--insecure", "--auth", "none")
_UNBOUNDED = ("--max-calls-at-work", "100000", "--max-calls-per-caller", "100000", "--max-calls-per-connection", "1000")
_UPSTREAMS = {"in memory": "", "that takes 50 ms": "latency=50ms"}
_REQUEST = GetDigitalTwinRequest(digital_twin_id="machine2").SerializeToString()


async def run(report: Report, rounds: int, seconds: float) -> None:
    """Starts servers one after the other, calls them and prints the table."""
    seconds *= rounds
    head = ["a quiet caller", "p50 ms", "p95 ms", "p99 ms", "its share of the calls %"]
    for name, fault in _UPSTREAMS.items():
        rows = [
            await _measured("alone", (), 0, fault, seconds),
            await _measured(f"beside {FLOOD:,}, unbounded", _UNBOUNDED, FLOOD, fault, seconds),
            await _measured(f"beside {FLOOD:,}, bounds as they are by default", (), FLOOD, fault, seconds),
        ]
        report.table(f"One caller beside another (get, typed; an upstream {name})", head, rows)


async def _measured(case: str, options: tuple[str, ...], flood: int, fault: str, seconds: float) -> list[str]:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(
            twinfront_server(
                ":memory:", *_ANY_HOST, "--log-level", "error", *options, variables={"LOCALTWINS_INJECT": fault}
            )
        )
        port = server.address.rpartition(":")[2]
        address = f"127.0.0.1:{port}"
        await workload.load(address, twins=3)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        get: workload.RawCall = channel.unary_unary(workload.SERVICE + "GetDigitalTwin")
        flooding = stack.enter_context(_flooding(f"[::1]:{port}", flood))
        await asyncio.sleep(WARM_UP_SECONDS)
        times = [time async for time in _times(get, seconds)]
        share = await _share(get, flooding, seconds)
    cuts = quantiles(times, n=100)
    return [case, *(f"{cuts[percent - 1] * 1000:.1f}" for percent in (50, 95, 99)), f"{share * 100:.1f}"]


async def _times(get: workload.RawCall, seconds: float) -> AsyncIterator[float]:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    count = 0
    while (start := loop.time()) < end or count < LEAST_CALLS:
        await get(_REQUEST)
        count += 1
        took = loop.time() - start
        yield took
        await asyncio.sleep(max(0.0, INTERVAL - took))


async def _share(get: workload.RawCall, flooding: "Flood", seconds: float) -> float:
    """Gives the share of all calls that a caller gets with `GREEDY_CALLS` at a time."""
    loop = asyncio.get_running_loop()
    before, end, mine = flooding.answered(), loop.time() + seconds, 0

    async def call() -> None:
        nonlocal mine
        while loop.time() < end:
            await get(_REQUEST)
            mine += 1

    await asyncio.gather(*(call() for _ in range(GREEDY_CALLS)))
    return mine / (mine + flooding.answered() - before)


class Flood:
    """The other caller: a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def answered(self) -> int:
        """Tells how many of its calls have been answered so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextmanager
def _flooding(address: str, calls: int) -> Iterator[Flood]:
    command = [sys.executable, str(Path(__file__).with_name("flood.py")), address, str(calls)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Flood(process)
    finally:
        process.terminate()
        process.wait()

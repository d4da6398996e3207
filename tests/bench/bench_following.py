"""Measures what watches cost: memory of idle ones, the way of a change to a callback, and the rate of writers."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import workload
from generator import generator
from load.job import Job
from measuring import Samples
from processes import ServerProcess, twinfront_server
from report import Report, Spread, short

from twinfront import AsyncTwinCache, AsyncTwinfrontClient, patch

_IDLE: Final = 10_000
_WATCHERS: Final = 100
_WRITERS: Final = 16
_WRITES: Final = 200
"""How many are followed to a callback in a round."""

_BETWEEN_WRITES: Final = 0.01
_SETTLING: Final = 3.0
_MANY: Final = tuple(f"--max-{what}=20000" for what in ("calls-in-flight", "calls-per-caller", "streams-per-caller"))
_MEGA: Final = 1e6


async def run(report: Report, rounds: int, seconds: float, idle: int = _IDLE) -> None:
    """Measures one after the other, and reports.

    Args:
        report: what it is told to.
        rounds: how many of each but the first.
        seconds: of each case in a round.
        idle: how many watches wait for nothing.
    """
    _memory(report, idle)
    await _way(report, rounds)
    await _writers(report, rounds, seconds)


def _memory(report: Report, idle: int) -> None:
    with twinfront_server(":memory:", *_MANY) as server, ExitStack() as stack:
        time.sleep(_SETTLING)
        before = server.resident()
        stack.enter_context(_watching(server, idle, part=0, checkpoint_seconds=300))
        time.sleep(_SETTLING)
        resident, busy = server.resident(), server.processor_seconds()
        time.sleep(_SETTLING)
        busy = (server.processor_seconds() - busy) / _SETTLING
    added = resident - before
    report.figures["following: idle watches: megabytes"] = Spread.of([added * _IDLE / idle])
    report.table(
        f"{idle:,} watches that are told nothing",
        ["", "MB of the front", "KB each", "processor, %"],
        [
            ["without", short(before, 0), "", ""],
            ["with", short(resident, 0), short(1000 * added / idle, 1), short(100 * busy, 1)],
        ],
    )


async def _way(report: Report, rounds: int) -> None:
    """Follows single writes from their commit to the callback of a cache."""
    with twinfront_server(":memory:", *_MANY) as server:
        await workload.load(server.address)
        async with AsyncTwinfrontClient(server.address) as client:
            times = [await _callbacks(client) for _ in range(rounds)]
    p50, p99 = ([statistics.quantiles(each, n=100)[cut] for each in times] for cut in (49, 98))
    report.figures["following: commit to callback: p99"] = Spread.of(p99)
    report.table(
        "From the commit of a write to the callback of a TwinCache, ms",
        ["", "p50", "p99"],
        [["100 writes a second, one after the other", Spread.of(p50).text(), Spread.of(p99).text()]],
    )


async def _callbacks(client: AsyncTwinfrontClient) -> list[float]:
    """Gives the milliseconds of each write: from the time that the twin has of it to the callback."""
    times: list[float] = []

    def changed(_before: object, after: object) -> None:
        now = time.time_ns()
        written = after.last_update_time  # type: ignore[attr-defined]  # the cache is of twins alone
        times.append((now - written.nanoseconds) / _MEGA)

    async with AsyncTwinCache(client, changed=changed) as cache:
        await cache.synced(30)
        for number in range(_WRITES):
            step = patch().add("/reading0", float(time.time_ns() + number))
            await client.update_digital_twin(workload.name_of(number), step)
            await asyncio.sleep(_BETWEEN_WRITES)
        while len(times) < _WRITES:
            await asyncio.sleep(_BETWEEN_WRITES)
    return times


async def _writers(report: Report, rounds: int, seconds: float) -> None:
    """Has writers write beside watchers and without them, in turn."""
    samples = Samples()
    cases = {"nobody": None, "each for one twin in a hundred": _WATCHERS, "all for everything": 1}
    with ExitStack() as stack:
        server = stack.enter_context(twinfront_server(":memory:", *_MANY))
        await workload.load(server.address)
        calls = stack.enter_context(generator())
        job = Job("grpc", server.address, "update 3 properties", _WRITERS, seconds)
        for _ in range(rounds):
            for name, part in cases.items():
                with ExitStack() as watched:
                    if part is not None:
                        watched.enter_context(_watching(server, _WATCHERS, part, checkpoint_seconds=30))
                    measured = calls.measure(job, server)
                samples.add(name, measured.rate)
                samples.add(f"{name}, processor", measured.processor)
    base = next(iter(cases))
    for name in cases:
        report.figures[f"following: writers, {name}: rate / alone"] = samples.ratios(name, base)
    report.table(
        f"{_WRITERS} writers, watched by {_WATCHERS}",
        ["watchers", "writes a second", "/ without", "processor µs of the front a write"],
        [
            [
                name,
                short(samples.median(name), 0),
                samples.ratios(name, base).text(3),
                short(samples.median(f"{name}, processor"), 0),
            ]
            for name in cases
        ],
    )


@contextmanager
def _watching(server: ServerProcess, count: int, part: int, checkpoint_seconds: int) -> Iterator[None]:
    """Has a process hold watches inside the block, from when all have begun."""
    command = [sys.executable, str(Path(__file__).with_name("watchers.py"))]
    words = [server.address, str(count), str(part), str(checkpoint_seconds)]
    process = subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit("watches could not be opened, see above")
        yield
    finally:
        process.kill()
        process.wait()

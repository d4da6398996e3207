"""Calls as it is told: reads a job a line as JSON, and writes a line with what came of it.

Connections stay open between jobs. A call that fails ends the program: what fails fast would look like speed.
"""

import asyncio
import gc
import inspect
import itertools
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
import uvloop

from load import grpc_calls, http_calls, sdk_calls
from load.job import BlockingCall, Call, Done, Job, Open

PATHS: Final[Mapping[str, Open]] = {
    "grpc": grpc_calls.open_raw,
    "client": grpc_calls.open_client,
    "sdk": sdk_calls.open_sync,
    "sdk-aio": sdk_calls.open_aio,
    "sdk-slim": sdk_calls.open_slim,
    "http": http_calls.open_facade,
}


async def main() -> None:
    """Does jobs until its input ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    opened: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    called: set[tuple[str, str, str, str]] = set()
    numbers = itertools.count()
    while line := await lines.readline():
        job = Job(**orjson.loads(line))
        way = (job.path, job.address, job.token)
        if way not in opened:
            opened[way] = await PATHS[job.path](job)
        call = opened[way][job.operation]
        calling = _calling if inspect.iscoroutinefunction(call) else _calling_in_threads
        if (*way, job.operation) not in called:
            called.add((*way, job.operation))
            await calling(call, replace(job, seconds=0), numbers)
        gc.collect()
        before = time.process_time()
        done = await calling(call, job, numbers)
        done = replace(done, processor=time.process_time() - before)
        print(orjson.dumps(asdict(done)).decode(), flush=True)


async def _calling(call: Call, job: Job, numbers: "itertools.count[int]") -> Done:
    """Makes calls from tasks, each at least one."""
    latencies: list[int] = []
    units = 0
    begun = time.perf_counter()

    async def caller() -> None:
        nonlocal units
        start = time.perf_counter()
        while True:
            units += await call(next(numbers))
            now = time.perf_counter()
            latencies.append(int((now - start) * 1e6))
            start = now
            if now > begun + job.seconds:
                return

    await asyncio.gather(*(caller() for _ in range(job.callers)))
    return Done(latencies, units, time.perf_counter() - begun)


async def _calling_in_threads(call: BlockingCall, job: Job, numbers: "itertools.count[int]") -> Done:
    """Makes calls from threads, each at least one."""
    begun = time.perf_counter()

    def caller() -> Done:
        latencies: list[int] = []
        units = 0
        start = time.perf_counter()
        while True:
            units += call(next(numbers))
            now = time.perf_counter()
            latencies.append(int((now - start) * 1e6))
            start = now
            if now > begun + job.seconds:
                return Done(latencies, units, now - begun)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(job.callers) as pool:
        all_done = await asyncio.gather(*(loop.run_in_executor(pool, caller) for _ in range(job.callers)))
    latencies = [latency for done in all_done for latency in done.latencies]
    return Done(latencies, sum(done.units for done in all_done), max(done.seconds for done in all_done))


uvloop.run(main())

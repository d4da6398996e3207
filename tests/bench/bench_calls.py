"""Measures what a million calls leave behind: the memory of a server after each hundred thousand, on each engine."""

from typing import Final

import workload
from generator import generator
from load.job import Job
from processes import engine_options, engines, twinfront_server
from report import Report, Spread, short

_CALLS: Final = 1_000_000
_STEP: Final = 100_000
_OPERATIONS: Final = ("get, JSON", "get, typed")
"""Writes would fill the log of changes, which is to grow up to its bound."""
_CALLERS: Final = 16
_TURN: Final = 1.0


async def run(report: Report, _rounds: int, _seconds: float, calls: int = _CALLS) -> None:
    """Makes so many calls of each engine, and reports; how many rounds, and how long, follows from that."""
    steps = range(_STEP, calls + 1, _STEP)
    resident = {engine: await _after_each(engine, steps) for engine in engines()}
    for engine, found in resident.items():
        report.figures[f"calls: {engine}: grown"] = Spread.of([found[-1] - found[0]])
    report.table(
        "Memory after so many calls, resident MB",
        ["calls", *resident],
        [[f"{step:,}", *(short(found[number]) for found in resident.values())] for number, step in enumerate(steps)],
    )


async def _after_each(engine: str, steps: range) -> list[float]:
    """Gives the megabytes of a server after so many calls each."""
    found = []
    with twinfront_server(":memory:", *engine_options(engine)) as server, generator() as calls:
        await workload.load(server.address)
        done = turns = 0
        for step in steps:
            while done < step:
                job = Job("grpc", server.address, _OPERATIONS[turns % len(_OPERATIONS)], _CALLERS, _TURN)
                done += calls.measure(job, server).calls
                turns += 1
            found.append(server.resident())
            print(f"{engine}: {done:,} calls, {found[-1]:.1f} MB", flush=True)
    return found

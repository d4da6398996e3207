"""Measures speed: `make bench`, or `build/bench/venv/bin/python tests/bench --help`.

Absolute numbers belong to a machine and a moment. Cases therefore run in turn, round after round, and what counts is
the ratio of two cases within a round; a table shows the median over all rounds, and the quartiles around it.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2]))

import bench_calls
import bench_fairness
import bench_following
import bench_graph
import bench_growth
import bench_https
import bench_policy
import bench_queries
import bench_sdk
import bench_service
import bench_start
import bench_streams
import bench_switched_on
import bench_turns
import bench_watching
import bench_writes
import machine
from report import Report, Table
from results import FILE, Results

Benchmark: TypeAlias = Callable[[Report, int, float], Coroutine[Any, Any, None]]

MAIN: Final[dict[str, Benchmark]] = {
    "service": bench_service.run,
    "https": bench_https.run,
    "streams": bench_streams.run,
    "following": bench_following.run,
    "start": bench_start.run,
    "growth": bench_growth.run,
    "graph": bench_graph.run,
    "queries": bench_queries.run,
    "writes": bench_writes.run,
}
"""Those of docs/performance.md, which also are what runs if none is named."""
OTHERS: Final[dict[str, Benchmark]] = {
    "calls": bench_calls.run,
    "sdk": bench_sdk.run,
    "policy": bench_policy.run,
    "watching": bench_watching.run,
    "fairness": bench_fairness.run,
    "turns": bench_turns.run,
    "switched-on": bench_switched_on.run,
}
SMALL: Final[dict[str, Benchmark]] = {
    "following": partial(bench_following.run, idle=1_000),
    "calls": partial(bench_calls.run, calls=200_000),
    "growth": partial(bench_growth.run, calls=10_000),
    "graph": partial(bench_graph.run, sizes=bench_graph.SIZES[:-1]),
    "queries": partial(bench_queries.run, twins=10_000),
}
"""Those that have a graph, with a small one."""


def main() -> None:
    """Runs benchmarks, and writes what they find to the file of results."""
    benchmarks = MAIN | OTHERS
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed; prints tables of ratios.")
    parser.add_argument("benchmark", nargs="*", choices=[[], *benchmarks], help=f"if none is named: {', '.join(MAIN)}")
    parser.add_argument("--rounds", type=int, default=5, help="rounds through all cases (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="time for a case in a round (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a short look: 2 rounds of 0.3 s, small graphs")
    parser.add_argument("--million", action="store_true", help="let the graph grow to a million twins")
    options = parser.parse_args()
    if options.quick:
        benchmarks |= SMALL
    if options.million:
        benchmarks["graph"] = partial(bench_graph.run, sizes=(*bench_graph.SIZES, bench_graph.MILLION))
    rounds, seconds = (2, 0.3) if options.quick else (options.rounds, options.seconds)
    known = ", ".join(f"{name} {what}" for name, what in machine.describe().items())
    print(f"{rounds} rounds of {seconds} s a case; {known}")
    results = Results.read(FILE)
    for name in options.benchmark or MAIN:
        report, busy, began = Report(), machine.busy(), time.monotonic()
        asyncio.run(benchmarks[name](report, rounds, seconds))
        print(f"\n{name} took {time.monotonic() - began:.0f} s")
        results.add(name, report, rounds=rounds, seconds=seconds, busy=busy)
        results.write(FILE)
    rows = results.targets()
    Table("Targets", list(rows[0]), [list(row.values()) for row in rows]).print()
    print(f"\nAll of it is in {FILE}")


main()

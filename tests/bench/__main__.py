"""Measures speed: `make bench`, or `python tests/bench --help`.

Absolute numbers belong to a machine and a moment. Cases therefore run in turn, round after round, and what counts is
the ratio of two cases within a round; a table shows the median over all rounds.
"""

import argparse
import asyncio
import platform
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2]))

import bench_fairness
import bench_policy
import bench_queries
import bench_sdk
import bench_service
import bench_switched_on
import bench_turns
import bench_watching


def main() -> None:
    """Runs all benchmarks, or those that are named."""
    benchmarks: dict[str, Callable[[int, float], Coroutine[None, None, None]]] = {
        "service": bench_service.run,
        "sdk": bench_sdk.run,
        "queries": bench_queries.run,
        "policy": bench_policy.run,
        "watching": bench_watching.run,
        "fairness": bench_fairness.run,
        "turns": bench_turns.run,
        "switched-on": bench_switched_on.run,
    }
    parser = argparse.ArgumentParser(prog="bench", description="Measure speed; prints tables of ratios.")
    parser.add_argument("benchmark", nargs="*", choices=[[], *benchmarks], help="all if none is named")
    parser.add_argument("--rounds", type=int, default=7, help="rounds through all cases (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.5, help="time for a case in a round (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="a short look: 2 rounds of 0.3 s, small graphs")
    options = parser.parse_args()
    if options.quick:
        benchmarks["queries"] = partial(bench_queries.run, twins=10_000)
    rounds, seconds = (2, 0.3) if options.quick else (options.rounds, options.seconds)
    print(f"Python {platform.python_version()} on {platform.machine()}, {rounds} rounds of {seconds} s a case")
    for name in options.benchmark or benchmarks:
        asyncio.run(benchmarks[name](rounds, seconds))


main()

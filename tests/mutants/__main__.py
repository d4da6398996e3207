"""Breaks the server in many small ways, one at a time, and counts how many of them the tests notice.

A mutant is killed when a test that runs the broken line fails. Those that survive are printed: each is a test that is
missing, or changes nothing that anybody could see; these are listed, with the reason, in `equivalent.txt`.

Ready-made mutators run one command for all mutants, in which this suite would take ten minutes each time, or fork a
process that has run tests, which gRPC does not survive. So the tests are chosen here, by the lines that they run.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from queue import SimpleQueue
from typing import Final

from .covering import Covering, collect
from .equivalents import Equivalents
from .mutating import mutants_of
from .progress import Place, Progress
from .tree import BUILD, CHECKOUT, copy_checkout, environment
from .trying import Verdict, failing_unbroken, try_mutant
from .worker import SURVIVED, TIMED_OUT, Ending, Task

_WANTED_SHARE: Final = 0.96
_SOME: Final = 50
_QUICK_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 120.0
"""How long the tests of one mutant take together when they pass; what does not fit is left out."""


class _Worker:
    """A process that tries mutants in its own copy of the checkout."""

    def __init__(self, number: int) -> None:
        folder = BUILD / f"tree-{number}"
        copy_checkout(folder)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.worker", str(BUILD / f"worker-{number}.log")],
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, task: Task) -> Ending:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asdict(task)), file=self._process.stdin, flush=True)
        return Ending(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants, at random; 0 for all")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which sample; one that broke off goes on")
    parser.add_argument("--changed", metavar="COMMIT", help="only sources that differ from this commit")
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument("--anew", action="store_true", help="run all tests with coverage again")
    parser.add_argument("sources", nargs="*", help="only these, as paths from the checkout; else all of server/")
    return parser.parse_args()


def _sources(arguments: argparse.Namespace) -> list[str]:
    if arguments.sources:
        return list(arguments.sources)
    if arguments.changed:
        command = ["git", "diff", "--name-only", "--diff-filter=d", arguments.changed, "--", "server/*.py"]
        changed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
        return changed.stdout.split()
    return sorted(str(file.relative_to(CHECKOUT)) for file in (CHECKOUT / "server").rglob("*.py"))


def _sample(arguments: argparse.Namespace) -> list[Place]:
    places = []
    for source in _sources(arguments):
        text = (CHECKOUT / source).read_text()
        places += [Place(source, text, mutant) for mutant in mutants_of(text)]
    chosen = random.Random(arguments.seed)
    print(f"{len(places)} mutants, seed {arguments.seed}", flush=True)
    if arguments.sample and arguments.sample < len(places):
        places = chosen.sample(places, arguments.sample)
    return places


def _chosen(tests: set[str], seconds: dict[str, float]) -> dict[str, float]:
    """Gives the tests of a mutant, with what each takes, in their order.

    The fastest example of each comes first, then all others; among both the fast ones are first.
    """
    firsts: dict[str, str] = {}
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        firsts.setdefault(test.partition("[")[0], test)
    others = sorted(tests - set(firsts.values()), key=lambda test: (seconds[test], test))
    chosen: dict[str, float] = {}
    left = 0.0
    for some in (firsts.values(), others):
        left += _MOST_SECONDS / 2
        for test in some:
            if seconds[test] > left:
                break
            left -= seconds[test]
            chosen[test] = seconds[test]
    return chosen


def main() -> int:
    """Tries a sample of mutants; gives the exit code, 0 if enough of them are killed."""
    arguments = _parsed()
    collect(arguments.jobs, anew=arguments.anew)
    covering = Covering()
    places = _sample(arguments)
    progress = Progress.of(places, arguments.seed)
    workers: SimpleQueue[_Worker] = SimpleQueue()
    for number in range(arguments.jobs):
        workers.put(_Worker(number))

    def run(task: Task) -> Ending:
        worker = workers.get()
        try:
            return worker.run(task)
        finally:
            workers.put(worker)

    # Tests can fail for a fault only: some of them, spread over all, pass without one.
    if failing := failing_unbroken(run, _some_of_all(covering)):
        raise RuntimeError(f"these tests fail without any fault: {failing}")

    def tried(place: Place) -> None:
        # What runs at import alone is a fault for all tests, or for none.
        tests = covering.tests_of(place.source, place.mutant.line)
        chosen = _chosen(tests, covering.seconds) or _some_of_all(covering)
        verdict = try_mutant(run, place.source, place.broken, chosen)
        progress.note(place, verdict)
        if verdict.outcome == SURVIVED:
            print(f"survived: {place}", flush=True)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(tried, progress.left()))
    killers = {test for verdict in progress.verdicts.values() for test in verdict.killers}
    showing_nothing = failing_unbroken(run, {test: covering.seconds.get(test, 1.0) for test in sorted(killers)})
    for _ in range(arguments.jobs):
        workers.get().close()
    return _told(progress.verdicts, set(showing_nothing))


def _told(verdicts: dict[Place, Verdict], showing_nothing: set[str]) -> int:
    """Prints the figures; gives the exit code."""
    equivalents = Equivalents.read()
    survivors = [place for place, verdict in verdicts.items() if verdict.outcome == SURVIVED]
    same = [place for place in survivors if equivalents.has(place.source, place.line, place.mutant)]
    # A kill by tests that fail anyway is none.
    void = [place for place, verdict in verdicts.items() if verdict.killers and showing_nothing >= {*verdict.killers}]
    slow = [place for place, verdict in verdicts.items() if verdict.outcome == TIMED_OUT and place not in void]
    counted = len(verdicts) - len(same)
    killed = counted - (len(survivors) - len(same)) - len(void)
    print(f"{killed} of {counted} killed ({killed / max(counted, 1):.1%}); {len(same)} beside them change nothing")
    print(f"{len(slow)} of those killed show in that a test does not end")
    for place in [*(place for place in survivors if place not in same), *void]:
        print(f"survived: {place}")
    if showing_nothing:
        print("these tests fail without a fault too, and kill nothing:", *sorted(showing_nothing), sep="\n    ")
    return 0 if killed >= _WANTED_SHARE * counted else 1


def _some_of_all(covering: Covering) -> dict[str, float]:
    """Gives some quick tests, spread over all files."""
    tests = sorted(test for test, seconds in covering.seconds.items() if seconds < _QUICK_SECONDS)
    return {test: covering.seconds[test] for test in tests[:: max(1, len(tests) // _SOME)]}


if __name__ == "__main__":
    sys.exit(main())

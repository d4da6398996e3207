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
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from typing import Final

from .covering import Covering, collect
from .equivalents import Equivalents
from .mutating import Mutant, mutants_of
from .tree import BUILD, CHECKOUT, copy_checkout, environment
from .worker import SURVIVED, TIMED_OUT, Ending, Task

_WANTED_SHARE: Final = 0.96
_SOME: Final = 50
_QUICK_SECONDS: Final = 1.0
_FIRST_FILES: Final = 6
"""How many files of tests a mutant meets at first: to read all that could concern it takes longer than to run them."""
_MOST_SECONDS: Final = 120.0
"""How long the tests of one mutant take together when they pass; what does not fit is left out."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A mutant and the source that it is of."""

    source: str
    mutant: Mutant

    def __str__(self) -> str:
        line = (CHECKOUT / self.source).read_text().splitlines()[self.mutant.line - 1].strip()
        return f"{self.source}:{self.mutant.line}: {line}\n    {self.mutant.before!r} -> {self.mutant.after!r}"


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
    parser.add_argument("--seed", type=int, default=int(time.time()), help="which sample it is")
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


def _sample(arguments: argparse.Namespace) -> list[_Place]:
    places = [
        _Place(source, mutant)
        for source in _sources(arguments)
        for mutant in mutants_of((CHECKOUT / source).read_text())
    ]
    chosen = random.Random(arguments.seed)
    print(f"{len(places)} mutants, seed {arguments.seed}", flush=True)
    if arguments.sample and arguments.sample < len(places):
        places = chosen.sample(places, arguments.sample)
    return places


def _chosen(tests: set[str], seconds: dict[str, float]) -> list[str]:
    """Gives the tests of a mutant: at first the fastest example of each, then all others, the fast ones first."""
    firsts: dict[str, str] = {}
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        firsts.setdefault(test.partition("[")[0], test)
    others = sorted(tests - set(firsts.values()), key=lambda test: (seconds[test], test))
    chosen: list[str] = []
    left = 0.0
    for some in (firsts.values(), others):
        left += _MOST_SECONDS / 2
        for test in some:
            if seconds[test] > left:
                break
            left -= seconds[test]
            chosen.append(test)
    return chosen


def _first_and_others(tests: list[str]) -> list[list[str]]:
    """Parts tests into those of the few files of the first ones, which kill most mutants, and all others."""
    files = set(list(dict.fromkeys(test.partition("::")[0] for test in tests))[:_FIRST_FILES])
    first = [test for test in tests if test.partition("::")[0] in files]
    others = [test for test in tests if test.partition("::")[0] not in files]
    return [first, others] if others else [first]


def main() -> int:
    """Tries a sample of mutants; gives the exit code, 0 if enough of them are killed."""
    arguments = _parsed()
    collect(arguments.jobs, anew=arguments.anew)
    covering = Covering()
    equivalents = Equivalents.read()
    places = _sample(arguments)
    workers: SimpleQueue[_Worker] = SimpleQueue()
    for number in range(arguments.jobs):
        workers.put(_Worker(number))

    _require_passing(workers, covering)

    def tried(place: _Place) -> Ending:
        # What runs at import alone is a fault for all tests, or for none.
        tests = _chosen(covering.tests_of(place.source, place.mutant.line), covering.seconds) or _some_of_all(covering)
        text = place.mutant.applied((CHECKOUT / place.source).read_text())
        worker = workers.get()
        try:
            for some in _first_and_others(tests):
                took = sum(covering.seconds[test] for test in some)
                ending = worker.run(Task(place.source, text, some, 30 + 4 * took))
                if ending.outcome != SURVIVED:
                    break
            return ending
        finally:
            workers.put(worker)

    survivors: list[_Place] = []
    same = 0
    killers: set[str] = set()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for place, ending in zip(places, pool.map(tried, places), strict=True):
            killers |= set(ending.failed)
            if ending.outcome == SURVIVED and equivalents.has(place.source, place.mutant):
                same += 1
            elif ending.outcome == SURVIVED:
                survivors.append(place)
                print(f"survived: {place}", flush=True)
    doubtful = _failing_unbroken(workers, sorted(killers), covering)
    for _ in range(arguments.jobs):
        workers.get().close()
    killed, counted = len(places) - len(survivors) - same, len(places) - same
    print(f"{killed} of {counted} killed ({killed / max(counted, 1):.1%}); {same} beside them change nothing")
    if doubtful:
        print("these tests killed, but fail without a fault too:", *doubtful, sep="\n    ")
    return 0 if killed >= _WANTED_SHARE * counted and not doubtful else 1


def _require_passing(workers: SimpleQueue[_Worker], covering: Covering) -> None:
    """Makes sure that tests can fail for a fault only: some of them, spread over all, pass without one.

    Raises:
        RuntimeError: they do not.
    """
    if failing := _failing_unbroken(workers, _some_of_all(covering), covering):
        raise RuntimeError(f"these tests fail without any fault: {failing}")


def _some_of_all(covering: Covering) -> list[str]:
    """Gives some quick tests, spread over all files."""
    tests = sorted(test for test, seconds in covering.seconds.items() if seconds < _QUICK_SECONDS)
    return tests[:: max(1, len(tests) // _SOME)]


def _failing_unbroken(workers: SimpleQueue[_Worker], tests: list[str], covering: Covering) -> list[str]:
    """Gives those of the tests that fail in the sources as they are, whose kills show nothing."""
    if not tests:
        return []
    worker = workers.get()
    took = sum(covering.seconds.get(test, 1.0) for test in tests)
    try:
        ending = worker.run(Task("", "", tests, 60 + 4 * took))
        return ending.failed if ending.outcome != TIMED_OUT else tests
    finally:
        workers.put(worker)


if __name__ == "__main__":
    sys.exit(main())
